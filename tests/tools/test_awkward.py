"""Law: what writers of files leave open, say twice, wrap up or cut off loses no text and puts none in a wrong place."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import pytest
from pdf_kit import document
from pdf_kit import text as shown
from test_parse import W, docx, para

from milepost.store.policy import ChunkPolicy, LimitPolicy
from milepost.tools.parse import Parsed, parse_bytes


def parse(data: bytes | str, name: str) -> Parsed:
    data = data.encode() if isinstance(data, str) else data
    found = parse_bytes(data, name, chunk=ChunkPolicy(), limits=LimitPolicy())
    assert found.reason is None, found
    return found


def text(data: bytes | str, name: str) -> str:
    return "\n".join(each.text for each in parse(data, name).chunks)


@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><html><head><title>Title</title><meta charset=utf-8><p>one<p>two",
        "<!DOCTYPE html><head><title>Title</title><h1>one</h1><div>two</div></html>",
        "<html><head><title>Title</title>one<body><p>two",
        "<html><body><nav><ul><li>Home</ul><main><h1>one</h1><p>two</main></body></html>",
        '<html><body class="home nav"><p>one<p>two</body></html>',
        '<html><body><div id="navigation"><a>Home</a><main><p>one<p>two</main></div></body></html>',
    ],
)
def test_a_page_whose_head_or_navigation_is_left_open_is_read(page: str) -> None:
    """HTML lets authors leave out the tags of head and body; navigation holds no main part."""
    found = text(page, "x.html")
    assert "one" in found and "two" in found and "Home" not in found
    assert parse(page, "x.html").warnings == []


def test_navigation_and_programs_stay_unread() -> None:
    """Also below the head, and in drawings."""
    page = "<html><head><noscript><iframe>no</iframe></noscript><style>no</style></head><body><nav>no</nav>yes</body>"
    assert text(page, "x.html") == "yes"
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg"><style>.no{}</style><title>yes</title><script>no()</script></svg>'
    )
    assert text(drawing, "x.svg") == "title: yes"


def mail(*parts: str, kind: str = "mixed", subject: str = "Subject: S\n", end: str = "--B--\n") -> str:
    inner = "".join(f"--B\n{part}\n" for part in parts)
    top = f"From: a@x.org\nTo: b@x.org\n{subject}MIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=B\n\n"
    return f"{top}{inner}{end}"


PLAIN, HTML = "Content-Type: text/plain\n\n", "Content-Type: text/html\n\n"


def test_all_texts_of_a_mail_are_read_once() -> None:
    """Some programs cut a body in two around a picture; two forms of one text are one."""
    picture = "Content-Type: image/png\nContent-Disposition: inline\n\nx"
    assert text(mail(f"{PLAIN}first", picture, f"{PLAIN}second"), "x.eml").endswith("first\n\nsecond")
    assert text(mail(f"{PLAIN}plain", f"{HTML}<p>marked", kind="alternative"), "x.eml").endswith("\n\nplain")
    forms = f"Content-Type: multipart/alternative; boundary=C\n\n--C\n{PLAIN}two\n--C\n{HTML}<p>two\n--C--"
    assert text(mail(f"{PLAIN}one", forms), "x.eml").endswith("one\n\ntwo")
    unnamed = f"Content-Type: application/octet-stream\n\n{json.dumps({'key': 'value'})}"
    assert "key: value" in text(mail(f"{PLAIN}one", unnamed), "x.eml")


def test_a_page_saved_as_a_mail_is_read_without_its_styles() -> None:
    """As browsers save pages (MHTML): what stands beside the page is for the browser."""
    styles = "Content-Type: text/css\nContent-Location: cid:css\n\n.a { color: red }"
    program = "Content-Type: application/javascript\n\nalert(1)"
    assert text(mail(f"{HTML}<p>page", styles, program, kind="related"), "x.mht").endswith("\n\npage")


def test_a_mail_that_is_forwarded_with_its_attachment_is_read_once() -> None:
    """Wherever among the parts it stands."""
    named = 'Content-Type: text/plain\nContent-Disposition: attachment; filename="deep.txt"\n\ngiraffe'
    inner = mail(f"{PLAIN}zebra", named, subject="Subject: Inner\n").replace("=B", "=I").replace("--B", "--I")
    nested = f"Content-Type: multipart/digest; boundary=D\n\n--D\nContent-Type: message/rfc822\n\n{inner}\n--D--"
    for outer in (mail(f"{PLAIN}one", f"Content-Type: message/rfc822\n\n{inner}"), mail(f"{PLAIN}one", nested)):
        found = text(outer, "x.eml")
        assert [found.count(word) for word in ("Inner", "zebra", "giraffe")] == [1, 1, 1]


def test_a_mail_without_a_subject_does_not_stand_under_another_ones() -> None:
    """In a mailbox they follow one another."""
    line = "From a@x.org Mon Jan  1 10:00:00 2024\n"
    first, second = mail(f"{PLAIN}one"), mail(f"{PLAIN}two", subject="")
    chunks = parse(f"{line}{first}\n\n{line}{second}", "x.mbox").chunks
    assert [(chunk.heading, chunk.text[-3:]) for chunk in chunks] == [("S", "one"), (None, "two")]


@pytest.mark.parametrize("letters", [41, 42, 44])
def test_an_attachment_that_is_cut_off_is_no_text_of_letters(letters: int) -> None:
    """The mail is taken as far as it goes, and says that its end is missing."""
    sent = base64.b64encode(b"PK\x03\x04" + bytes(90)).decode()[:letters]
    head = "Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n"
    found = parse(mail(f"{PLAIN}body", head + sent, end=""), "x.eml")
    assert "body" in found.chunks[0].text and not any("UEsDB" in chunk.text for chunk in found.chunks)
    assert any("cut off" in warning for warning in found.warnings)


def test_mails_inside_mails_end_somewhere() -> None:
    """Where they are nested too deep, the outer ones are read, with a warning."""
    message = "Subject: innermost\nFrom: a@x.org\nTo: b@x.org\n\ntext\n"
    for _ in range(15):
        message = f"Subject: S\nFrom: a@x.org\nTo: b@x.org\nContent-Type: message/rfc822\n\n{message}"
    found = parse(message, "x.eml")
    assert "inside mails" in found.warnings[0]


def test_numbers_stand_as_they_are_written() -> None:
    """Prices keep their noughts, and no number is too long or too large."""
    long = "9" * 5000
    found = parse(f'{{"price": 1.50, "far": 1e999, "id": 12345678901234567890123, "long": {long}}}', "x.json")
    said = "\n".join(chunk.text for chunk in found.chunks)
    assert not found.warnings and "price: 1.50\nfar: 1e999\nid: 12345678901234567890123" in said
    assert "price: 1.50" in text('{"price": 1.50}\n{"price": 2.00}\n', "x.jsonl")


def test_what_went_wrong_in_a_notebook_is_text() -> None:
    """The name and the message of an error, without its trace."""
    failed = {"output_type": "error", "ename": "ValueError", "evalue": "no such street", "traceback": ["\x1b[31mline"]}
    cell = {"cell_type": "code", "source": "go()", "outputs": [failed]}
    assert text(json.dumps({"nbformat": 4, "cells": [cell]}), "x.ipynb") == "go()\n\nValueError: no such street"


def test_a_strict_document_is_read_as_any_other() -> None:
    """Office offers that form too; its elements have other names for the same."""
    usual = docx(
        f"<w:tbl><w:tr><w:tc>{para('A')}</w:tc><w:tc>{para('B')}</w:tc></w:tr></w:tbl>",
        header1=f"<w:hdr {W}>{para('Top')}</w:hdr>",
    )
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(usual)) as given, zipfile.ZipFile(data, "w") as archive:
        for name in given.namelist():
            part = (
                given.read(name)
                .replace(b"schemas.openxmlformats.org/", b"purl.oclc.org/ooxml/")
                .replace(b"/2006/", b"/")
            )
            archive.writestr(name, part)
    strict = parse(data.getvalue(), "x.docx")
    assert b"purl.oclc.org" in data.getvalue() and strict.warnings == []
    assert [chunk.text for chunk in strict.chunks] == [chunk.text for chunk in parse(usual, "x.docx").chunks]


@pytest.mark.parametrize("kind", ["text", "text-template"])
def test_page_headers_of_an_open_document_are_text(kind: str) -> None:
    """As those of a Word document are: each once."""
    names = ("office", "style", "text")
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    edge = "<style:header><text:p>Draft<text:page-number>1</text:page-number></text:p></style:header>"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", f"<x {spaces}><text:p>Body</text:p></x>")
        archive.writestr("styles.xml", f"<x {spaces}>{edge}{edge}</x>")
    assert text(data.getvalue(), "x.odt") == "Body\n\nDraft"


def test_a_pdf_below_lines_of_something_else_is_read() -> None:
    """As servers and mail programs leave them."""
    assert "Annual leave" in text(b"HTTP/1.1 200 OK\r\n\r\n" + document(shown("Annual leave", 50, 700)), "x.pdf")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\xef\xbb\xbf\r\n"])
def test_a_mark_without_text_is_an_empty_file(data: bytes) -> None:
    """There is nothing in it, and that is what is said."""
    assert parse_bytes(data, "x.txt", chunk=ChunkPolicy(), limits=LimitPolicy()).reason == "empty"


@pytest.mark.parametrize("data", [b"BZh91AY&SY" + bytes(9), b"\xfd7zXZ\0" + bytes(9), b"7z\xbc\xaf'\x1c" + bytes(9)])
def test_what_is_packed_says_to_unpack_it(data: bytes) -> None:
    """Not to convert it to PDF."""
    found = parse_bytes(data, "x.bin", chunk=ChunkPolicy(), limits=LimitPolicy())
    assert found.reason == "unsupported_type" and "unpack it" in (found.detail or "")
