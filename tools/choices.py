"""What of a document is read: chosen pages, and not the sections that are to be left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from .document import Block, ChunkSizes, Document, Refused


def choices_id(policy: ChunkSizes) -> str:
    """The part of a chunker's id that says what was chosen; nothing where all is read and nothing is written on it."""
    tags = dict(tag.split("=", 1) for tag in policy.tags)
    said = {"pages": policy.pages, "skip": list(policy.skip_sections), "tags": tags, "asked": policy.asked}
    chosen = {name: value for name, value in said.items() if value}
    return f";{json.dumps(chosen, sort_keys=True, separators=(',', ':'), ensure_ascii=False)}" if chosen else ""


def was_asked(chunker: str) -> bool:
    """Whether a source was read as its request chose, by the id of its chunker."""
    said = chunker.partition(";")[2]
    return bool(said) and bool(json.loads(said).get("asked"))


def chosen(blocks: Iterable[Block], policy: ChunkSizes, document: Document) -> Iterator[Block]:
    """The blocks on the chosen pages, without the sections to be left out.

    Refused where the document has none of the pages. One without pages is read whole, with a warning.
    """
    some = _on_pages(blocks, policy.pages, document) if policy.pages else iter(blocks)
    return _without(some, policy.skip_sections, document) if policy.skip_sections else some


def pages_of(said: str) -> list[range]:
    """Ranges of page numbers from "1-20,31"."""
    found: list[range] = []
    for part in said.split(","):
        first, _, last = part.partition("-")
        found.append(range(int(first), int(last or first) + 1))
    return found


def _on_pages(blocks: Iterable[Block], said: str, document: Document) -> Iterator[Block]:
    wanted = pages_of(said)
    top = max(pages.stop for pages in wanted) - 1
    read = whole = dropped = 0
    for block in blocks:
        if block.page is None:
            whole += 1
        elif not any(block.page in pages for pages in wanted):
            dropped += 1
            if block.page > top:
                break
            continue
        read += 1
        yield block
    if dropped and not read:
        raise Refused("no_text", f"there is no text on pages {said}; choose other pages, or leave the file out")
    if whole and not dropped:
        document.warn("it has no pages, so it is read whole")


def _without(blocks: Iterable[Block], sections: tuple[str, ...], document: Document) -> Iterator[Block]:
    pattern = re.compile("|".join(rf"\b{re.escape(one)}" for one in sections), re.IGNORECASE)
    level: int | None = None
    left_out = 0
    for block in blocks:
        if block.kind == "heading":
            if pattern.search(block.text) and (level is None or block.level <= level):
                level = block.level
                left_out += 1
            elif level is not None and block.level <= level:
                level = None
        if level is None:
            yield block
    if not left_out:
        document.warn(f"it has no section called {' or '.join(sections)}")
