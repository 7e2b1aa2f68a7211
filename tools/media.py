"""Media types: what they are called, and what a file's name promises."""

from __future__ import annotations

from pathlib import PurePosixPath

OFFICE = "application/vnd.openxmlformats-officedocument."
DOCX = OFFICE + "wordprocessingml.document"
PPTX = OFFICE + "presentationml.presentation"
XLSX = OFFICE + "spreadsheetml.sheet"
ENCRYPTED_OFFICE = "application/x-ole-encrypted"
BINARY = "application/octet-stream"

PACKED = frozenset(
    [
        "application/gzip",
        "application/x-bzip2",
        "application/x-xz",
        "application/zstd",
        "application/x-tar",
        "application/vnd.rar",
        "application/x-7z-compressed",
    ]
)
"""What has to be unpacked by the person who gives it."""

BY_SUFFIX = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".mdx": "text/markdown",
    ".qmd": "text/markdown",
    ".rst": "text/x-rst",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".tab": "text/tab-separated-values",
    ".htm": "text/html",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".xml": "application/xml",
}
CODE = {
    ".py": "text/x-python",
    ".js": "text/javascript",
    ".ts": "text/x-typescript",
    ".c": "text/x-c",
    ".h": "text/x-c",
    ".cpp": "text/x-c++",
    ".java": "text/x-java",
    ".go": "text/x-go",
    ".rs": "text/x-rust",
    ".sh": "text/x-shellscript",
    ".sql": "application/sql",
    ".css": "text/css",
    ".rb": "text/x-ruby",
    ".php": "text/x-php",
    ".tex": "text/x-tex",
}
_TABLES = ("text/csv", "text/tab-separated-values")
_EXPECTED: dict[str, tuple[str, ...]] = {
    ".pdf": ("application/pdf",),
    ".docx": (DOCX, ENCRYPTED_OFFICE),
    ".pptx": (PPTX, ENCRYPTED_OFFICE),
    ".xlsx": (XLSX, ENCRYPTED_OFFICE),
    ".odt": ("application/vnd.oasis.opendocument.text",),
    ".ods": ("application/vnd.oasis.opendocument.spreadsheet",),
    ".odp": ("application/vnd.oasis.opendocument.presentation",),
    ".epub": ("application/epub+zip",),
    ".rtf": ("application/rtf",),
    ".eml": ("message/rfc822",),
    ".mbox": ("application/mbox",),
    ".html": ("text/html", "application/xhtml+xml"),
    ".htm": ("text/html", "application/xhtml+xml"),
    ".json": ("application/json", "application/x-ndjson", "application/x-ipynb+json"),
    ".ipynb": ("application/x-ipynb+json",),
    ".png": ("image/png",),
    ".jpg": ("image/jpeg",),
    ".jpeg": ("image/jpeg",),
    ".zip": ("application/zip",),
    ".doc": ("application/msword", ENCRYPTED_OFFICE),
    ".xls": ("application/vnd.ms-excel", ENCRYPTED_OFFICE),
    ".ppt": ("application/vnd.ms-powerpoint", ENCRYPTED_OFFICE),
    ".msg": ("application/vnd.ms-outlook",),
    ".gif": ("image/gif",),
    ".tif": ("image/tiff",),
    ".tiff": ("image/tiff",),
    ".webp": ("image/webp",),
    ".bmp": ("image/bmp",),
    ".gz": ("application/gzip",),
    ".tar": ("application/x-tar",),
    ".txt": ("text/plain", "text/markdown", "text/tab-separated-values"),
    ".text": ("text/plain", "text/markdown", "text/tab-separated-values"),
    ".csv": _TABLES,
    ".tsv": _TABLES,
    ".tab": _TABLES,
    ".jsonl": ("application/x-ndjson", "application/json"),
    ".ndjson": ("application/x-ndjson", "application/json"),
    ".xml": ("application/xml", "application/xhtml+xml"),
    ".yaml": ("application/yaml", "application/json", "application/x-ndjson"),
    ".yml": ("application/yaml", "application/json", "application/x-ndjson"),
    ".php": ("text/x-php", "text/html"),
}
"""What a file of that name may be without a word about it; others of `BY_SUFFIX` and `CODE` only what these say."""
NO_TEXT = frozenset(suffix for suffix in _EXPECTED if suffix not in BY_SUFFIX and suffix not in CODE) - {
    ".txt",
    ".text",
}
"""Names that promise something else than text for people to read: what is text in spite of that, its content tells."""

_LABELS = {
    "application/pdf": "PDF",
    DOCX: "a Word document",
    PPTX: "a PowerPoint presentation",
    XLSX: "an Excel workbook",
    "text/html": "HTML",
    "text/plain": "plain text",
    "text/csv": "CSV",
    "text/tab-separated-values": "TSV",
    "text/markdown": "Markdown",
    "application/json": "JSON",
    "application/xml": "XML",
    "application/xhtml+xml": "XHTML",
    "application/x-ipynb+json": "a notebook",
    "application/rtf": "RTF",
    "message/rfc822": "a mail",
    "application/zip": "a zip archive",
    "application/epub+zip": "a book (EPUB)",
    "application/vnd.oasis.opendocument.text": "an OpenDocument text",
    "application/vnd.oasis.opendocument.spreadsheet": "an OpenDocument spreadsheet",
    "application/vnd.oasis.opendocument.presentation": "an OpenDocument presentation",
    "application/msword": "an old Word document",
    "application/vnd.ms-excel": "an old Excel workbook",
    "application/vnd.ms-powerpoint": "an old PowerPoint presentation",
    "application/x-ndjson": "JSON lines",
    "application/mbox": "a mailbox",
    "image/png": "a PNG image",
    "image/jpeg": "a JPEG image",
    ENCRYPTED_OFFICE: "an encrypted Office document",
    "application/x-executable": "a program",
    "application/vnd.sqlite3": "a database (SQLite)",
    "application/vnd.apache.parquet": "a table in Parquet",
    "application/x-ole-storage": "an OLE file of another program",
}


def wrong_suffix(media_type: str, name: str) -> str | None:
    """A sentence where the name promises something else than the content is."""
    suffix = PurePosixPath(name.lower()).suffix
    expected = _EXPECTED.get(suffix) or tuple({**BY_SUFFIX, **CODE}.get(suffix, "").split())
    if not expected or media_type in expected or media_type == BINARY:
        return None
    return f"named {suffix} but its content is {label(media_type)}: treated as that"


def label(media_type: str) -> str:
    """A media type in words that people know."""
    return _LABELS.get(media_type) or media_type.rpartition("/")[2].removeprefix("x-")
