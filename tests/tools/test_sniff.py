"""Law: a file's type is what its content is; its name decides only between kinds of text that look alike."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.tools.media import BINARY, DOCX, ENCRYPTED_OFFICE, PPTX, XLSX, wrong_suffix
from milepost.tools.sniff import sniff


def package(*names: str, mimetype: str | None = None) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "<x/>")
    return data.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
MAIL = b"From: a@example.com\nTo: b@example.com\nSubject: hello\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nHi.\n"
ODT = "application/vnd.oasis.opendocument.text"
BINARY_KINDS = [
    (b"%PDF-1.7\n...", "application/pdf"),
    (b"\n junk first %PDF-1.4", "application/pdf"),
    (package("[Content_Types].xml", "word/document.xml"), DOCX),
    (package("[Content_Types].xml", "ppt/presentation.xml"), PPTX),
    (package("[Content_Types].xml", "xl/workbook.xml"), XLSX),
    (package("content.xml", mimetype=ODT), ODT),
    (package("META-INF/container.xml", mimetype="application/epub+zip"), "application/epub+zip"),
    (package("notes.txt"), "application/zip"),
    (package("word/document.xml")[:-40], DOCX),
    (OLE + "EncryptedPackage".encode("utf-16-le"), ENCRYPTED_OFFICE),
    (OLE + "WordDocument".encode("utf-16-le"), "application/msword"),
    (OLE + "Workbook".encode("utf-16-le"), "application/vnd.ms-excel"),
    (b"{\\rtf1\\ansi hello}", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "image/png"),
    (b"\xff\xd8\xff\xe0" + b"\0" * 20, "image/jpeg"),
    (b"\0\0\0\x18ftypmp42", "video/mp4"),
    (b"\x1f\x8b\x08" + b"\0" * 20, "application/gzip"),
    (b"\x7fELF" + b"\0" * 20, "application/x-executable"),
    (bytes(range(256)), BINARY),
]  # fmt: skip
TEXT_KINDS = [
    (b"<!DOCTYPE html><html><body>x</body></html>", "text/html"),
    (b"<!-- a --><HTML><p>x", "text/html"),
    (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", "application/xhtml+xml"),
    (b"<?xml version='1.0'?><note><to>x</to></note>", "application/xml"),
    (b'{"a": 1, "b": [1, 2]}', "application/json"),
    (b'[{"a": 1},\n {"a": 2}]', "application/json"),
    (b'{"a": 1}\n{"a": 2}\n', "application/x-ndjson"),
    (b'{"cells": [], "nbformat": 4}', "application/x-ipynb+json"),
    (MAIL, "message/rfc822"),
    (b"From a@example.com Mon Jan  1 10:00:00 2024\n" + MAIL, "application/mbox"),
    (b"id\tname\n1\tx\n2\ty\n3\tz\n4\tw\n", "text/tab-separated-values"),
    (b"id;name;city\n1;x;B\n2;y;C\n3;z;D\n4;w;E\n", "text/csv"),
    (b"Plain words, and more of them.\n", "text/plain"),
    (b"[1] A footnote, not JSON\n", "text/plain"),
    (b"BMW builds cars.\n", "text/plain"),
    (b"Dear all:\n\nFrom: here to there\n", "text/plain"),
]


@pytest.mark.parametrize(("data", "media_type"), BINARY_KINDS, ids=[kind for _, kind in BINARY_KINDS])
@pytest.mark.parametrize("name", ["", "x.txt", "x.pdf", "x.docx"])
def test_binary_formats_are_known_by_content_under_any_name(data: bytes, media_type: str, name: str) -> None:
    """Marks at the beginning, the members of an archive, the entries of a container."""
    assert sniff(data, name) == media_type


@pytest.mark.parametrize(("data", "media_type"), TEXT_KINDS)
def test_kinds_of_text_are_known_without_a_name(data: bytes, media_type: str) -> None:
    """Structure tells."""
    assert sniff(data) == media_type


@pytest.mark.parametrize(
    ("data", "name", "media_type"),
    [
        (b"words\n", "x.md", "text/markdown"),
        (b"words\n", "x.rst", "text/x-rst"),
        (b"a,b\n1,2\n", "x.csv", "text/csv"),
        (b"a;b\n1;2\n", "x.csv", "text/csv"),
        (b"one column\nof text\n", "x.csv", "text/csv"),
        (b"a, b\nc, d\n", "x.txt", "text/plain"),
        (b"x = 1\n", "x.py", "text/x-python"),
        (b"<div>\n\n# Title\n</div>\n", "readme.md", "text/markdown"),
        (b"a: 1\n", "x.yaml", "application/yaml"),
        (b"<!doctype html><title>x</title>", "x.txt", "text/html"),
        (b'{"broken": ', "x.json", "application/json"),
    ],
)
def test_a_name_decides_between_texts_that_look_alike(data: bytes, name: str, media_type: str) -> None:
    """And never turns text into something else."""
    assert sniff(data, name) == media_type


def test_large_json_is_known_by_its_beginning() -> None:
    """It is not parsed to be recognised."""
    assert sniff(json.dumps([{"key": n} for n in range(20_000)]).encode()) == "application/json"
    lines = b"".join(json.dumps({"key": n}).encode() + b"\n" for n in range(20_000))
    assert sniff(lines) == "application/x-ndjson"


def test_a_large_text_that_begins_like_json_is_text() -> None:
    """A list of references in brackets, nesting that is none; large JSON without its suffix is JSON."""
    assert sniff(b"[1] The first of the references.\n" * 4000, "notes.md") == "text/markdown"
    assert sniff(b"[" * 100_000, "x.md") == "text/markdown"
    assert sniff(json.dumps(list(range(40_000))).encode(), "x.txt") == "application/json"


def test_a_wrong_suffix_is_said() -> None:
    """Only where the name promises something else."""
    assert "PDF" in (wrong_suffix("application/pdf", "notes.txt") or "")
    assert "PDF" in (wrong_suffix("application/pdf", "data.xml") or "")
    assert "Word" in (wrong_suffix(DOCX, "old.doc") or "")
    assert "zip" in (wrong_suffix("application/zip", "run.py") or "")
    assert "HTML" in (wrong_suffix("text/html", "report.pdf") or "")
    for media_type, name in [
        ("text/html", "a.htm"),
        ("text/plain", "README"),
        (DOCX, "A.DOCX"),
        ("application/yaml", "a.yml"),
        ("application/xml", "a.html.xml"),
        ("application/pdf", "a.unheard"),
        ("text/tab-separated-values", "a.txt"),
        ("text/markdown", "a.txt"),
        ("application/json", "a.yaml"),
        ("text/html", "a.php"),
    ]:
        assert wrong_suffix(media_type, name) is None


PAGE = b"<!doctype html>\n<html><head><title>Leave</title></head><body><h1>Leave</h1><p>25 days.</p></body></html>\n"
ROWS = b"name,grade,days\n" + b"".join(b"Person %d,%d,25\n" % (n, n % 4) for n in range(8))
JSON = json.dumps([{"name": "Ann", "days": 25}], indent=1).encode()
XML = b"<?xml version='1.0'?>\n<staff><person>Ann</person></staff>\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [(PAGE, "HTML"), (ROWS, "CSV"), (JSON, "JSON"), (XML, "XML"), (MAIL, "a mail"), (b"%PDF-1.7\n...", "PDF"),
     (b"<h1>Leave</h1>\n<p>25 days.</p>\n", "HTML"), (b"<ul>\n" + b"<li>one</li>\n" * 9 + b"and more", "HTML")],
)  # fmt: skip
@pytest.mark.parametrize(
    "suffix",
    [".txt", ".md", ".csv", ".html", ".json", ".xml", ".yaml", ".py", ".docx", ".xlsx", ".pdf", ".eml", ".zip"],
)
def test_whatever_is_named_as_something_else_is_said(data: bytes, said: str, suffix: str) -> None:
    """The type is the content's, and the name's promise is a warning; where a name fits the content, or text of that
    kind may hold it (HTML in Markdown, JSON in YAML), nothing is said."""
    fits = {"HTML": ".html", "CSV": ".csv", "JSON": ".json .yaml", "XML": ".xml", "a mail": ".eml", "PDF": ".pdf"}
    inside = suffix == ".md" and (data == ROWS or (b"<body>" not in data and said == "HTML"))
    as_text = data == ROWS and suffix in (".py", ".yaml")
    warning = wrong_suffix(sniff(data, f"x{suffix}"), f"x{suffix}")
    if suffix in fits[said].split() or inside or as_text:
        assert warning is None
    else:
        assert warning == f"named {suffix} but its content is {said}: treated as that"


@pytest.mark.parametrize(
    "text",
    ["<p> begins a paragraph, </p> ends it.", "<div> and </div>, <p> and </p> come in pairs;\nthe others do not.\n",
     "A page is <html><body>...</body></html>", "Prices < 5 and > 3 <b>", "[1] The first reference\n[2] The second",
     "{not json}", "a, b\nc, d\ne, f\n", "From: here to there\nand back again\n", "x <- c(1, 2)\n" * 9],
)  # fmt: skip
def test_text_that_mentions_tags_or_looks_a_little_like_it_is_text(text: str) -> None:
    """Nothing is said of it, and nothing in it is taken for markup."""
    assert (sniff(text.encode(), "notes.txt"), wrong_suffix("text/plain", "notes.txt")) == ("text/plain", None)


@given(st.binary(max_size=3000), st.sampled_from(["", "x.json", "x.csv", "x.html", "x.zip", "x.eml"]))
def test_sniffing_is_total(data: bytes, name: str) -> None:
    """Any bytes have a type."""
    assert "/" in sniff(data, name)


@given(
    st.sampled_from([data for data, _ in BINARY_KINDS + TEXT_KINDS]),
    st.integers(0, 700),
    st.binary(max_size=9),
)
def test_sniffing_survives_damage(data: bytes, at: int, junk: bytes) -> None:
    """Cut off or overwritten anywhere."""
    assert "/" in sniff(data[:at], "x")
    assert "/" in sniff(data[:at] + junk + data[at + len(junk) :], "x")
