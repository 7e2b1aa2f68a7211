"""PDFs that mean harm: bombs in filters, circles in trees, numbers that lie, scripts, damage."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from hostile_kit import READ, SECRET, Hostile, deflated
from hostile_pdf_parts import FONT, TEXT, page, pdf, stream


def pdfs() -> Iterator[Hostile]:
    """Every hostile PDF."""
    yield from _bombs()
    yield from _circles()
    yield from _lies()
    yield from _scripts()


def _bombs() -> Iterator[Hostile]:
    flate = b"/Filter /FlateDecode"
    yield Hostile("flate-spaces.pdf", lambda: page(stream(deflated(b" " * 1_000_000, 1_500), flate)))
    yield Hostile("flate-text.pdf", lambda: page(stream(deflated(TEXT * 10_000, 400), flate)))
    yield Hostile("flate-nested.pdf", lambda: page(stream(_nested(30), b"/Filter [%s]" % (b"/FlateDecode " * 30))))
    yield Hostile(
        "flate-in-flate.pdf",
        lambda: page(
            stream(
                zlib.compress(zlib.compress(deflated(b" " * 1_000_000, 2_000))),
                b"/Filter [/FlateDecode /FlateDecode /FlateDecode]",
            )
        ),
    )
    yield Hostile("filters-1000.pdf", lambda: page(stream(TEXT, b"/Filter [%s]" % (b"/ASCIIHexDecode " * 1_000))))
    yield Hostile(
        "lzw.pdf", lambda: page(stream(b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01" * 100_000, b"/Filter /LZWDecode"))
    )
    yield Hostile("runlength.pdf", lambda: page(stream(b"\x81 " * 3_000_000, b"/Filter /RunLengthDecode")))
    yield Hostile(
        "predictor.pdf",
        lambda: page(
            stream(
                zlib.compress(TEXT),
                flate + b" /DecodeParms << /Predictor 15 /Columns 2147483647 /Colors 32 /BitsPerComponent 16 >>",
            )
        ),
    )
    yield Hostile(
        "image-huge.pdf",
        lambda: page(
            stream(b"q 600 0 0 700 0 0 cm /X Do Q " + TEXT),
            more=(
                stream(
                    deflated(b"\0" * 1_000_000, 100),
                    flate + b" /Type /XObject /Subtype /Image /Width 100000 /Height 100000"
                    b" /ColorSpace /DeviceRGB /BitsPerComponent 8",
                ),
            ),
        ),
    )
    yield Hostile("operators.pdf", lambda: page(stream(deflated(b"q 1 0 0 1 0 0 cm " * 60_000, 30), flate)))
    yield Hostile(
        "glyphs.pdf", lambda: page(stream(deflated(b"BT /F1 1 Tf (" + b"a" * 100_000 + b") Tj ET ", 100), flate))
    )
    yield Hostile("pages-100000.pdf", lambda: _many_pages(100_000), frozenset({"too_large"}))
    yield Hostile("pages-doubling.pdf", lambda: _doubling_pages(20), frozenset({"too_large", "corrupt"}))
    yield Hostile(
        "media-box.pdf", lambda: page(stream(TEXT), extra=b"/MediaBox [-1e38 -1e38 1e38 1e38] /UserUnit 1e30")
    )


def _nested(layers: int) -> bytes:
    data = TEXT
    for _ in range(layers):
        data = zlib.compress(data)
    return data


def _many_pages(count: int) -> bytes:
    kids = b"3 0 R " * count
    return pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count),
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>",
            stream(TEXT),
            FONT,
        ]
    )


def _doubling_pages(levels: int) -> bytes:
    """A tree whose every branch is the next one twice: 2^20 pages in two kilobytes."""
    branches = [
        b"<< /Type /Pages /Kids [%d 0 R %d 0 R] /Count %d >>" % (n + 3, n + 3, 2 ** (levels - n)) for n in range(levels)
    ]
    leaf = b"<< /Type /Page /MediaBox [0 0 9 9] /Contents %d 0 R >>" % (levels + 3)
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", *branches, leaf, stream(TEXT)])


def _circles() -> Iterator[Hostile]:
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    yield Hostile("kids-of-themselves.pdf", lambda: pdf([catalog, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]))
    yield Hostile(
        "kids-in-circle.pdf",
        lambda: pdf(
            [
                catalog,
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                b"<< /Type /Pages /Kids [2 0 R] /Count 1 /Parent 2 0 R >>",
            ]
        ),
    )
    yield Hostile("parent-of-itself.pdf", lambda: page(stream(TEXT), extra=b"/Parent 3 0 R"))
    yield Hostile("xref-of-itself.pdf", lambda: pdf([catalog], trailer=b"/Prev 9", startxref=9))
    yield Hostile(
        "form-in-itself.pdf",
        lambda: page(
            stream(b"/X Do " + TEXT),
            more=(
                stream(
                    b"/X Do " + TEXT,
                    b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>",
                ),
            ),
        ),
    )
    yield Hostile("form-doubling.pdf", _doubling)
    yield Hostile("length-of-itself.pdf", lambda: page(b"<< /Length 4 0 R >>\nstream\n%s\nendstream" % TEXT))
    yield Hostile("object-is-itself.pdf", lambda: pdf([b"1 0 R"]))
    yield Hostile(
        "outline-in-circle.pdf",
        lambda: page(
            stream(TEXT),
            catalog=b"/Outlines 6 0 R",
            more=(b"<< /Type /Outlines /First 6 0 R /Last 6 0 R /Next 6 0 R /Title (round) /Count 1 >>",),
        ),
    )
    yield Hostile(
        "names-in-circle.pdf",
        lambda: page(stream(TEXT), catalog=b"/Names 6 0 R", more=(b"<< /EmbeddedFiles 6 0 R /Kids [6 0 R] >>",)),
    )
    yield Hostile(
        "page-tree-deep.pdf",
        lambda: pdf(
            [
                catalog,
                *(b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % number for number in range(3, 20_003)),
                b"<< /Type /Page /MediaBox [0 0 9 9] >>",
            ]
        ),
    )
    yield Hostile("arrays-deep.pdf", lambda: pdf([catalog, b"[" * 200_000 + b"]" * 200_000]))
    yield Hostile(
        "dicts-deep.pdf",
        lambda: pdf(
            [
                b"<< /Type /Catalog /Pages 2 0 R /X " + b"<< /A " * 100_000 + b">>" * 100_000 + b">>",
                b"<< /Type /Pages /Kids [] /Count 0 >>",
            ]
        ),
    )


def _doubling() -> bytes:
    """Thirty forms, each drawing the next one twice: 2^30 lines of text."""
    forms = [
        stream(
            b"/X Do /X Do",
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >>" % (number + 1),
        )
        for number in range(6, 36)
    ]
    last = stream(TEXT, b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F1 5 0 R >> >>")
    return page(stream(b"/X Do"), more=(*forms, last))


def _lies() -> Iterator[Hostile]:
    good = page(stream(TEXT))
    yield Hostile("length-negative.pdf", lambda: page(stream(TEXT, length=-1)))
    yield Hostile("length-huge.pdf", lambda: page(stream(TEXT, length=2**40)))
    yield Hostile("size-huge.pdf", lambda: good.replace(b"/Size 6", b"/Size 2147483647"))
    yield Hostile("count-huge.pdf", lambda: good.replace(b"/Count 1", b"/Count 99999999"))
    yield Hostile("count-negative.pdf", lambda: good.replace(b"/Count 1", b"/Count -1"))
    yield Hostile("xref-huge.pdf", lambda: good.replace(b"xref\n0 6", b"xref\n0 4294967295"))
    yield Hostile("xref-gone.pdf", lambda: good[: good.rindex(b"xref\n0")])
    yield Hostile("startxref-far.pdf", lambda: pdf([b"<< /Type /Catalog >>"], startxref=2**62))
    yield Hostile("page-numbers.pdf", lambda: _numbered_pages(b"9" * 5_000), frozenset({READ}))
    yield Hostile("only-a-head.pdf", lambda: b"%PDF-1.7\n")
    yield Hostile("head-and-noise.pdf", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 4_000)
    yield Hostile("object-number-huge.pdf", lambda: good.replace(b"4 0 R", b"99999999999999999999 0 R"))
    yield Hostile("many-heads.pdf", lambda: b"%PDF-1.7\n" * 100_000 + good)
    yield Hostile(
        "font-map-bomb.pdf",
        lambda: page(
            stream(TEXT),
            more=(
                stream(
                    b"1 begincodespacerange <00> <ffffffff> endcodespacerange "
                    + b"100 beginbfrange <00000000> <7fffffff> <0041> " * 1_000
                ),
            ),
        ).replace(b"/BaseFont /Helvetica", b"/BaseFont /Helvetica /ToUnicode 6 0 R"),
    )
    yield Hostile(
        "xmp-laughs.pdf",
        lambda: page(
            stream(TEXT),
            catalog=b"/Metadata 6 0 R",
            more=(
                stream(
                    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
                    + b"".join(
                        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;" * 10) for n in range(12)
                    )
                    + b"]><x>&a11;</x>",
                    b"/Type /Metadata /Subtype /XML",
                ),
            ),
        ),
    )
    yield Hostile("encrypted.pdf", lambda: _encrypted(good), frozenset({"encrypted", "corrupt"}))


def _numbered_pages(number: bytes) -> bytes:
    """Five pages that say this is their number."""
    leaf = b"<< /Type /Page /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
    line = TEXT + b" BT /F1 1 Tf 1 1 Td (%s) Tj ET BT /F1 1 Tf 1 9 Td (%s of %s) Tj ET" % (number, number, number)
    kids = b"<< /Type /Pages /Kids [3 0 R 3 0 R 3 0 R 3 0 R 3 0 R] /Count 5 >>"
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", kids, leaf, stream(line), FONT])


def _encrypted(good: bytes) -> bytes:
    keys = b"/O <%s> /U <%s> /P -44" % (b"28" * 32, b"bf" * 32)
    return good.replace(
        b"/Root 1 0 R", b"/Root 1 0 R /ID [<00><00>] /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 %s >>" % keys
    )


def _scripts() -> Iterator[Hostile]:
    run = b"(app.launchURL\\('file:///bin/sh'\\); this.exportDataObject\\({nLaunch: 2}\\))"
    may = frozenset({READ})
    yield Hostile(
        "javascript.pdf", lambda: page(stream(TEXT), catalog=b"/OpenAction << /S /JavaScript /JS %s >>" % run), may
    )
    yield Hostile(
        "launch.pdf", lambda: page(stream(TEXT), catalog=b"/OpenAction << /S /Launch /F (/bin/sh) /P (-c id) >>"), may
    )
    yield Hostile(
        "uri.pdf",
        lambda: page(
            stream(TEXT),
            extra=b"/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9]"
            b" /A << /S /URI /URI (http://127.0.0.1:9/x) >> >>]",
        ),
        may,
    )
    yield Hostile(
        "remote-file.pdf", lambda: page(b"<< /Length 0 /F (/etc/passwd) /FFilter /FlateDecode >>\nstream\n\nendstream")
    )
    yield Hostile(
        "embedded.pdf",
        lambda: page(
            stream(TEXT),
            catalog=b"/Names << /EmbeddedFiles << /Names [(x.exe) << /Type"
            b" /Filespec /F (../../x.exe) /EF << /F 6 0 R >> >>] >> >>",
            more=(stream(b"MZ" + SECRET.encode()),),
        ),
    )
    yield Hostile(
        "xfa.pdf",
        lambda: page(
            stream(TEXT),
            catalog=b"/AcroForm << /XFA 6 0 R >>",
            more=(
                stream(
                    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
                    b'<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/">&e;</xdp:xdp>'
                ),
            ),
        ),
    )
