"""Markup and mail that mean harm: tags without end, entities that grow, mails in mails, charsets that are codecs."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from hostile_kit import READ, Hostile, bloated
from hostile_packages import LAUGHS, OUTSIDE

READABLE = frozenset({READ})
WORDS = b"<p>An honest line in a hostile page.</p>"
CODECS = (
    "punycode",
    "idna",
    "unicode_escape",
    "raw_unicode_escape",
    "zlib",
    "rot13",
    "base64",
    "undefined",
    "mbcs",
    "utf-7",
    "hz",
)


def markup() -> Iterator[Hostile]:
    """Every hostile page, XML file, mail and old document."""
    yield from _html()
    yield from _xml()
    yield from _mails()
    yield from _charsets()
    yield from _old()


def _html() -> Iterator[Hostile]:
    for name, piece, times in (
        ("div", b"<div>", 200_000), ("b", b"<b>", 200_000), ("table", b"<table><tr><td>", 30_000),
        ("list", b"<ul><li>", 50_000),
        ("open", b"<a", 300_000), ("comment", b"<!--", 200_000), ("close", b"</p>", 300_000),
        ("script", b"<script>", 100_000),
        ("cdata", b"<![CDATA[", 200_000), ("entity", b"&#x10ffff;&#0;&#99999999999;", 50_000), ("bang", b"<!", 200_000),
        ("question", b"<?", 200_000), ("quote", b'<a b="', 100_000), ("h1", b"<h1>", 100_000),
        ("select", b"<select><option>", 50_000),
        ("ampersand", b"&", 1_000_000), ("less", b"<", 1_000_000), ("dl", b"<dl><dd>", 50_000),
        ("font", b"<font color=a>a", 100_000),
    ):  # fmt: skip
        yield Hostile(f"many-{name}.html", lambda piece=piece, times=times: b"<html><body>" + WORDS + piece * times)
    yield Hostile(
        "attributes.html", lambda: b"<html><body><p " + b" ".join(b"a%d=b" % n for n in range(300_000)) + b">" + WORDS
    )
    yield Hostile(
        "spans.html",
        lambda: (
            b"<html><body><table>"
            + b"<tr>"
            + b'<td colspan="999999999" rowspan="999999999">a</td>' * 500
            + b"</tr>"
            + b"<tr><td>b" * 500
        ),
    )
    yield Hostile("classes.html", lambda: b"<html><body>" + b'<div class="%s">a' % (b"nav " * 50_000) * 20)
    yield Hostile(
        "script.html",
        lambda: (
            b"<html><body><script>fetch('http://127.0.0.1:9')</script><iframe src='file:///etc/passwd'></iframe>"
            + WORDS
        ),
        READABLE,
    )
    yield Hostile("title.html", lambda: b"<title>" + b"a" * 5_000_000 + b"</title><body>" + WORDS)
    yield Hostile(
        "image.svg",
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><text>An honest word</text></svg>",
    )


def _xml() -> Iterator[Hostile]:
    yield Hostile("laughs.xml", lambda: b'<?xml version="1.0"?>' + LAUGHS + b"<x>&a11;</x>")
    yield Hostile("outside.xml", lambda: b'<?xml version="1.0"?>' + OUTSIDE + b"<x><y>seen</y>&e;</x>")
    yield Hostile(
        "outside-attribute.xml",
        lambda: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "/etc/passwd">]><x a="&e;"><y>seen</y></x>',
    )
    yield Hostile(
        "doctype-by-url.xml",
        lambda: b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x><y>seen</y></x>',
    )
    yield Hostile(
        "xinclude.xml",
        lambda: (
            b'<?xml version="1.0"?><x xmlns:xi="http://www.w3.org/2001/XInclude">'
            b'<xi:include href="file:///etc/passwd" parse="text"/><y>seen</y></x>'
        ),
    )
    yield Hostile(
        "stylesheet.xml", lambda: b'<?xml version="1.0"?><?xml-stylesheet href="http://127.0.0.1:9"?><x><y>seen</y></x>'
    )
    yield Hostile(
        "quadratic.xml",
        lambda: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "%s">]><x>%s</x>' % (b"b" * 60_000, b"&a;" * 60_000),
    )
    yield Hostile("deep.xml", lambda: b'<?xml version="1.0"?>' + b"<a>" * 300_000 + b"deep" + b"</a>" * 300_000)
    yield Hostile("deep-mixed.xml", lambda: b'<?xml version="1.0"?>' + b"<a>t<b>u</b>" * 50_000 + b"</a>" * 50_000)
    yield Hostile(
        "attributes.xml",
        lambda: b'<?xml version="1.0"?><x ' + b" ".join(b'a%d="1"' % n for n in range(300_000)) + b"/>",
    )
    yield Hostile(
        "names.xml",
        lambda: b'<?xml version="1.0"?><x>' + b"".join(b"<n%d>%d</n%d>" % (n, n, n) for n in range(200_000)) + b"</x>",
    )
    yield Hostile(
        "prefixes.xml",
        lambda: b'<?xml version="1.0"?><x ' + b" ".join(b'xmlns:a%d="u"' % n for n in range(50_000)) + b"><y>1</y></x>",
    )
    yield Hostile("token.xml", lambda: b'<?xml version="1.0"?><x a="' + b"b" * 20_000_000 + b'"/>')
    yield Hostile(
        "encoding.xml",
        lambda: b'<?xml version="1.0" encoding="punycode"?><x>' + b"a" * 200_000 + b"-" + b"z" * 200_000 + b"\xff</x>",
    )


def _mails() -> Iterator[Hostile]:
    head = b"From: a@example.org\nTo: b@example.org\nSubject: An honest subject\nMIME-Version: 1.0\n"
    body = b"\n\nAn honest line.\n"
    yield Hostile(
        "parts.eml", lambda: head + b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 100_000
    )
    yield Hostile(
        "nested.eml",
        lambda: (
            head
            + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000))
            + body
        ),
    )
    yield Hostile("mail-in-mail.eml", lambda: (head + b"Content-Type: message/rfc822\n\n") * 2_000 + head + body)
    yield Hostile(
        "forwarded.eml",
        lambda: (
            (head + b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n") * 300
            + head
            + body
        ),
    )
    yield Hostile("header-long.eml", lambda: head + b"X-A: " + b"a" * 5_000_000 + body)
    yield Hostile("headers-many.eml", lambda: head + b"X-A: b\n" * 300_000 + body)
    yield Hostile(
        "addresses.eml", lambda: b"From: a@example.org\nSubject: s\nMessage-ID: <1>\nTo: " + b"a@b.c, " * 20_000 + body
    )
    yield Hostile(
        "groups.eml", lambda: b"From: a@example.org\nSubject: s\nMessage-ID: <1>\nTo: " + b"(" * 50_000 + body
    )
    yield Hostile(
        "quoted.eml", lambda: b'From: "' + b'\\"' * 50_000 + b"\nSubject: s\nMessage-ID: <1>\nTo: x@y.z" + body
    )
    yield Hostile(
        "words.eml",
        lambda: b"From: a@example.org\nMessage-ID: <1>\nTo: x@y.z\nSubject: " + b"=?utf-8?q?=41?= " * 20_000 + body,
    )
    yield Hostile(
        "date.eml",
        lambda: head + b"Date: " + b"9" * 5_000 + b" Jan 99999999999 99:99:99 +99999999\nMessage-ID: <1>" + body,
    )
    yield Hostile("boundary.eml", lambda: head + b"Content-Type: multipart/mixed; boundary=" + b"=" * 100_000 + body)
    yield Hostile(
        "parameters.eml",
        lambda: head + b"Content-Type: text/plain; " + b"; ".join(b"a*%d*=x'y'z" % n for n in range(20_000)) + body,
    )
    yield Hostile(
        "base64.eml",
        lambda: head + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + b"!@#$%" * 100_000,
    )
    yield Hostile(
        "uuencode.eml", lambda: head + b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 ../../x\n" + b"M" * 100_000
    )
    yield Hostile(
        "bomb.eml",
        lambda: (
            head
            + b"Content-Type: multipart/mixed; boundary=x\n\n--x\n"
            + b'Content-Disposition: attachment; filename="../../etc/x.zip"\n'
            b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(bloated("z.txt", 500)) + b"--x--\n"
        ),
    )
    yield Hostile(
        "outside.eml",
        lambda: head + b'Content-Type: message/external-body; access-type=local-file; name="/etc/passwd"\n\n' + body,
    )
    yield Hostile(
        "box.mbox",
        lambda: (b"From a@b.c Thu Jan  1 00:00:00 2026\nFrom: a@b.c\nTo: x@y.z\nSubject: s\n\nhello\n\n") * 20_000,
    )
    yield Hostile(
        "from-lines.mbox",
        lambda: (
            b"From a Thu Jan  1 00:00:00 2026\nFrom: a@b.c\nTo: x@y.z\nSubject: s\n\n"
            + b"From "
            + b"a" * 2_000_000
            + b"\n\n"
            + b"\n\nFrom x " * 100_000
        ),
    )


def _charsets() -> Iterator[Hostile]:
    for codec in CODECS:
        name = codec.encode()
        tail = b"a" * 150_000 + b"-" + b"z9" * 75_000 + b"\xff\\x"
        yield Hostile(
            f"charset-{codec}.eml",
            lambda name=name, tail=tail: (
                b"From: a@b.c\nTo: d@e.f\nSubject: s\nMessage-ID: <1>\nContent-Type: text/plain; charset="
                + name
                + b"\n\n"
                + tail
            ),
        )
        yield Hostile(
            f"charset-{codec}.html",
            lambda name=name, tail=tail: b"<html><head><meta charset=" + name + b"></head><body>" + tail,
        )


def _old() -> Iterator[Hostile]:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    yield Hostile("groups.rtf", lambda: b"{\\rtf1 " + b"{" * 200_000 + b"deep")
    yield Hostile("bin.rtf", lambda: b"{\\rtf1 \\bin999999999 " + b"a" * 1_000 + b"\\bin-1 }")
    yield Hostile(
        "object.rtf",
        lambda: (
            b"{\\rtf1 An honest line {\\object\\objautlink{\\*\\objdata "
            + b"41" * 100_000
            + b'}}{\\field{\\*\\fldinst INCLUDETEXT "file:///etc/passwd"}}}'
        ),
    )
    yield Hostile("unicode.rtf", lambda: b"{\\rtf1 " + b"\\u-99999999?\\uc99999999 \\u55296?" * 10_000 + b" seen}")
    yield Hostile("page.rtf", lambda: b"{\\rtf1\\ansicpg99999999 " + b"\\'ff\\'" * 10_000 + b"}")
    for kind in ("WordDocument", "Workbook", "PowerPoint Document", "__properties_version1.0", "EncryptedPackage"):
        yield Hostile(
            f"ole-{kind.split()[0].lower()}",
            lambda kind=kind: (
                ole
                + b"\0" * 16
                + b"\x3e\0\3\0\xfe\xff\x09\0\6\0"
                + b"\xff" * 478
                + kind.encode("utf-16-le")
                + b"\0" * 5_000
            ),
        )
    yield Hostile(
        "ole-circle.doc",
        lambda: (
            ole
            + b"\0" * 16
            + b"\x3e\0\3\0\xfe\xff\x09\0\6\0"
            + b"\0" * 10
            + b"\1\0\0\0" * 120
            + "WordDocument".encode("utf-16-le")
            + b"\1\0\0\0" * 2_000
        ),
    )
    yield Hostile(
        "ole-random.xls", lambda: ole + bytes(n * n % 251 for n in range(20_000)) + "Workbook".encode("utf-16-le")
    )
