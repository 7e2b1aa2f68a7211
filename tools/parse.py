"""Files into chunks: what a file is, which parser reads it, and why it is refused where it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from .choices import chosen
from .chunk import ChunkDraft, chunk, chunker_id
from .decode import clean
from .document import Block, ChunkSizes, Document, Limits, Refused, out_of_memory
from .media import BINARY, DOCX, ENCRYPTED_OFFICE, PACKED, PPTX, XLSX, label, wrong_suffix
from .opened import opened
from .sniff import sniff


def _version(package: str) -> str:
    """An installed package's version by its folder's name: importlib.metadata takes 20 ms in every child."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return "none"
    found = next(Path(spec.origin).parent.parent.glob(f"{package}-*.dist-info"), None)
    return found.name.removeprefix(f"{package}-").removesuffix(".dist-info") if found else "unknown"


PARSER = f"milepost/4+kreuzberg/{_version('kreuzberg')}+liteparse/{_version('liteparse')}"
"""Identifies the parsers: results under another one are made again."""

_DEEPEST = 3
"""Attachments inside attachments, at most."""

# Media type, or its beginning with a slash or star at the end, to module and function: a parser is imported
# when used.
_PARSERS: dict[str, str] = {
    "text/markdown": "parse_text:markdown_blocks",
    "text/x-rst": "parse_rst:rst_blocks",
    "text/csv": "parse_table:delimited_blocks",
    "text/tab-separated-values": "parse_table:delimited_blocks",
    "text/html": "parse_html:html_blocks",
    "application/xhtml+xml": "parse_html:html_blocks",
    "application/json": "parse_json:json_blocks",
    "application/x-ndjson": "parse_json:json_lines_blocks",
    "application/x-ipynb+json": "parse_json:notebook_blocks",
    "application/xml": "parse_xml:xml_blocks",
    "application/yaml": "parse_text:text_blocks",
    "application/toml": "parse_text:text_blocks",
    "application/sql": "parse_text:text_blocks",
    "message/rfc822": "parse_mail:mail_blocks",
    "application/mbox": "parse_mail:mailbox_blocks",
    "application/pdf": "parse_pdf:pdf_blocks",
    DOCX: "parse_docx:docx_blocks",
    PPTX: "parse_pptx:pptx_blocks",
    XLSX: "parse_xlsx:xlsx_blocks",
    "application/vnd.oasis.opendocument.text": "parse_odf:odf_blocks",
    "application/vnd.oasis.opendocument.spreadsheet": "parse_odf:odf_blocks",
    "application/vnd.oasis.opendocument.presentation": "parse_odf:odf_blocks",
    "application/epub+zip": "parse_epub:epub_blocks",
    "application/rtf": "parse_kreuzberg:document_blocks",
    "application/msword": "parse_kreuzberg:document_blocks",
    "application/vnd.ms-excel": "parse_kreuzberg:document_blocks",
    "application/vnd.ms-powerpoint": "parse_kreuzberg:document_blocks",
    "application/vnd.ms-outlook": "parse_kreuzberg:document_blocks",
    "text/": "parse_text:text_blocks",
}


_SECOND = frozenset(
    each
    for each in _PARSERS
    if each in (DOCX, PPTX, XLSX, "application/epub+zip", "text/html", "application/xhtml+xml", "message/rfc822")
    or "opendocument" in each
)
"""What kreuzberg is asked about where our own parser fails. What only kreuzberg reads has no second one."""


@dataclass(frozen=True)
class Parsed:
    """What became of one file.

    Either `chunks`, or a `reason` (a code) and a `detail` (a sentence with a next step).
    """

    media_type: str
    chunks: list[ChunkDraft]
    warnings: list[str]
    reason: str | None
    detail: str | None
    seconds: float
    parser: str


def parse_path(path: Path, name: str, *, chunk: ChunkSizes, limits: Limits) -> Parsed:
    """Parse the file at `path`, whose name is `name`; the path itself may be that of a blob."""
    return _parsed(lambda: _read(path, limits), Document(b"", name, "", limits), chunk)


def parse_bytes(data: bytes, name: str, *, chunk: ChunkSizes, limits: Limits) -> Parsed:
    """Parse and chunk in this process.

    Never raises for a bad file; a hostile one belongs into `ParserPool`.
    """
    return _parsed(lambda: data, Document(b"", name, "", limits), chunk)


def _read(path: Path, limits: Limits) -> bytes:
    try:
        with opened(path) as file:
            _check_size(os.fstat(file.fileno()).st_size, limits)
            return file.read(limits.file_bytes + 1)  # one that grows has no end to wait for
    except OSError as error:
        raise Refused("unreadable", f"{error.strerror or error}; check the file's permissions") from None


def _parsed(load: Callable[[], bytes], document: Document, policy: ChunkSizes) -> Parsed:
    began = time.perf_counter()
    chunks: list[ChunkDraft] = []
    reason = detail = None
    try:
        document.data = load()
        _check_size(len(document.data), document.limits)
        if not document.data.strip(b"\0 \t\r\n\xff\xfe\xef\xbb\xbf"):  # the last ones are byte order marks
            raise Refused("empty", "there is nothing in it; leave it out or fill it")
        document.media_type = sniff(document.data, document.name)
        chunks = _chunks(document, policy)
    except Refused as refusal:
        reason, detail = refusal.reason, refusal.detail
    except MemoryError:
        reason, detail = "too_large", out_of_memory(document.limits)
    except Exception as error:  # whatever a parser trips over is this file's failure, nobody else's
        reason, detail = "corrupt", _tripped(error)
    seconds = time.perf_counter() - began
    return Parsed(document.media_type, chunks, document.warnings, reason, detail, seconds, PARSER)


def attached_blocks(data: bytes, name: str, outer: Document) -> Iterator[Block]:
    """Blocks of a file inside another; where it cannot be read, a warning of the outer one says so."""
    media_type = sniff(data, name)
    document = Document(data, name, media_type, outer.limits, depth=outer.depth + 1)
    try:
        if document.depth > _DEEPEST:
            raise Refused("too_large", f"nested more than {_DEEPEST} deep")
        if media_type == "application/zip":
            raise Refused("unsupported_type", "an archive inside another file; save it and give it by itself")
        for block in _parser(document)(document):
            block.page = block.start = block.end = None
            yield block
    except Refused as refusal:
        outer.warn(f"attachment {name!r} was not read: {refusal.detail}")
    for warning in document.warnings:
        outer.warn(f"attachment {name!r}: {warning}")


def _chunks(document: Document, policy: ChunkSizes) -> list[ChunkDraft]:
    suspect = wrong_suffix(document.media_type, document.name)
    if suspect:
        document.warn(suspect)
    try:
        chunks = chunk(chosen(_blocks(document), policy, document), policy)
    except MemoryError:
        raise
    except RecursionError:  # the second parser would not come back from this
        raise Refused("too_large", "nested too deep; flatten it or give another format") from None
    except Exception as error:  # Refused, or whatever a parser trips over
        true = isinstance(error, Refused) and error.reason != "corrupt"
        chunks = [] if true else _second(document, policy)
        if not chunks:
            raise
    if not chunks:
        chunks = _second(document, policy)
    if not any(each.text.strip() for each in chunks):
        raise Refused(
            "no_text", f"no text was found in it ({label(document.media_type)}); leave it out, or give a copy with text"
        )
    return chunks


def _tripped(error: Exception) -> str:
    what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return f"the parser failed ({what}); give another copy or format"


def _blocks(document: Document) -> Iterator[Block]:
    blocks = _parser(document)(document)
    media_type = document.media_type
    decoded = media_type.startswith("text/") and media_type != "text/html"
    return blocks if decoded else _cleaned(blocks)


def _second(document: Document, policy: ChunkSizes) -> list[ChunkDraft]:
    """What another parser finds in a file that its own could not read; nothing where it fails, too."""
    if document.media_type not in _SECOND or not document.data:
        return []
    from .parse_kreuzberg import document_blocks

    try:
        chunks = chunk(chosen(_cleaned(document_blocks(document)), policy, document), policy)
    except Refused:
        return []
    if chunks:
        document.warn("damaged or unusual: read by a second parser, kreuzberg; look at the result")
    return chunks


def _cleaned(blocks: Iterator[Block]) -> Iterator[Block]:
    """Blocks as a store can hold them: escapes and entities can stand for anything.

    Decoded text is clean already.
    """
    for block in blocks:
        block.text = clean(block.text)
        block.header = clean(block.header) if block.header else ""
        yield block


def _parser(document: Document) -> Callable[[Document], Iterator[Block]]:
    media_type = document.media_type
    target = _PARSERS.get(media_type) or (_PARSERS["text/"] if media_type.startswith("text/") else None)
    if target is None:
        raise _unsupported(media_type)
    module, _, function = target.partition(":")
    found: Callable[[Document], Iterator[Block]] = getattr(import_module(f".{module}", __package__), function)
    return found


def _unsupported(media_type: str) -> Refused:
    if media_type == ENCRYPTED_OFFICE:
        return Refused("encrypted", "encrypted; leave it out, or give an open copy")
    if media_type.startswith("image/"):
        return Refused("no_text", "an image has no text without OCR; give a copy with text")
    if media_type.startswith(("audio/", "video/")):
        return Refused("unsupported_type", f"{media_type} has no text; give a transcript")
    if media_type == "application/zip":
        return Refused("unsupported_type", "a zip archive; open it with --archives, or unpack it and give the folder")
    if media_type in PACKED:
        return Refused("unsupported_type", "an archive; unpack it and give the folder")
    what = "not a format that is known" if media_type == BINARY else f"{label(media_type)} is not read"
    return Refused("unsupported_type", f"{what}; convert it to PDF or text, or leave it out")


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.file_bytes:
        detail = f"{size} bytes, the limit is {limits.file_bytes}; raise limits.file_bytes or split it"
        raise Refused("too_large", detail)


__all__ = ["PARSER", "Parsed", "attached_blocks", "chunker_id", "parse_bytes", "parse_path"]
