"""Documents that are zip archives of XML, made as small as they may be: what is wrong with one goes in."""

from __future__ import annotations

import zipfile

from hostile_kit import zipped

W = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
S = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
A = b"http://schemas.openxmlformats.org/drawingml/2006/main"
P = b"http://schemas.openxmlformats.org/presentationml/2006/main"
R = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HONEST = b"<w:p><w:r><w:t>An honest paragraph in a hostile file</w:t></w:r></w:p>"
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a0 "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
    + b"]>"
)


def relations(target: str, kind: str = "officeDocument", *others: tuple[str, str], mode: str = "") -> bytes:
    """A part of relations: to a part of this kind as `r1`, to others as `r2` and so on."""
    listed = "".join(
        f'<Relationship Id="r{n}" Type="{R.decode()}/{each[1]}" Target="{each[0]}"{mode}/>'
        for n, each in enumerate([(target, kind), *others], 1)
    )
    names = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{names}">{listed}</Relationships>'.encode()


def docx(body: bytes = HONEST, *, doctype: bytes = b"", more: dict[str, bytes] | None = None) -> bytes:
    """A Word document with this body."""
    main = b'<?xml version="1.0"?>%s<w:document xmlns:w="%s"><w:body>%s</w:body></w:document>' % (doctype, W, body)
    parts = {
        "[Content_Types].xml": b"<Types/>",
        "_rels/.rels": relations("word/document.xml"),
        "word/document.xml": main,
    }
    return zipped(parts | (more or {}))


def xlsx(rows: bytes, *, strings: bytes = b"", doctype: bytes = b"", sheets: int = 1) -> bytes:
    """A workbook whose one part of rows is shown so many times."""
    book = b'<workbook xmlns="%s" xmlns:r="%s"><sheets>%s</sheets></workbook>' % (
        S, R, b"".join(b'<sheet name="s%d" r:id="r1"/>' % n for n in range(sheets)))  # fmt: skip
    sheet = b'<?xml version="1.0"?>%s<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (doctype, S, rows)
    parts = {
        "[Content_Types].xml": b"<Types/>", "_rels/.rels": relations("xl/workbook.xml"), "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": relations("sheet.xml", "worksheet", ("strings.xml", "sharedStrings")),
        "xl/sheet.xml": sheet, "xl/strings.xml": b'<sst xmlns="%s">%s</sst>' % (S, strings),
    }  # fmt: skip
    return zipped(parts)


def pptx(slides: int, body: bytes = b"") -> bytes:
    """A presentation that shows its one slide so many times."""
    shape = b"<p:sp><p:txBody><a:p><a:r><a:t>An honest slide</a:t></a:r></a:p>%s</p:txBody></p:sp>" % body
    slide = b'<p:sld xmlns:p="%s" xmlns:a="%s"><p:cSld><p:spTree>%s</p:spTree></p:cSld></p:sld>' % (P, A, shape)
    listed = b"".join(b'<p:sldId id="%d" r:id="r1"/>' % n for n in range(slides))
    return zipped({
        "[Content_Types].xml": b"<Types/>", "_rels/.rels": relations("ppt/presentation.xml"),
        "ppt/presentation.xml": b'<p:presentation xmlns:p="%s" xmlns:r="%s"><p:sldIdLst>%s</p:sldIdLst>'
        b"</p:presentation>" % (P, R, listed),
        "ppt/_rels/presentation.xml.rels": relations("slides/slide1.xml", "slide"), "ppt/slides/slide1.xml": slide,
    })  # fmt: skip


def odf(kind: str, body: bytes, *, doctype: bytes = b"") -> bytes:
    """An OpenDocument of this kind ("text", "spreadsheet", "presentation")."""
    names = b" ".join(
        b'xmlns:%s="urn:oasis:names:tc:opendocument:xmlns:%s:1.0"' % (n, n) for n in (b"office", b"text", b"table")
    )
    inside = b"<office:body><office:%s>%s</office:%s></office:body>" % (kind.encode(), body, kind.encode())
    main = b'<?xml version="1.0"?>%s<office:document-content %s>%s</office:document-content>' % (doctype, names, inside)
    return zipped(
        {"mimetype": f"application/vnd.oasis.opendocument.{kind}".encode(), "content.xml": main}, zipfile.ZIP_DEFLATED
    )


def epub(spine: str, chapters: dict[str, bytes], *, doctype: str = "", rootfile: str = "c.opf") -> bytes:
    """A book whose package says this of its chapters."""
    container = f'<container><rootfiles><rootfile full-path="{rootfile}"/></rootfiles></container>'
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(chapters)
    )
    package = f'<?xml version="1.0"?>{doctype}<package><manifest>{items}</manifest><spine>{spine}</spine></package>'
    parts = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": container.encode(),
        "c.opf": package.encode(),
    }
    return zipped(parts | chapters, zipfile.ZIP_DEFLATED)


def lying(archive: bytes) -> bytes:
    """The archive whose directory says that its last member unpacks to ten bytes."""
    at = archive.rindex(b"PK\x01\x02")
    return archive[: at + 24] + (10).to_bytes(4, "little") + archive[at + 28 :]
