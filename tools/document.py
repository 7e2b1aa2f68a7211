"""What parsers are given and what they give back: a document, its blocks, a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

from .decode import Decoded, decode

Kind = Literal["text", "heading", "row", "code"]


class ChunkSizes(Protocol):
    """`ChunkPolicy` as parsing and chunking read it; in the parser's process pydantic is not imported."""

    @property
    def size(self) -> int: ...

    @property
    def overlap(self) -> int: ...

    @property
    def pages(self) -> str | None: ...

    @property
    def skip_sections(self) -> tuple[str, ...]: ...

    @property
    def tags(self) -> tuple[str, ...]: ...

    @property
    def asked(self) -> bool: ...


class Limits(Protocol):
    """The part of `LimitPolicy` that parsing reads."""

    @property
    def file_bytes(self) -> int: ...

    @property
    def pages(self) -> int: ...

    @property
    def rows(self) -> int: ...

    @property
    def parse_memory_mb(self) -> int: ...

    @property
    def archive_bytes(self) -> int: ...

    @property
    def archive_ratio(self) -> int: ...


@dataclass(slots=True)
class Block:
    """One heading, paragraph, table row or piece of code, in the document's order.

    `start` and `end` are characters of the decoded text, `row` counts from 1 as a spreadsheet does (a header
    is row 1). `header` is what every chunk that begins with this block repeats above it. `fresh` begins a
    chunk. A heading without text ends the section above it.
    """

    text: str
    kind: Kind = "text"
    level: int = 0
    page: int | None = None
    row: int | None = None
    start: int | None = None
    end: int | None = None
    header: str = ""
    fresh: bool = False


class Refused(Exception):
    """A file that is not taken: `reason` is a code, `detail` says what was met and what to do next."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def out_of_memory(limits: Limits) -> str:
    """What is said of a file for which the memory of its parser's process was not enough."""
    met = f"reading it needs more than the {limits.parse_memory_mb} MB of memory that are allowed"
    return f"{met}; split it, or raise limits.parse_memory_mb"


@dataclass
class Document:
    """One file as a parser sees it: `data` for binary formats, `text` for others.

    Parsers append to `warnings`; `depth` counts attachments inside attachments.
    """

    data: bytes
    name: str
    media_type: str
    limits: Limits
    warnings: list[str] = field(default_factory=list)
    depth: int = 0

    @cached_property
    def decoded(self) -> Decoded:
        """The text of a text format, clean; Refused where the bytes are no text."""
        decoded = decode(self.data)
        if decoded is None:
            raise Refused("corrupt", "holds bytes that are no text; give an undamaged copy")
        self.warnings.extend(decoded.warnings)
        self.data = b""  # a large text is large enough once
        return decoded

    @property
    def text(self) -> str:
        return self.decoded.text

    def warn(self, sentence: str) -> None:
        """Note something that a person should know, once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)
