"""Blocks of documents that kreuzberg turns into Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .decode import clean
from .document import Block, Document, Refused
from .parse_text import markdown

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_IMAGE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
_STRONG = re.compile(r"(?<!\\)\*\*(?=\S)(.+?)(?<=\S)(?<!\\)\*\*")
_ENCRYPTED = re.compile(r"password|encrypt", re.IGNORECASE)


def _extract(document: Document) -> ExtractionResult:
    """Run kreuzberg; Refused where it cannot read the bytes. OCR is off, nothing is cached or fetched."""
    from kreuzberg import ExtractionConfig, extract_bytes_sync  # 130 ms and 100 MB

    config = ExtractionConfig(use_cache=False, enable_quality_processing=False, output_format="markdown")
    try:
        return extract_bytes_sync(document.data, document.media_type, config)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic of its Rust side is no Exception
        raise _refusal(document, str(error)) from None


def document_blocks(document: Document) -> Iterator[Block]:
    """Blocks of any format that kreuzberg turns into Markdown."""
    result = _extract(document)
    for block in markdown(_IMAGE.sub("", clean(result.content))):
        block.text = _ESCAPED.sub(r"\1", _STRONG.sub(r"\1", block.text))
        block.header = _ESCAPED.sub(r"\1", block.header)
        block.start = block.end = None
        yield block


def _refusal(document: Document, message: str) -> Refused:
    if _ENCRYPTED.search(message):
        return Refused("encrypted", "encrypted; leave it out, or give an open copy")
    return Refused("corrupt", f"damaged or cut off ({_first_line(message)}); give an undamaged copy")


def _first_line(message: str) -> str:
    line = " ".join(message.split("\n", 1)[0].split())
    return line[:117] + "..." if len(line) > 120 else line or "the parser gave up"
