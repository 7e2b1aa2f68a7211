"""The media type of a file by its content; the name only decides between kinds of text that look alike."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import PurePosixPath

from .decode import decode
from .media import BINARY, BY_SUFFIX, CODE, DOCX, ENCRYPTED_OFFICE, NO_TEXT, PPTX, XLSX
from .parse_table import find_delimiter

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"BM", "image/bmp"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"(\xb5/\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf'\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
)
_TEXTUAL_MAGIC = (b"BM", b"ID3", b"BZh", b"PAR1", b"GIF8")
"""Marks that a text may begin with, too."""
ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_FOLDERS = (("word/", DOCX), ("ppt/", PPTX), ("xl/", XLSX))
_OPEN_DOCUMENT = re.compile(rb"application/(?:vnd\.oasis\.opendocument\.[a-z]+|epub\+zip)")
_OLE_KINDS = (
    ("EncryptedPackage", ENCRYPTED_OFFICE),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("Book", "application/vnd.ms-excel"),
)
_PAGE = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_FRAGMENT = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:title|meta|h[1-6]|p|div|table|ul|ol|span)\b[^<>]*>", re.I | re.S)
_CLOSED = re.compile(r"</(?:title|h[1-6]|p|div|table|tr|td|ul|ol|li|span|a|b)\s*>", re.I)
_MANY = 5
"""End tags of a fragment of HTML; a text about tags has fewer, and ends in words."""
_HTML_ANYWHERE = re.compile(r"<(?:html|body|table|p|div|h[1-6])\b[^>]*>", re.IGNORECASE)
_HEADER = re.compile(
    r"^(?:from|to|cc|subject|date|message-id|mime-version|received|return-path|delivered-to|content-type|reply-to"
    r"|x-[\w-]+|sender|references|in-reply-to|dkim-signature|content-transfer-encoding|user-agent):",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"^(?:#{1,6} \S|```|[-*] \S|\d+\. \S|> |\|.*\|$|.*\[[^\]]+\]\([^)]+\))", re.MULTILINE)


_MARKED = (".html", ".htm", ".json", ".jsonl", ".ndjson", ".xml")
"""Names of what is known by its marks: a text without them is something else."""


def sniff(data: bytes, name: str = "") -> str:
    """Return the media type of `data`.

    Total: what is nothing known and no text is `application/octet-stream`.
    """
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    if data[:4] in ZIP_MARKS:
        return _zip(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole(data)
    for offset, mark, media_type in _MAGIC:
        if data[offset : offset + len(mark)] == mark and not (mark in _TEXTUAL_MAGIC and _is_text(data)):
            return media_type
    return _text(data, name)


def _zip(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return zip_type(archive)
    except Exception:  # a damaged archive raises almost anything; the first bytes still tell what it was meant to be
        found = _OPEN_DOCUMENT.search(data[:200])
    if found:
        return found[0].decode()
    return next((media_type for folder, media_type in _FOLDERS if folder.encode() in data), "application/zip")


def zip_type(archive: zipfile.ZipFile) -> str:
    """The media type of an open archive: a document that is one, or `application/zip`; raises if it is damaged."""
    names = set(archive.namelist())
    mark = b""
    if "mimetype" in names:
        with archive.open("mimetype") as member:
            mark = member.read(100)
    found = _OPEN_DOCUMENT.search(mark)
    if found:
        return found[0].decode()
    if "EncryptedPackage" in names:
        return ENCRYPTED_OFFICE
    for folder, media_type in _FOLDERS:
        inside = any(each.startswith(folder) for each in names)
        if inside and ("[Content_Types].xml" in names or "_rels/.rels" in names):
            return media_type
    return "application/zip"


def _ole(data: bytes) -> str:
    for entry, media_type in _OLE_KINDS:
        if entry.encode("utf-16-le") in data:
            return media_type
    return "application/x-ole-storage"


def _is_text(data: bytes) -> bool:
    return decode(data[:10_000]) is not None


def _text(data: bytes, name: str) -> str:
    head = data[:65_536]
    if len(data) > len(head):
        head = head[: head.rfind(b"\n") + 1] or head[: len(head) // 4 * 4]
    decoded = decode(head)
    if decoded is None:
        return BINARY
    text = decoded.text
    suffix = PurePosixPath(name.lower()).suffix
    if _is_mbox(text):
        return "application/mbox"
    if _is_mail(text):
        return "message/rfc822"
    return _markup(text, suffix) or _json(data, text, suffix) or _written(text, suffix)


def _is_mbox(text: str) -> bool:
    first, _, rest = text.partition("\n")
    return re.match(r"From \S+.*\d\d:\d\d", first) is not None and _is_mail(rest)


def _is_mail(text: str) -> bool:
    lines = text.lstrip("\n").split("\n", 60)[:60]
    known = 0
    for line in lines:
        if _HEADER.match(line):
            known += 1
        elif not line.strip():
            break
        elif not re.match(r"[!-9;-~]+:|[ \t]", line):
            return False
    return known >= 3 or (known == 2 and any(re.match(r"(?:from|message-id|received):", each, re.I) for each in lines))


def _markup(text: str, suffix: str) -> str | None:
    start = text[:3000].lstrip()
    if start.startswith("<?xml"):
        root = re.search(r"<([A-Za-z_][\w.:-]*)", re.sub(r"<[?!][^>]*>", "", start))
        return "application/xhtml+xml" if root and root[1].lower() == "html" else "application/xml"
    prose = suffix in (".md", ".markdown", ".mdx", ".qmd", ".txt", ".text")
    if _PAGE.match(start) or (_is_fragment(text) and (not prose or suffix in (".txt", ".text"))):
        return "text/html"
    if suffix in (".html", ".htm") and _HTML_ANYWHERE.search(text):
        return "text/html"
    if re.match(r"<([A-Za-z_][\w.:-]*)[^<>]*>", start) and text.rstrip().endswith(">"):
        return "application/xml" if not prose else None
    return None


def _is_fragment(text: str) -> bool:
    """Whether a text that begins with an element of HTML is a piece of a page, and not one about tags."""
    if _FRAGMENT.match(text[:3000]) is None:
        return False
    return len(_CLOSED.findall(text)) >= (1 if text.rstrip().endswith(">") else _MANY)


def _json(data: bytes, text: str, suffix: str) -> str | None:
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return BY_SUFFIX[suffix] if suffix in (".jsonl", ".ndjson") and start == '"' else None
    lines = [line for line in text.split("\n") if line.strip()][:20]
    if len(data) > 65_536 and len(lines) > 1:
        lines = lines[:-1]
    by_line = suffix in (".jsonl", ".ndjson") and any(map(_is_json, lines))
    if by_line or (len(lines) > 1 and all(map(_is_json, lines))):
        return "application/x-ndjson"
    named = suffix in (".json", ".ipynb", ".jsonl", ".ndjson", ".geojson")
    if not named and not (_is_json(text) if len(data) <= 65_536 else _looks_json(text) and _is_whole_json(data)):
        return None
    if '"nbformat"' in text or (suffix == ".ipynb" and '"cells"' in text):
        return "application/x-ipynb+json"
    return "application/json" if suffix in (".json", ".ipynb", ".geojson", "") or _looks_json(text) else None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_int=str), dict | list)
    except (ValueError, RecursionError):
        return False


def _is_whole_json(data: bytes) -> bool:
    """A large file is parsed only where its beginning might be JSON and its name does not say so."""
    decoded = decode(data)
    return decoded is not None and _is_json(decoded.text)


def _looks_json(text: str) -> bool:
    return re.match(r'\s*(?:\{\s*(?:"|\})|\[\s*(?:[\[{"\d\]-]|true|false|null))', text) is not None


def _written(text: str, suffix: str) -> str:
    if suffix in CODE:
        return CODE[suffix]
    table = _table(text, suffix)
    if table:
        return table
    hint = BY_SUFFIX.get(suffix)
    if hint and suffix not in _MARKED:
        return hint
    if not suffix and len(_MARKDOWN.findall(text)) * 12 > text.count("\n\n") > 0 and re.search(r"^#{1,6} ", text, re.M):
        return "text/markdown"
    return "text/plain"


def _table(text: str, suffix: str) -> str | None:
    """Delimited text.

    By name and a delimiter, or without such a name where every line has the same many cells.
    """
    delimiter = find_delimiter(text)
    if suffix in (".csv", ".tsv", ".tab"):
        return "text/tab-separated-values" if delimiter == "\t" else "text/csv"
    if delimiter is None or not (suffix in ("", ".txt", ".text", ".dat", ".data", *_MARKED) or suffix in NO_TEXT):
        return None
    lines = [line for line in text.split("\n") if line.strip()][:50]
    counts = {line.count(delimiter) for line in lines}
    prose = sum(line.rstrip().endswith((".", ":", "?")) for line in lines)
    if len(lines) >= 5 and len(counts) == 1 and counts.pop() >= (1 if delimiter == "\t" else 2) and not prose:
        return "text/tab-separated-values" if delimiter == "\t" else "text/csv"
    return None
