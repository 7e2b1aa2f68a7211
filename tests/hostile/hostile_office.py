"""Office documents and books that mean harm: bombs in parts, XML that grows, rows without end, parts in circles."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from hostile_kit import READ, SECRET, Hostile, bloated, with_member, zipped
from hostile_packages import HONEST, LAUGHS, OUTSIDE, W, docx, epub, lying, odf, pptx, relations, xlsx


def office() -> Iterator[Hostile]:
    """Every hostile document that is a zip archive of XML."""
    yield from _word()
    yield from _sheets()
    yield from _slides_and_open()
    yield from _books()
    yield from _packages()


def _word() -> Iterator[Hostile]:
    bomb = (b'<?xml version="1.0"?><w:document xmlns:w="%s"><w:body>' % W, b"</w:body></w:document>")
    base = zipped({"[Content_Types].xml": b"<Types/>", "_rels/.rels": relations("word/document.xml")})
    yield Hostile(
        "zeros.docx",
        lambda: with_member(base, "word/document.xml", 1_500, b" " * 1_000_000, bomb),
        frozenset({"too_large"}),
    )
    yield Hostile(
        "paragraphs-1000000.docx", lambda: with_member(base, "word/document.xml", 1_000, HONEST * 1_000, bomb)
    )
    yield Hostile(
        "one-run.docx",
        lambda: with_member(
            base,
            "word/document.xml",
            40,
            b"a" * 1_000_000,
            (bomb[0] + b"<w:p><w:r><w:t>", b"</w:t></w:r></w:p>" + bomb[1]),
        ),
    )
    yield Hostile("laughs.docx", lambda: docx(b"<w:p><w:r><w:t>&a11;</w:t></w:r></w:p>", doctype=LAUGHS))
    yield Hostile(
        "quadratic.docx",
        lambda: docx(
            b"<w:p><w:r><w:t>%s</w:t></w:r></w:p>" % (b"&a;" * 50_000),
            doctype=b'<!DOCTYPE x [<!ENTITY a "%s">]>' % (b"b" * 50_000),
        ),
    )
    yield Hostile("outside.docx", lambda: docx(b"<w:p><w:r><w:t>x&e;</w:t></w:r></w:p>", doctype=OUTSIDE))
    yield Hostile(
        "parameter-entity.docx",
        lambda: docx(doctype=b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>'),
    )
    yield Hostile("deep.docx", lambda: docx(b"<w:sdt><w:sdtContent>" * 50_000 + b"</w:sdtContent></w:sdt>" * 50_000))
    yield Hostile(
        "deep-runs.docx",
        lambda: docx(b"<w:p>" + b"<w:ins>" * 50_000 + b"<w:r><w:t>deep</w:t></w:r>" + b"</w:ins>" * 50_000 + b"</w:p>"),
    )
    yield Hostile(
        "deep-tables.docx", lambda: docx(b"<w:tbl><w:tr><w:tc>" * 3_000 + HONEST + b"</w:tc></w:tr></w:tbl>" * 3_000)
    )
    yield Hostile(
        "wide-cell.docx",
        lambda: docx(
            b'<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr>%s</w:tc>'
            b"<w:tc>%s</w:tc></w:tr></w:tbl>" % (HONEST, HONEST)
        ),
    )
    yield Hostile(
        "attributes.docx", lambda: docx(b"<w:p %s/>" % b" ".join(b'w:a%d="x"' % n for n in range(200_000)) + HONEST)
    )
    yield Hostile(
        "styles-in-circle.docx",
        lambda: docx(
            b'<w:p><w:pPr><w:pStyle w:val="a"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>',
            more={
                "word/_rels/document.xml.rels": relations("styles.xml", "styles"),
                "word/styles.xml": b'<w:styles xmlns:w="%s">%s</w:styles>'
                % (
                    W,
                    b"".join(
                        b'<w:style w:styleId="%s"><w:name w:val="n"/><w:basedOn w:val="%s"/></w:style>' % pair
                        for pair in ((b"a", b"b"), (b"b", b"a"))
                    ),
                ),
            },
        ),
        frozenset({READ}),
    )
    yield Hostile(
        "header-is-body.docx",
        lambda: docx(more={"word/_rels/document.xml.rels": relations("document.xml", "header")}),
        frozenset({READ}),
    )
    yield Hostile(
        "target-outside.docx",
        lambda: zipped(
            {
                "[Content_Types].xml": b"<Types/>",
                "_rels/.rels": relations("../../../../../../etc/passwd"),
                "word/x": b"",
            }
        ),
        frozenset({"corrupt"}),
    )
    yield Hostile(
        "target-file.docx",
        lambda: zipped(
            {"[Content_Types].xml": b"<Types/>", "_rels/.rels": relations("file:///etc/passwd"), "word/x": b""}
        ),
        frozenset({"corrupt"}),
    )
    yield Hostile(
        "template.docx",
        lambda: docx(
            more={
                "word/_rels/settings.xml.rels": relations(
                    "http://127.0.0.1:9/t.dotm", "attachedTemplate", mode=' TargetMode="External"'
                )
            }
        ),
        frozenset({READ}),
    )
    yield Hostile(
        "macro.docx",
        lambda: docx(more={"word/vbaProject.bin": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b'Shell("sh")'}),
        frozenset({READ}),
    )
    yield Hostile(
        "field.docx",
        lambda: docx(HONEST + b'<w:p><w:r><w:instrText>DDEAUTO "sh" "-c id"</w:instrText></w:r></w:p>'),
        frozenset({READ}),
    )
    yield Hostile(
        "style-number.docx", lambda: docx(HONEST + b'<w:p><w:pPr><w:outlineLvl w:val="\xc2\xb2"/></w:pPr></w:p>')
    )


def _sheets() -> Iterator[Hostile]:
    cell = b'<row r="1"><c r="A1" t="inlineStr"><is><t>An honest cell</t></is></c></row>'
    yield Hostile("far-cell.xlsx", lambda: xlsx(cell + b'<row r="999999999999"><c r="ZZZ1048576"><v>1</v></c></row>'))
    yield Hostile("far-columns.xlsx", lambda: xlsx(cell + b'<row r="2"><c r="XFD2"><v>1</v></c></row>' * 5_000))
    yield Hostile(
        "no-such-string.xlsx",
        lambda: xlsx(cell + b'<row><c t="s"><v>99999999999999999999</v></c><c t="s"><v>-1</v></c></row>'),
    )
    yield Hostile(
        "digits.xlsx",
        lambda: xlsx(cell + b'<row r="%s"><c t="s"><v>%s</v></c><c s="%s"><v>1</v></c></row>' % ((b"9" * 5_000,) * 3)),
    )
    yield Hostile("rows-1000000.xlsx", lambda: xlsx(b"<row><c><v>1</v></c></row>" * 1_000_001))
    yield Hostile("sheets-10000.xlsx", lambda: xlsx(cell * 50, sheets=10_000))
    yield Hostile("laughs.xlsx", lambda: xlsx(b'<row><c t="inlineStr"><is><t>&a11;</t></is></c></row>', doctype=LAUGHS))
    yield Hostile(
        "outside.xlsx", lambda: xlsx(b'<row><c t="inlineStr"><is><t>x&e;</t></is></c></row>', doctype=OUTSIDE)
    )
    yield Hostile(
        "huge-string.xlsx",
        lambda: xlsx(b'<row><c t="s"><v>0</v></c></row>' * 2_000, strings=b"<si><t>%s</t></si>" % (b"a" * 1_000_000)),
    )
    yield Hostile(
        "numbers.xlsx",
        lambda: xlsx(
            b'<row><c><v>1e999999999</v></c><c><v>NaN</v></c><c><v>-1e308</v></c><c t="d"><v>x</v></c></row>' + cell
        ),
    )
    yield Hostile(
        "formula.xlsx",
        lambda: xlsx(
            cell + b'<row r="2"><c><f>cmd|\' /C calc\'!A0</f></c><c><f>WEBSERVICE("http://127.0.0.1:9")</f></c></row>'
        ),
        frozenset({READ}),
    )


def _slides_and_open() -> Iterator[Hostile]:
    yield Hostile("slides-100000.pptx", lambda: pptx(100_000))
    yield Hostile(
        "slides-of-a-bomb.pptx", lambda: pptx(2_000, b"<a:p><a:r><a:t>%s</a:t></a:r></a:p>" % (b"b" * 1_000_000))
    )
    text = b"<text:p>An honest paragraph</text:p>"
    repeated = (
        b'<table:table><table:table-row table:number-rows-repeated="%s"><table:table-cell'
        b' table:number-columns-repeated="%s">%s</table:table-cell></table:table-row></table:table>'
    )
    yield Hostile("columns-repeated.ods", lambda: odf("spreadsheet", repeated % (b"1", b"2000000000", text)))
    yield Hostile("rows-repeated.ods", lambda: odf("spreadsheet", repeated % (b"2000000000", b"3", text)))
    yield Hostile("both-repeated.ods", lambda: odf("spreadsheet", repeated % (b"1048576", b"16384", text)))
    yield Hostile("digits-repeated.ods", lambda: odf("spreadsheet", repeated % (b"9" * 5_000, b"-1", text)))
    yield Hostile("spaces.odt", lambda: odf("text", b'<text:p>a<text:s text:c="2000000000"/>b</text:p>'))
    yield Hostile("deep.odt", lambda: odf("text", b"<text:section>" * 50_000 + text + b"</text:section>" * 50_000))
    yield Hostile(
        "deep-lists.odt",
        lambda: odf("text", b"<text:list><text:list-item>" * 20_000 + text + b"</text:list-item></text:list>" * 20_000),
    )
    yield Hostile(
        "deep-spans.odt",
        lambda: odf("text", b"<text:p>" + b"<text:span>" * 50_000 + b"x" + b"</text:span>" * 50_000 + b"</text:p>"),
    )
    yield Hostile("laughs.odt", lambda: odf("text", b"<text:p>&a11;</text:p>", doctype=LAUGHS))
    yield Hostile("outside.odt", lambda: odf("text", b"<text:p>x&e;</text:p>", doctype=OUTSIDE))


def _books() -> Iterator[Hostile]:
    chapter = b"<html><body><p>An honest chapter</p></body></html>"
    yield Hostile("chapter-again.epub", lambda: epub('<itemref idref="i0"/>' * 100_000, {"a.xhtml": chapter * 100}))
    yield Hostile("chapter-outside.epub", lambda: epub('<itemref idref="i0"/>', {"../../../../etc/passwd": chapter}))
    yield Hostile("chapter-by-url.epub", lambda: epub('<itemref idref="i0"/>', {"http://127.0.0.1:9/x": chapter}))
    yield Hostile("laughs.epub", lambda: epub("&a11;", {"a.xhtml": chapter}, doctype=LAUGHS.decode()))
    yield Hostile(
        "root-outside.epub", lambda: epub('<itemref idref="i0"/>', {"a.xhtml": chapter}, rootfile="/etc/passwd")
    )
    yield Hostile(
        "chapter-bomb.epub",
        lambda: with_member(
            epub('<itemref idref="i0"/>', {"b.xhtml": chapter}).replace(b"b.xhtml", b"a.xhtml"),
            "a.xhtml",
            1_000,
            b"<b>" * 300_000,
            (b"<html>", b"</html>"),
        ),
    )


def _packages() -> Iterator[Hostile]:
    good = docx()
    yield Hostile("only-names.docx", lambda: zipped({"[Content_Types].xml": b"", "word/document.xml": b""}))
    yield Hostile(
        "part-twice.docx",
        lambda: zipped(
            [
                ("[Content_Types].xml", b"<Types/>"),
                ("_rels/.rels", relations("word/document.xml")),
                ("word/document.xml", b"<x/>"),
                ("word/document.xml", HONEST),
            ]
        ),
    )
    yield Hostile(
        "parts-100000.docx",
        lambda: zipped(
            [
                ("[Content_Types].xml", b"<Types/>"),
                ("_rels/.rels", relations("word/document.xml")),
                *((f"word/{n}", b"") for n in range(100_000)),
            ],
            zipfile.ZIP_STORED,
        ),
    )
    yield Hostile("directory-torn.docx", lambda: good[:-200] + b"\0" * 50 + good[-150:])
    yield Hostile("size-lies.docx", lambda: lying(bloated("word/document.xml", 600, b" " * 1_000_000)))
    yield Hostile("unknown-method.docx", lambda: good.replace(b"\x08\x00\x00\x00\x21\x00", b"\x63\x00\x00\x00\x21\x00"))
    yield Hostile(
        "encrypted-flag.docx",
        lambda: good.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
        frozenset({"encrypted"}),
    )
    yield Hostile(
        "secret-in-comment.docx",
        lambda: good[:-2] + len(SECRET).to_bytes(2, "little") + SECRET.encode(),
        frozenset({READ}),
    )
    yield Hostile("both-pdf.docx", lambda: b"%PDF-1.7\n" + good)
    yield Hostile("behind-noise.docx", lambda: b"MZ" + b"\0" * 5_000 + good)
