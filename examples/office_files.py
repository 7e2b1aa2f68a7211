"""Write small DOCX, XLSX and PPTX files, the same bytes everywhere: stored, not deflated, one fixed date."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from xml.sax.saxutils import escape

DATE = (2026, 3, 2, 9, 0, 0)
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
KIND = "application/vnd.openxmlformats-officedocument."
RELATIONS = "application/vnd.openxmlformats-package.relationships+xml"

Row = list[str | int]


def package(parts: dict[str, str], types: dict[str, str], main: str) -> bytes:
    """Zip the parts of an office document; `types` gives the content type of every part but relationships."""
    overrides = "".join(f'<Override PartName="/{name}" ContentType="{KIND}{t}"/>' for name, t in types.items())
    relations = f'<Default Extension="rels" ContentType="{RELATIONS}"/>'
    content = (
        f'<Types xmlns="{PACKAGE}/content-types">{relations}'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )
    everything = {"[Content_Types].xml": content, "_rels/.rels": related([("officeDocument", main)])} | parts
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, text in everything.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, (HEAD + text).encode())
    return out.getvalue()


def related(targets: list[tuple[str, str]]) -> str:
    """List relationships as rId1, rId2, ... in their order."""
    lines = "".join(
        f'<Relationship Id="rId{i}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{lines}</Relationships>'


# Word

WORD_STYLES = {"title": "Title", "heading": "Heading1", "text": "Normal"}


def docx(blocks: list[tuple[str, str] | list[Row]]) -> bytes:
    """Make a DOCX of tables and (style, text) paragraphs; a style is title, heading or text."""
    body = "".join(table(b) if isinstance(b, list) else paragraph(*b) for b in blocks)
    section = '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/></w:sectPr>'
    parts = {
        "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}{section}</w:body></w:document>',
        "word/styles.xml": word_styles(),
        "word/_rels/document.xml.rels": related([("styles", "styles.xml")]),
    }
    types = {
        "word/document.xml": "wordprocessingml.document.main+xml",
        "word/styles.xml": "wordprocessingml.styles+xml",
    }
    return package(parts, types, "word/document.xml")


def paragraph(style: str, text: str) -> str:
    """Write one paragraph."""
    run = f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
    return f'<w:p><w:pPr><w:pStyle w:val="{WORD_STYLES[style]}"/></w:pPr>{run}</w:p>'


def table(rows: list[Row]) -> str:
    """Write a table whose first row is its header."""
    sides = "".join(
        f'<w:{s} w:val="single" w:sz="4"/>' for s in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    grid = '<w:gridCol w:w="3000"/>' * len(rows[0])
    out = f"<w:tbl><w:tblPr><w:tblBorders>{sides}</w:tblBorders></w:tblPr><w:tblGrid>{grid}</w:tblGrid>"
    for number, row in enumerate(rows):
        mark = "<w:trPr><w:tblHeader/></w:trPr>" if number == 0 else ""
        cells = "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="3000" w:type="dxa"/></w:tcPr>{paragraph("text", str(cell))}</w:tc>'
            for cell in row
        )
        out += f"<w:tr>{mark}{cells}</w:tr>"
    return out + "</w:tbl>" + paragraph("text", "")


def word_styles() -> str:
    """Define the three styles."""
    out = '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
    for style, name, half_points, outline in (("Title", "Title", 44, ""), ("Heading1", "heading 1", 28, "0")):
        level = f'<w:outlineLvl w:val="{outline}"/>' if outline else ""
        look = f'<w:pPr>{level}</w:pPr><w:rPr><w:b/><w:sz w:val="{half_points}"/></w:rPr>'
        based = f'<w:name w:val="{name}"/><w:basedOn w:val="Normal"/>'
        out += f'<w:style w:type="paragraph" w:styleId="{style}">{based}{look}</w:style>'
    return f'<w:styles xmlns:w="{WORD}">{out}</w:styles>'


# Excel


def xlsx(sheets: dict[str, list[Row]]) -> bytes:
    """Make an XLSX of named sheets; whole numbers become number cells, the rest is text."""
    names = list(enumerate(sheets, start=1))
    listed = "".join(f'<sheet name="{escape(n)}" sheetId="{i}" r:id="rId{i}"/>' for i, n in names)
    parts = {
        "xl/workbook.xml": (f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'),
        "xl/_rels/workbook.xml.rels": related(
            [("worksheet", f"worksheets/sheet{i}.xml") for i, _ in names] + [("styles", "styles.xml")]
        ),
        "xl/styles.xml": SHEET_STYLES,
    }
    types = {"xl/workbook.xml": "spreadsheetml.sheet.main+xml", "xl/styles.xml": "spreadsheetml.styles+xml"}
    for i, name in names:
        parts[f"xl/worksheets/sheet{i}.xml"] = worksheet(sheets[name])
        types[f"xl/worksheets/sheet{i}.xml"] = "spreadsheetml.worksheet+xml"
    return package(parts, types, "xl/workbook.xml")


SHEET_STYLES = (
    f'<styleSheet xmlns="{SHEET}"><fonts count="2"><font/><font><b/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf/><xf fontId="1" applyFont="1"/><xf numFmtId="3" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)


def worksheet(rows: list[Row]) -> str:
    """Write the rows of one sheet; the first is bold."""
    width = f'<cols><col min="1" max="{len(rows[0])}" width="24" customWidth="1"/></cols>'
    lines = ""
    for r, row in enumerate(rows, start=1):
        cells = "".join(cell(f"{chr(64 + c)}{r}", value, bold=r == 1) for c, value in enumerate(row, start=1))
        lines += f'<row r="{r}">{cells}</row>'
    return f'<worksheet xmlns="{SHEET}">{width}<sheetData>{lines}</sheetData></worksheet>'


def cell(place: str, value: str | int, *, bold: bool) -> str:
    """Write one cell."""
    if isinstance(value, int):
        return f'<c r="{place}" s="2"><v>{value}</v></c>'
    style = ' s="1"' if bold else ""
    return f'<c r="{place}" t="inlineStr"{style}><is><t>{escape(value)}</t></is></c>'


# PowerPoint


@dataclass(frozen=True)
class Box:
    """Place a text on a slide, in millimetres; a title has no frame."""

    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]
    title: bool = False


def pptx(slides: list[list[Box]]) -> bytes:
    """Make a PPTX, 16 to 9, of slides with text boxes."""
    numbers = range(1, len(slides) + 1)
    listed = "".join(f'<p:sldId id="{255 + i}" r:id="rId{i + 1}"/>' for i in numbers)
    presentation = (
        f'<p:presentation {SLIDE_NAMES}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/>'
        f"</p:sldMasterIdLst><p:sldIdLst>{listed}</p:sldIdLst>"
        '<p:sldSz cx="12192000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>'
    )
    master, layout, theme = (
        "slideMasters/slideMaster1.xml",
        "slideLayouts/slideLayout1.xml",
        "theme/theme1.xml",
    )
    slide_relations = [("slide", f"slides/slide{i}.xml") for i in numbers]
    parts = {
        "ppt/presentation.xml": presentation,
        "ppt/_rels/presentation.xml.rels": related([("slideMaster", master), *slide_relations, ("theme", theme)]),
        f"ppt/{master}": SLIDE_MASTER,
        "ppt/slideMasters/_rels/slideMaster1.xml.rels": related(
            [("slideLayout", f"../{layout}"), ("theme", f"../{theme}")]
        ),
        f"ppt/{layout}": f'<p:sldLayout {SLIDE_NAMES} type="blank">{tree([])}{SAME_COLOURS}</p:sldLayout>',
        "ppt/slideLayouts/_rels/slideLayout1.xml.rels": related([("slideMaster", f"../{master}")]),
        f"ppt/{theme}": theme_xml(),
    }
    types = {
        "ppt/presentation.xml": "presentationml.presentation.main+xml",
        f"ppt/{master}": "presentationml.slideMaster+xml",
        f"ppt/{layout}": "presentationml.slideLayout+xml",
        f"ppt/{theme}": "theme+xml",
    }
    for i, boxes in enumerate(slides, start=1):
        parts[f"ppt/slides/slide{i}.xml"] = f"<p:sld {SLIDE_NAMES}>{tree(boxes)}{SAME_COLOURS}</p:sld>"
        parts[f"ppt/slides/_rels/slide{i}.xml.rels"] = related([("slideLayout", f"../{layout}")])
        types[f"ppt/slides/slide{i}.xml"] = "presentationml.slide+xml"
    return package(parts, types, "ppt/presentation.xml")


def tree(boxes: list[Box]) -> str:
    """Write the shapes of one slide, in reading order."""
    shapes = "".join(shape(number, box) for number, box in enumerate(boxes, start=2))
    group = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    return f"<p:cSld><p:spTree>{group}{shapes}</p:spTree></p:cSld>"


def shape(number: int, box: Box) -> str:
    """Write one text box."""
    kind, size = ("Title", 2800) if box.title else ("Box", 1400)
    frame = "" if box.title else '<a:ln w="12700"><a:solidFill><a:schemeClr val="tx1"/></a:solidFill></a:ln>'
    place = (
        f'<a:xfrm><a:off x="{box.x * 36000}" y="{box.y * 36000}"/>'
        f'<a:ext cx="{box.width * 36000}" cy="{box.height * 36000}"/></a:xfrm>'
    )
    text = "".join(
        f'<a:p><a:r><a:rPr lang="en-GB" sz="{size}"/><a:t>{escape(line)}</a:t></a:r></a:p>' for line in box.lines
    )
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="{kind} {number}"/>'
        '<p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr>'
        f'<p:spPr>{place}<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>{frame}</p:spPr>'
        f'<p:txBody><a:bodyPr wrap="square"/><a:lstStyle/>{text}</p:txBody></p:sp>'
    )


SLIDE_NAMES = f'xmlns:a="{DRAWING}" xmlns:r="{OFFICE}" xmlns:p="{SLIDE}"'
SAME_COLOURS = "<p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr>"
COLOUR_MAP = (
    '<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" '
    'accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>'
)
SLIDE_MASTER = (
    f"<p:sldMaster {SLIDE_NAMES}>{tree([])}{COLOUR_MAP}"
    '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>'
)


def theme_xml() -> str:
    """Write the theme that every presentation must have: twelve colours, one font, three plain fills."""
    colours = {"dk1": "12212B", "lt1": "FFFFFF", "dk2": "1F4E5F", "lt2": "EEF3F5", "hlink": "1F6F8B"}
    colours |= {f"accent{i}": "2C7DA0" for i in range(1, 7)} | {"folHlink": "5B4B8A"}
    order = ["dk1", "lt1", "dk2", "lt2", *(f"accent{i}" for i in range(1, 7)), "hlink", "folHlink"]
    palette = "".join(f'<a:{name}><a:srgbClr val="{colours[name]}"/></a:{name}>' for name in order)
    face = '<a:latin typeface="Arial"/><a:ea typeface=""/><a:cs typeface=""/>'
    fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
    fonts = f"<a:majorFont>{face}</a:majorFont><a:minorFont>{face}</a:minorFont>"
    formats = (
        f"<a:fillStyleLst>{fill * 3}</a:fillStyleLst>"
        f"<a:lnStyleLst>{f'<a:ln>{fill}</a:ln>' * 3}</a:lnStyleLst>"
        f"<a:effectStyleLst>{'<a:effectStyle><a:effectLst/></a:effectStyle>' * 3}</a:effectStyleLst>"
        f"<a:bgFillStyleLst>{fill * 3}</a:bgFillStyleLst>"
    )
    return (
        f'<a:theme xmlns:a="{DRAWING}" name="Plain"><a:themeElements>'
        f'<a:clrScheme name="Plain">{palette}</a:clrScheme><a:fontScheme name="Plain">{fonts}</a:fontScheme>'
        f'<a:fmtScheme name="Plain">{formats}</a:fmtScheme></a:themeElements></a:theme>'
    )
