"""Law: a file gives chunks with all of its text, or is rejected for a true reason with a next step."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pdf_kit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.store.policy import ChunkPolicy, LimitPolicy
from milepost.tools import parse_pdf, parse_xlsx
from milepost.tools.parse import PARSER, Parsed, parse_bytes, parse_path

POLICY = ChunkPolicy()
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
LIMITS = LimitPolicy()
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def parse(data: bytes | str, name: str = "x.txt", limits: LimitPolicy = LIMITS) -> Parsed:
    data = data.encode() if isinstance(data, str) else data
    return parse_bytes(data, name, chunk=POLICY, limits=limits)


def texts(data: bytes | str, name: str = "x.txt") -> list[str]:
    found = parse(data, name)
    assert found.reason is None, found
    return [each.text for each in found.chunks]


def whole(data: bytes | str, name: str = "x.txt") -> str:
    return "\n".join(texts(data, name))


def package(parts: dict[str, str], mimetype: str = "") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name, text in parts.items():
            archive.writestr(name, text)
    return data.getvalue()


def rels(**targets: str) -> str:
    inner = "".join(
        f'<Relationship Id="{key}" Type="{R}/{target.split(":")[0]}" Target="{target.split(":")[1]}"/>'
        for key, target in targets.items()
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inner}</Relationships>'
    )


def docx(body: str, **more: str) -> bytes:
    kinds = {
        "styles": "styles:styles.xml",
        "footnotes": "footnotes:footnotes.xml",
        "header1": "header:header1.xml",
    }
    return package(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": rels(r1="officeDocument:word/document.xml"),
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": rels(**{key: kinds[key] for key in more}),
            **{f"word/{key}.xml": text for key, text in more.items()},
        }
    )


def para(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx(sheets: dict[str, str], strings: str = "", styles: str = "", hidden: str = "") -> bytes:
    state = {name: ' state="hidden"' if name == hidden else "" for name in sheets}
    names = "".join(f'<sheet name="{name}" sheetId="{n}"{state[name]} r:id="s{n}"/>' for n, name in enumerate(sheets))
    targets = {f"s{n}": f"worksheet:worksheets/s{n}.xml" for n in range(len(sheets))}
    return package(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": rels(r1="officeDocument:xl/workbook.xml"),
            "xl/workbook.xml": f'<workbook {S} xmlns:r="{R}"><sheets>{names}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": rels(**targets, st="sharedStrings:sharedStrings.xml", sy="styles:styles.xml"),
            "xl/sharedStrings.xml": f"<sst {S}>{strings}</sst>",
            "xl/styles.xml": f"<styleSheet {S}>{styles}</styleSheet>",
            **{
                f"xl/worksheets/s{n}.xml": f"<worksheet {S}><sheetData>{rows}</sheetData></worksheet>"
                for n, rows in enumerate(sheets.values())
            },
        }
    )


def pptx(*slides: str, notes: str = "") -> bytes:
    parts = {
        "_rels/.rels": rels(r1="officeDocument:ppt/presentation.xml"),
        "ppt/presentation.xml": f'<p:presentation {P} xmlns:r="{R}"><p:sldIdLst>'
        + "".join(f'<p:sldId id="{n}" r:id="s{n}"/>' for n in range(len(slides)))
        + "</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": rels(**{f"s{n}": f"slide:slides/s{n}.xml" for n in range(len(slides))}),
    }
    for number, slide in enumerate(slides):
        parts[f"ppt/slides/s{number}.xml"] = f"<p:sld {P} {A}><p:cSld><p:spTree>{slide}</p:spTree></p:cSld></p:sld>"
        parts[f"ppt/slides/_rels/s{number}.xml.rels"] = rels(n="notesSlide:../notesSlides/n.xml") if notes else rels()
    parts["ppt/notesSlides/n.xml"] = f"<p:notes {P} {A}><p:cSld><p:spTree>{notes}</p:spTree></p:cSld></p:notes>"
    return package(parts)


def shape(text: str, role: str = "body") -> str:
    return (
        f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{role}"/></p:nvPr></p:nvSpPr>'
        f"<p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )


def pdf(*pages: list[str], extra: str = "") -> bytes:
    """A PDF with one text line below the other on each page; one that begins with `# ` is large."""
    drawn = (
        "".join(
            pdf_kit.text(line.removeprefix("# "), 60, 740 - 26 * at, 24 if line[:2] == "# " else 11)
            for at, line in enumerate(lines)
        )
        for lines in pages
    )
    return pdf_kit.document(*drawn, extra=extra)


# --- what is rejected, and why


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "x.txt", "empty"),
        (b" \n\t\r\n", "x.txt", "empty"),
        (b"\0" * 5000, "x.bin", "empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\1" * 50, "x.png", "no_text"),
        (b"\xff\xd8\xff\xe0" + b"\1" * 50, "x.jpg", "no_text"),
        (b"<html><script>var x = 1;</script><style>p{}</style></html>", "x.html", "no_text"),
        (b"[]", "x.json", "no_text"),
        (b"<?xml version='1.0'?><a><b/></a>", "x.xml", "no_text"),
        (docx(""), "x.docx", "no_text"),
        (pdf([], []), "x.pdf", "no_text"),
        (package({"readme.txt": "hello"}), "x.zip", "unsupported_type"),
        (b"\x7fELF" + bytes(range(256)), "x", "unsupported_type"),
        (bytes(range(256)) * 4, "x.dat", "unsupported_type"),
        (b"ID3\x04" + bytes(range(256)), "x.mp3", "unsupported_type"),
        (docx(para("x" * 999))[:-60], "x.docx", "corrupt"),
        (xlsx({"A": "<row><c><v>1</v></c></row>"})[:300], "x.xlsx", "corrupt"),
        (docx("<w:p><w:r><w:t>never closed"), "x.docx", "corrupt"),
        (pdf(["hello"])[:200], "x.pdf", "corrupt"),
        (b"%PDF-1.7\n" + os.urandom(3000), "x.pdf", "corrupt"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "x.docx", "encrypted"),
        (b"[" * 200_000, "x.json", "too_large"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_rejected_for_a_true_reason(data: bytes, name: str, reason: str) -> None:
    """With a sentence that says what to do; never with chunks."""
    found = parse(data, name)
    assert found.reason == reason, found
    assert found.chunks == []
    assert found.detail and len(found.detail) > 10


def test_images_say_that_ocr_is_needed() -> None:
    """A scan is no surprise."""
    assert "OCR" in (parse(b"\xff\xd8\xff\xe0" + b"\1" * 50).detail or "")
    assert "OCR" in (parse(pdf([], [])).detail or "")


def test_an_encrypted_archive_member_is_encrypted() -> None:
    """The flag in the directory is enough."""
    data = bytearray(docx(para("secret")))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 4)
    assert parse(bytes(data), "x.docx").reason == "encrypted"


def test_an_encrypted_pdf_is_encrypted() -> None:
    """A password that nobody gave."""
    key = "00" * 32
    entry = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >> /ID [<00> <00>]"
    assert parse(pdf(["hello"], extra=entry), "x.pdf").reason == "encrypted"


@pytest.mark.parametrize(
    ("data", "name", "limits", "shown"),
    [
        (b"x" * 101, "x.txt", {"file_bytes": 100}, "100"),
        (b"a,b\n" + b"1,2\n" * 11, "x.csv", {"rows": 10}, "10 rows"),
        (json.dumps([{"a": n} for n in range(11)]).encode(), "x.json", {"rows": 10}, "10 records"),
        (b'{"a": 1}\n' * 11, "x.jsonl", {"rows": 10}, "10 records"),
        (pdf(*[["line"]] * 4), "x.pdf", {"pages": 3}, "4 pages"),
        (pptx(*[shape("slide")] * 4), "x.pptx", {"pages": 3}, "4 slides"),
    ],
)
def test_limits_are_refused_with_what_was_met(data: bytes, name: str, limits: dict[str, int], shown: str) -> None:
    """The number and the key that raises it."""
    found = parse(data, name, LimitPolicy(**limits))
    assert found.reason == "too_large"
    assert shown in (found.detail or "") and "limits." in (found.detail or "")


def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused() -> None:
    """Before it is unpacked."""
    data = docx(para(" " * 120_000_000))
    assert len(data) < 200_000
    assert parse(data, "x.docx").reason == "too_large"


# --- what is read


def test_a_wrong_suffix_is_a_warning_and_the_content_is_read() -> None:
    """Type by content, not by name."""
    found = parse(pdf(["Hello from a PDF"]), "notes.txt")
    assert found.media_type == "application/pdf" and found.reason is None
    assert any("PDF" in warning for warning in found.warnings)


def test_invalid_json_is_read_as_text_with_a_warning() -> None:
    """What people see in it is not lost."""
    found = parse('{"name": "left open', "x.json")
    assert found.reason is None and "not valid JSON" in found.warnings[0]


def test_html_gives_all_text_but_scripts_styles_and_navigation() -> None:
    """Headings are locations, lists keep their depth, tables their header, entities their meaning."""
    html = """<!doctype html><html><head><title>Handbook</title><style>p {color: red}</style></head><body>
    <nav>Home About</nav><div class="navbar">Menu</div><script>alert(1)</script>
    <h1>Leave</h1><p>Twenty <b>days</b> &amp; more&#1;.<br>New line.</p>loose text
    <ul><li>one<ul><li>deeper</ul><li>two</ul>
    <table><tr><th>Grade<th>Days<tr><td>A<td>20<tr><td>B<td>25</table>
    <h2>Sick leave</h2><div><p>Call us.<p>Soon.</div><noscript>no script</noscript>
    <table><tr><td><h3>Layout</h3><p>Inside a layout table.</td></tr></table><img alt="A chart">
    </body></html>"""
    found = parse(html, "x.html")
    text = "\n".join(each.text for each in found.chunks)
    for lost in ("alert", "color: red", "Home About", "Menu"):
        assert lost not in text
    for kept in ("Handbook", "Twenty days & more.\nNew line.", "loose text", "- one\n  - deeper\n- two",
                 "no script", "Grade | Days\nA | 20\nB | 25", "Call us.\n\nSoon.", "Inside a layout table.",
                 "A chart"):  # fmt: skip
        assert kept in text
    assert [each.heading for each in found.chunks] == ["Leave", "Sick leave", "Layout"]


def test_html_declares_its_encoding() -> None:
    """In a meta element."""
    html = '<html><meta charset="koi8-r"><p>Отпуск двадцать дней</p></html>'
    assert "Отпуск" in whole(html.encode("koi8-r"), "x.html")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimited_text_is_read_with_any_common_delimiter(delimiter: str) -> None:
    """Decimal commas and quotes included."""
    rows = [["name", "rate", "note"], ["Ann", '"1,5"', '"says ""hi"""'], ["Bob", '"2,5"', "-"]]
    text = "\n".join(delimiter.join(row) for row in rows)
    assert texts(text, "x.csv") == ['name | rate | note\nAnn | 1,5 | says "hi"\nBob | 2,5 | -']


def test_a_quote_that_is_never_closed_swallows_nothing() -> None:
    """Its row is one row."""
    rows = "\n".join(f"{n},ok" for n in range(50))
    assert "49 | ok" in whole(f'id,note\n0,"open\n{rows}\n', "x.csv")


def test_a_caption_above_a_table_is_part_of_its_header() -> None:
    """And a table without a header has none."""
    assert texts("Teams 2024,,\n,,\nname,city,cups\nBlues,STL,1\n", "x.csv") == [
        "Teams 2024\nname | city | cups\nBlues | STL | 1"
    ]
    [found] = parse("1,2,3\n4,5,6\n", "x.csv").chunks
    assert found.text == "1 | 2 | 3\n4 | 5 | 6" and found.location["rows"] == [1, 2]
    assert texts("country,2019,2020\nDE,1,2\n", "x.csv") == ["country | 2019 | 2020\nDE | 1 | 2"]


def test_a_row_too_wide_for_its_header_names_each_cell() -> None:
    """So that no part of it stands without its column."""
    names = [f"column number {n}" for n in range(60)]
    found = texts("\n".join([",".join(names), ",".join(f"value {n}" for n in range(60))]), "x.csv")
    assert "column number 41: value 41" in "\n".join(found)


def test_json_records_are_rows_and_nested_values_have_paths() -> None:
    """Nothing but nulls is left out."""
    value = {
        "title": "Prices",
        "items": [{"name": "Nut", "size": {"mm": 4}, "tags": ["a", "b"]}, {"name": "Bolt"}],
    }
    found = parse(json.dumps(value), "x.json")
    assert [each.text for each in found.chunks] == [
        "title: Prices",
        "items\nname: Nut\nsize.mm: 4\ntags: a, b\n\nname: Bolt",
    ]
    assert found.chunks[1].location == {"heading": "items", "rows": [1, 2]}
    assert whole('{"text": "a\\u0000b\\ud800c"}', "x.json") == "text: abc"


def test_json_lines_are_records_and_bad_lines_are_kept() -> None:
    """With a warning that counts them."""
    found = parse('{"a": 1}\nnot json\n{"a": 3}\n', "x.jsonl")
    assert [each.text for each in found.chunks] == ["a: 1\n\nnot json\n\na: 3"]
    assert "1 line is not valid" in found.warnings[0]


def test_xml_records_are_lines_and_running_text_is_a_paragraph() -> None:
    """Attributes are values, entities are not fetched."""
    xml = '<?xml version="1.0"?><c><i id="7"><n>Nut</n><p cur="EUR">2</p></i>'
    xml += "<d>Some <b>running</b> text.</d></c>"
    text = whole(xml, "x.xml")
    assert "id: 7\nn: Nut\np: 2\np.cur: EUR" in text and "Some running text." in text
    bomb = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x><y>&f;</y></x>'
    found = parse('<?xml version="1.0"?>' + bomb, "x.xml")
    assert not any("root:" in each.text for each in found.chunks)


def test_mails_give_headers_body_and_attachments() -> None:
    """The body once; an attachment under its name; what cannot be read is a warning."""
    mail = (
        "From: Ann <ann@example.com>\nTo: Bob <bob@example.com>\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n"
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=B\n\n"
        "--B\nContent-Type: multipart/alternative; boundary=C\n\n"
        "--C\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
        "Caf=E9 at noon.\n--C\nContent-Type: text/html\n\n<p>Café at noon.</p>\n--C--\n"
        "--B\nContent-Type: text/csv\nContent-Disposition: attachment; filename=a.csv\n\nname,n\nNut,1\n"
        "--B\nContent-Type: image/png\nContent-Disposition: attachment; filename=a.png\n"
        "Content-Transfer-Encoding: base64\n\niVBORw0KGgoAAAAAAAAA\n--B--\n"
    )
    found = parse(mail, "x.eml")
    text = "\n".join(each.text for each in found.chunks)
    assert found.media_type == "message/rfc822" and text.count("Café at noon.") == 1
    assert "Grüße\nFrom: Ann" in text and "Attachment: a.csv\nname | n\nNut | 1" in text
    assert any("a.png" in warning and "OCR" in warning for warning in found.warnings)
    box = "".join(f"From ann@example.com Mon Jan  {day} 10:00:00 2024\n{mail}\n" for day in (1, 2))
    assert whole(box, "x.mbox").count("Café at noon.") == 2


def test_pdf_pages_are_locations_and_pages_without_text_are_counted() -> None:
    """A warning with numbers; numbered lines are headings."""
    found = parse(pdf(["1.2 Parental leave", "Sixteen weeks."], [], ["Refunds within a month."]), "x.pdf")
    assert [(each.text, each.location) for each in found.chunks] == [
        ("1.2 Parental leave\nSixteen weeks.", {"page": 1, "heading": "1.2 Parental leave"}),
        ("1.2 Parental leave\nRefunds within a month.", {"page": 3, "heading": "1.2 Parental leave"}),
    ]
    assert found.warnings == ["no text layer on 1 of 3 pages"]


def test_running_headers_of_a_pdf_stand_once_and_no_other_line_is_lost() -> None:
    """A line that only looks like another is content."""
    pages = [["The Handbook", f"Fact number {n} of this book", f"Another {n}", f"{n} / 9"] for n in range(1, 10)]
    text = whole(pdf(*pages), "x.pdf")
    assert text.count("The Handbook") == 1 and "7 / 9" not in text
    assert all(f"Fact number {n} of" in text and f"Another {n}" in text for n in range(1, 10))


def test_word_documents_keep_structure_and_hidden_corners() -> None:
    """Headings by style, lists, tables, breaks, text boxes once, notes and page headers at the end."""
    styles = (
        f'<w:styles {W}><w:style w:styleId="H"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="Mine"><w:basedOn w:val="H"/></w:style></w:styles>'
    )
    twice = (
        '<w:p xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:r><mc:AlternateContent>'
        f"<mc:Choice>{para('In a box')}</mc:Choice><mc:Fallback>{para('In a box')}</mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
    )
    row = "<w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>"
    body = (
        para("Leave", '<w:pStyle w:val="Mine"/>')
        + "<w:p><w:r><w:t>one</w:t><w:br/><w:t>two</w:t><w:tab/><w:t>three</w:t></w:r></w:p>"
        + para("item", "<w:numPr/>") * 2
        + f"<w:tbl>{row.format(para('Grade'), para('Days'))}{row.format(para('A'), para('20'))}</w:tbl>"
        + twice
        + "<w:p><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del></w:p>"
    )
    notes = f"<w:footnotes {W}><w:footnote>{para('A note.')}</w:footnote></w:footnotes>"
    header = f"<w:hdr {W}>{para('Confidential')}</w:hdr>"
    found = texts(docx(body, styles=styles, footnotes=notes, header1=header), "x.docx")
    assert found == [
        "Leave\none\ntwo\tthree\n\n- item\n- item\n\nGrade | Days\nA | 20\n\nIn a box\n\nA note.\n\nConfidential"
    ]


def test_workbooks_show_values_as_people_see_them() -> None:
    """Dates, percentages, shared and inline strings, formulas, row numbers; each sheet a section."""
    styles = (
        '<numFmts><numFmt numFmtId="170" formatCode="[h]:mm"/></numFmts><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="14"/><xf numFmtId="9"/><xf numFmtId="170"/><xf numFmtId="46"/></cellXfs>'
    )
    rows = (
        '<row r="3"><c r="B3" t="s"><v>0</v></c><c r="C3" t="inlineStr"><is><t>rate</t></is></c>'
        '<c r="D3" t="s"><v>1</v></c></row>'
        '<row r="5"><c r="B5" s="1"><v>45292</v></c><c r="C5" s="2"><v>0.25</v></c>'
        '<c r="D5"><f>A1*2</f></c></row>'
        '<row r="6"><c r="B6" s="1"><v>45292.5</v></c><c r="C6"><v>1234.5</v></c>'
        '<c r="D6" t="b"><v>1</v></c></row>'
        '<row r="7"><c r="B7" s="3"><v>1.25347222222222</v></c><c r="C7" s="4"><v>0.5</v></c></row>'
    )
    strings = "<si><t>since</t></si><si><r><t>no</t></r><r><t>te</t></r></si>"
    data = xlsx({"Staff": rows, "Empty": "", "Old": rows}, strings, styles, "Old")
    found = parse(data, "x.xlsx")
    values = "2024-01-01 | 25% | =A1*2\n2024-01-01 12:00:00 | 1234.5 | TRUE\n30:05:00 | 12:00:00"
    assert [each.text for each in found.chunks] == [
        f"{name}\nsince | rate | note\n{values}" for name in ("Staff", "Old")
    ]
    assert found.chunks[0].location == {"heading": "Staff", "rows": [5, 7]}
    assert found.warnings == ["sheet 'Old' is hidden in the workbook and was read all the same"]


def test_slides_are_pages_with_title_text_table_and_notes() -> None:
    """In the order in which they are shown."""
    cell = "<a:tc><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc>"
    table = "<p:graphicFrame><a:tbl>" + "".join(
        f"<a:tr>{cell.format(a)}{cell.format(b)}</a:tr>" for a, b in [("Name", "Cups"), ("Blues", "1")]
    )
    data = pptx(
        shape("body text") + shape("Results", "title"),
        table + "</a:tbl></p:graphicFrame>",
        notes=shape("say hello"),
    )
    found = parse(data, "x.pptx")
    assert [(each.text, each.location.get("page")) for each in found.chunks] == [
        ("Results\nbody text\n\nNotes: say hello", 1),
        ("Results\nName | Cups\nBlues | 1\n\nNotes: say hello", 2),
    ]


def odf(body: str, kind: str, **more: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{each}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for each, name in [("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing")]
    )
    content = f"<office:document-content {spaces}><office:body>{body}</office:body></office:document-content>"
    parts = {"content.xml": content, "META-INF/manifest.xml": more.get("manifest", "<manifest/>")}
    return package(parts, f"application/vnd.oasis.opendocument.{kind}")


ODF_TABLE = (
    '<table:table table:name="Staff"><table:table-row><table:table-cell><text:p>name</text:p></table:table-cell>'
    "<table:table-cell><text:p>city</text:p></table:table-cell></table:table-row>"
    '<table:table-row table:number-rows-repeated="9"><table:table-cell/></table:table-row>'
    '<table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>Oslo</text:p></table:table-cell>'
    '<table:table-cell table:number-columns-repeated="16000"/></table:table-row></table:table>'
)


def test_open_documents_keep_their_structure() -> None:
    """Texts, spreadsheets, presentations; what was deleted is not text; an encrypted one is encrypted."""
    body = (
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">Leave</text:h><text:section><text:p>one<text:line-break/>two'
        '<text:s text:c="2"/>three</text:p></text:section><text:list><text:list-item><text:p>item</text:p>'
        "<text:list><text:list-item><text:p>inner</text:p></text:list-item></text:list></text:list-item></text:list>"
    )
    assert texts(odf(body + ODF_TABLE, "text"), "x.odt") == [
        "Leave\none\ntwo  three\n\n- item\n  - inner\n\nname | city\nOslo | Oslo"
    ]
    [found] = parse(odf(ODF_TABLE, "spreadsheet"), "x.ods").chunks
    assert (found.text, found.location["rows"]) == ("Staff\nname | city\nOslo | Oslo", [11, 11])
    slide = "<draw:page><draw:frame><draw:text-box><text:p>hello</text:p></draw:text-box></draw:frame></draw:page>"
    assert [each.location for each in parse(odf(slide * 2, "presentation")).chunks] == [{"page": 1}, {"page": 2}]
    assert parse(odf("", "text", manifest="<encryption-data/>"), "x.odt").reason == "encrypted"


def test_rich_text_is_read() -> None:
    """By kreuzberg."""
    assert "Hello world" in whole(b"{\\rtf1\\ansi Hello {\\b world}\\par}", "x.rtf")


def test_books_are_read_in_their_own_order() -> None:
    """The spine's, whatever the archive's is."""
    book = '<package><manifest><item id="a" href="a%20b.xhtml"/><item id="b" href="b.xhtml"/>'
    book += '<item id="n" href="nav.xhtml" properties="nav"/></manifest>'
    book += '<spine><itemref idref="n"/><itemref idref="b"/><itemref idref="a"/></spine></package>'
    data = package(
        {
            "META-INF/container.xml": '<c><rootfile full-path="OEBPS/book.opf"/></c>',
            "OEBPS/book.opf": book,
            "OEBPS/a b.xhtml": "<html><body><h1>Zweite</h1><p>Ende.</p></body></html>",
            "OEBPS/b.xhtml": "<html><body><h1>Überschrift</h1><p>Anfang.</p></body></html>",
            "OEBPS/nav.xhtml": "<html><body>Contents</body></html>",
        },
        "application/epub+zip",
    )
    assert texts(data, "x.epub") == ["Überschrift\nAnfang.", "Zweite\nEnde."]


def test_markdown_keeps_code_tables_and_front_matter() -> None:
    """A hash in a fence is no heading."""
    text = (
        "---\ntitle: Leave policy\nlayout: page\n---\nIntro right above\n"
        "# Days\ntext\n\n```sh\n# comment\n\nrun\n```\n"
        "| Grade | Days |\n|---|---:|\n| A | 20 |\n\nSetext\n------\nmore\n"
    )
    found = parse(text, "x.md")
    assert [(each.heading, each.text) for each in found.chunks] == [
        ("Leave policy", "Leave policy\nlayout: page\n\nIntro right above"),
        ("Days", "Days\ntext\n\n```sh\n# comment\n\nrun\n```\n\nGrade | Days\nA | 20"),
        ("Setext", "Setext\nmore"),
    ]


def test_underlined_and_numbered_lines_of_plain_text_are_headings() -> None:
    """As reStructuredText and manuals write them."""
    text = "Title\n=====\n\nIntro.\n\n----\nPart\n----\n\nBody.\n\n"
    text += "2.1. Scope of it\n\nMore.\n\n1. a list\n2. of two\n"
    assert [each.heading for each in parse(text, "x.txt").chunks] == ["Title", "Part", "2.1. Scope of it"]
    assert "----" not in whole(text)


def test_notebooks_give_cells_and_outputs() -> None:
    """Sources may be lists of lines."""
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "words"]},
        {
            "cell_type": "code",
            "source": "print(42)",
            "outputs": [{"text": ["42\n"]}, {"data": {"image/png": "x"}}],
        },
    ]
    assert texts(json.dumps({"nbformat": 4, "cells": cells}), "x.ipynb") == ["Title\nwords\n\nprint(42)\n\n42"]


def test_what_one_parser_cannot_read_another_may() -> None:
    """A workbook in a dialect that is nobody's; the warning says who read it."""
    data = xlsx({"A": '<row r="1"><c r="A1" t="inlineStr"><is><t>odd text</t></is></c></row>'})
    other = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            new.writestr(
                name,
                text.replace(
                    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                    "http://example.org/another/dialect",
                ),
            )
    found = parse(other.getvalue(), "x.xlsx")
    assert found.chunks[0].text == "A\nodd text" and "kreuzberg" in found.warnings[0]


HEADERS = "From: a@example.com\nTo: b@example.com\nDate: Mon, 1 Jan 2024 10:00:00 +0000\nMIME-Version: 1.0\n"


def test_a_mailbox_is_cut_between_mails_only() -> None:
    """Text that begins like the line above a mail is text, and what was quoted for that is as it was written."""
    body = "Body one.\n\nFrom here at 10:30 we go.\n\n>From there, too.\n"
    box = "".join(
        f"From a@example.com Mon Jan  {day} 10:00:00 2024\nSubject: mail {day}\n{HEADERS}\n{body}\n" for day in (1, 2)
    )
    for data in (box, box.replace("\n", "\r\n")):
        found = parse(data, "x.mbox")
        assert found.media_type == "application/mbox"
        assert [each.heading for each in found.chunks] == ["mail 1", "mail 2"]
        for each in found.chunks:
            assert each.text.endswith("Body one.\n\nFrom here at 10:30 we go.\n\nFrom there, too.")


def test_a_plain_body_that_only_points_to_the_other_is_passed_over() -> None:
    """The HTML one is read, where it says much more."""
    html = "<p>" + "All that was to be said. " * 20 + "</p><table><tr><th>A<th>B<tr><td>1<td>2</table>"
    mail = (
        f"Subject: News\n{HEADERS}Content-Type: multipart/alternative; boundary=C\n\n--C\n"
        f"Content-Type: text/plain\n\nSee the HTML version.\n--C\nContent-Type: text/html\n\n{html}\n--C--\n"
    )
    text = whole(mail, "x.eml")
    assert "All that was to be said." in text and "A | B\n1 | 2" in text


@pytest.mark.parametrize("encoding", ["shift_jis", "euc-jp", "gb2312", "big5", "koi8-r", "utf-16"])
def test_xml_is_read_in_the_encoding_that_it_declares(encoding: str) -> None:
    """Also those with two bytes for a letter, which expat does not know."""
    word = "Москва" if encoding in ("koi8-r", "utf-16") else "東京" if encoding not in ("gb2312",) else "北京"
    xml = f'<?xml version="1.0" encoding="{encoding}"?><a><r><n>{word}</n><p>2</p></r><r><n>x</n></r></a>'
    found = parse(xml.encode(encoding), "x.xml")
    assert (found.chunks[0].text, found.warnings) == (f"n: {word}\np: 2\n\nn: x", [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x;1,5;2,5\ny;3,5;4,5\n", "x | 1,5 | 2,5\ny | 3,5 | 4,5"),
        ("1,5\t2,5\n3,5\t4,5\n", "1,5 | 2,5\n3,5 | 4,5"),
        ("name;rate\nA;1.234,50\nB;2,75 €\n", "name | rate\nA | 1.234,50\nB | 2,75 €"),
        ("name;note\nA;x, y\nB;u, v\n", "name | note\nA | x, y\nB | u, v"),
        ("sep=^\nname^rate\nA^1,5\n", "name | rate\nA | 1,5"),
        ("a^b^c\n1^2^3\n4^5^6\n", "a | b | c\n1 | 2 | 3\n4 | 5 | 6"),
        ("when,what\n10:30,a\n11:30,b\n", "when | what\n10:30 | a\n11:30 | b"),
    ],
)
def test_commas_in_numbers_are_no_delimiters(text: str, expected: str) -> None:
    """With a header or without; what the first line declares is believed."""
    assert texts(text, "x.csv") == [expected]


def test_cells_of_html_over_columns_and_rows_keep_the_others_in_place() -> None:
    """A cell over several rows is in each of them."""
    html = """<table><tr><th colspan=2>Place</th><th>Days</th></tr>
    <tr><td rowspan=2>Oslo</td><td>north</td><td>1</td></tr><tr><td>south</td><td>2</td></tr></table>"""
    assert texts(html, "x.html") == ["Place |  | Days\nOslo | north | 1\nOslo | south | 2"]


def test_a_broken_notebook_is_read_as_text_and_a_data_frame_as_rows() -> None:
    """Nothing that people see in it is lost."""
    broken = parse('{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": ["cut', "x.ipynb")
    assert broken.reason is None and "not valid JSON" in broken.warnings[0]
    frame = "<table><tr><th></th><th>a</th><th>b</th></tr><tr><th>0</th><td>1</td><td>2</td></tr></table>"
    output = {"data": {"text/plain": "   a  b\n0  1  2", "text/html": frame}}
    cells = [{"cell_type": "code", "source": "frame", "outputs": [output]}]
    assert texts(json.dumps({"nbformat": 4, "cells": cells}), "x.ipynb") == ["frame\n\n | a | b\n0 | 1 | 2"]


def test_whatever_our_parser_trips_over_another_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only what it knows to be damage; the warning says who read it."""

    def trip(_document: Any) -> Any:
        raise KeyError("an odd file")

    monkeypatch.setattr(parse_xlsx, "xlsx_blocks", trip)
    data = xlsx({"A": '<row><c r="A1" t="inlineStr"><is><t>some text</t></is></c></row>'})
    found = parse(data, "x.xlsx")
    assert found.reason is None and "some text" in found.chunks[0].text and "kreuzberg" in found.warnings[0]


RST_TABLES = """
+-------+------+
| Grade | Days |
+=======+======+
| A     | 20   |
| long  |      |
+-------+------+

After the grid.

===== =====
Name  Cups
===== =====
Blues 1
Kings 2
===== =====

Other
=====

.. list-table:: Frozen
   :header-rows: 1

   * - Treat
     - Qty
   * - Albatross
       raw
     - 2.99

.. csv-table::
   :header: "Item", "Price, net"

   "Nut", 1.50

=== ===
Words across
=== ===

Last words.
"""


def test_all_tables_of_restructured_text_are_rows_with_their_header() -> None:
    """Grids, simple ones, lists and CSV; marks that are no table stay text, and headings after one are headings."""
    found = parse(f"Title\n=====\n{RST_TABLES}", "x.rst")
    assert [(each.heading, each.text) for each in found.chunks] == [
        ("Title", "Title\nGrade | Days\nA long | 20\n\nAfter the grid.\n\nName | Cups\nBlues | 1\nKings | 2"),
        ("Other", "Other\nFrozen\n\nTreat | Qty\nAlbatross raw | 2.99\n\nItem | Price, net\nNut | 1.50\n\n"
         "=== ===\nWords across\n=== ===\n\nLast words."),
    ]  # fmt: skip


def test_a_table_in_html_is_a_table_in_markdown() -> None:
    """What stands after it keeps its offsets; one in a fence is code."""
    table = "<table>\n<tr><th>Grade</th><th>Days</th></tr>\n\n<tr><td>A</td><td>20</td></tr>\n</table>"
    text = f"# Leave\n\n{table}\n\nMore.\n\n# Code\n\n```html\n{table}\n```\n"
    first, second = parse(text, "x.md").chunks
    assert first.text == "Leave\nGrade | Days\nA | 20\n\nMore." and second.text == f"Code\n```html\n{table}\n```"
    assert text[second.location["start"] : second.location["end"]] == f"# Code\n\n```html\n{table}\n```"


C = 'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'


def test_charts_diagrams_and_text_boxes_are_read() -> None:
    """A chart is a table of its numbers, with title and series; none of them says nothing."""

    def points(kind: str, *values: str) -> str:
        inner = "".join(f'<c:pt idx="{n}"><c:v>{value}</c:v></c:pt>' for n, value in enumerate(values))
        return f"<c:{kind}><c:strRef><c:strCache>{inner}</c:strCache></c:strRef></c:{kind}>"

    series = "".join(
        f"<c:ser>{points('tx', name)}{points('cat', 'East', 'West')}{points('val', *values)}</c:ser>"
        for name, values in (("Sales", ("1.5", "2.5")), ("Costs", ("3", "4")))
    )
    drawn = "<a:p><a:r><a:t>{}</a:t></a:r></a:p>"
    title = f"<c:title><c:tx><c:rich>{drawn.format('By region')}</c:rich></c:tx></c:title>"
    chart = f"<c:chartSpace {C} {A}><c:chart>{title}<c:barChart>{series}</c:barChart></c:chart></c:chartSpace>"
    data = pptx(shape("Results", "title"))
    box = xlsx({"A": '<row r="1"><c r="A1"><v>1</v></c></row>'})
    more = {
        "ppt/slides/_rels/s0.xml.rels": rels(c="chart:../charts/c.xml", d="diagramData:../d.xml"),
        "ppt/charts/c.xml": chart,
        "ppt/d.xml": f"<d {A}>{drawn.format('Plan')}{drawn.format('Do')}</d>",
        "xl/worksheets/_rels/s0.xml.rels": rels(d="drawing:../d.xml"),
        "xl/d.xml": f"<d {A}>{drawn.format('In a box')}</d>",
    }
    [slide] = texts(with_parts(data, more), "x.pptx")
    assert slide == "Results\nBy region\n\n | Sales | Costs\nEast | 1.5 | 3\nWest | 2.5 | 4\n\nPlan\nDo"
    assert texts(with_parts(box, more), "x.xlsx") == ["A\n1\n\nIn a box"]


def with_parts(data: bytes, more: dict[str, str]) -> bytes:
    """A package with parts added or put in the place of others."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        parts = {name: old.read(name).decode() for name in old.namelist()}
    return package(parts | {name: text for name, text in more.items() if name.split("/")[0] in "".join(parts)})


def test_large_type_is_a_heading_of_a_pdf_and_a_table_of_contents_has_none() -> None:
    """Also over two lines; what is only large in numbers or sums is text."""
    words = [f"Plain words of line {n}, with some more of them to fill the line." for n in range(8)]
    contents = ["1.1 Parental leave . . . . . . . . 7", "1.2 Sick leave . . . . . . . . . . 8"]
    found = parse(pdf([*contents, *words], ["# Parental leave", *words], ["# $ 120.00", *words]), "x.pdf")
    assert [(each.heading, each.location["page"]) for each in found.chunks] == [
        (None, 1), ("Parental leave", 2), ("Parental leave", 3),
    ]  # fmt: skip
    assert "$ 120.00" in found.chunks[2].text and all(line in found.chunks[0].text for line in contents)


def test_a_book_that_does_not_say_where_it_begins_is_read_all_the_same() -> None:
    """By the list of chapters that is there, else by name, with a warning."""
    pages = {f"OEBPS/{n}.xhtml": f"<html><body><h1>{n}</h1><p>Text {n}.</p></body></html>" for n in "ba"}
    listed = '<package><manifest><item id="b" href="b.xhtml"/></manifest><spine><itemref idref="b"/></spine></package>'
    found = parse(package(pages | {"OEBPS/book.opf": listed}, "application/epub+zip"), "x.epub")
    assert [each.text for each in found.chunks] == ["b\nText b."]
    found = parse(package(pages, "application/epub+zip"), "x.epub")
    assert [each.text for each in found.chunks] == ["a\nText a.", "b\nText b."] and "order" in found.warnings[0]


def test_formulas_of_a_word_document_are_text() -> None:
    """In their place."""
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    formula = f"<w:p><w:r><w:t>So </w:t></w:r><m:oMath {math}><m:r><m:t>E=mc</m:t></m:r></m:oMath></w:p>"
    assert texts(docx(formula), "x.docx") == ["So E=mc"]


# --- for all files


@given(
    st.binary(max_size=2000),
    st.sampled_from(["x.txt", "x.md", "x.html", "x.csv", "x.json", "x.xml", "x.eml", "x.jsonl"]),
)
def test_any_bytes_are_taken_or_rejected_with_a_reason(data: bytes, name: str) -> None:
    """Nothing raises, nothing is both or neither."""
    found = parse(data, name)
    assert (found.reason is None) == bool(found.chunks)
    assert (found.reason is None) == (found.detail is None)
    assert found.parser == PARSER


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(
        [
            (docx(para("words " * 50) * 5), "x.docx"),
            (xlsx({"A": '<row r="1"><c r="A1"><v>1</v></c></row>' * 9}), "x.xlsx"),
            (pptx(shape("words")), "x.pptx"),
            (b"<table><tr><td>a<td>b</table><ul><li>c" * 5, "x.html"),
            (b'[{"a": [1, {"b": 2}]}]', "x.json"),
            (b"a,b\n1,2\n" * 9, "x.csv"),
        ]
    ),
    st.integers(0, 3000),
    st.binary(max_size=12),
)
def test_damage_anywhere_is_survived(file: tuple[bytes, str], at: int, junk: bytes) -> None:
    """Overwritten or cut off, a file is taken or rejected."""
    data, name = file
    for damaged in (
        data[: at % len(data)],
        data[: at % len(data)] + junk + data[at % len(data) + len(junk) :],
    ):
        found = parse(damaged, name)
        assert (found.reason is None) == bool(found.chunks)


@given(st.text(max_size=3000), st.sampled_from(["x.txt", "x.md", "x.csv", "x.html", "x.json"]))
def test_chunks_can_be_stored_and_are_the_same_every_time(text: str, name: str) -> None:
    """Clean text, JSON types in locations, no larger than the policy says."""
    data = text.encode("utf-8", "surrogatepass")
    found = parse(data, name)
    assert found.chunks == parse(data, name).chunks
    for each in found.chunks:
        assert each.text.strip() and len(each.text) <= POLICY.size
        assert not any(ord(char) < 32 and char not in "\n\t" for char in each.text)
        each.text.encode()
        json.dumps(each.location, allow_nan=False)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("<div>" * 50_000 + "deep" + "</div>" * 50_000, "x.html"),
        ("<ul><li>" * 20_000 + "deep", "x.html"),
        ("<?xml version='1.0'?>" + "<a>" * 30_000 + "deep" + "</a>" * 30_000, "x.xml"),
        ('{"a":' * 900 + '"deep"' + "}" * 900, "x.json"),
        ("> " * 20_000 + "deep", "x.md"),
    ],
)
def test_nesting_does_no_harm(data: str, name: str) -> None:
    """It is read, or refused."""
    found = parse(data, name)
    assert found.reason in (None, "too_large", "corrupt")
    assert found.reason or any("deep" in each.text for each in found.chunks)


def test_a_path_is_read_under_another_name(tmp_path: Path) -> None:
    """As blobs are; one that is gone is unreadable."""
    (tmp_path / "abc").write_bytes(b"a,b\n1,2\n")
    found = parse_path(tmp_path / "abc", "x.csv", chunk=POLICY, limits=LIMITS)
    assert found.media_type == "text/csv"
    assert parse_path(tmp_path / "gone", "x", chunk=POLICY, limits=LIMITS).reason == "unreadable"


def _corpus() -> Path:
    named = os.environ.get("MILEPOST_SHARED_DATA")
    return (Path(named) if named else Path(__file__).parents[3] / "shared" / "data") / "corpus"


@pytest.mark.skipif(not _corpus().is_dir(), reason="the sample documents are not on this machine")
def test_every_sample_document_is_taken_or_rejected_for_a_true_reason() -> None:
    """Of 69 files, images have no text and an archive is not opened; all the others give chunks."""
    rejected = {}
    for path in sorted(each for each in _corpus().rglob("*") if each.is_file()):
        found = parse_path(path, path.name, chunk=POLICY, limits=LIMITS)
        assert all(len(each.text) <= POLICY.size for each in found.chunks)
        if found.reason:
            rejected[path.name] = found.reason
    assert rejected == {"python.jpg": "no_text", "python.png": "no_text", "simple.zip": "unsupported_type"}


_WORDS = [f"Plain words of line {n}, with some more of them to fill the line." for n in range(8)]
_TITLED = ["# Parental leave", *_WORDS]


@pytest.mark.parametrize(
    "data",
    [pdf(_TITLED, [], _WORDS, _TITLED), pdf([], []), pdf(*[_TITLED] * 6), pdf(_TITLED)[:300]],
    ids=["text", "empty pages", "too many pages", "damaged"],
)
def test_a_pdf_is_read_alike_at_once_and_some_pages_at_a_time(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with its pages."""

    def read(pages: int) -> Parsed:
        monkeypatch.setattr(parse_pdf, "_SLICE", pages)
        return parse(data, "x.pdf", limits=LimitPolicy(pages=5))

    one, two = read(200), read(1)
    assert [each.text for each in one.chunks] == [each.text for each in two.chunks]
    assert (one.warnings, one.reason, one.detail) == (two.warnings, two.reason, two.detail)
    assert one.reason or one.chunks[0].heading == "Parental leave"


def test_what_is_left_of_a_damaged_pdf_is_read_with_a_warning() -> None:
    """Where nothing is left, the file is damaged, and not a scan."""
    whole_file = pdf(_TITLED, _WORDS)
    cut = parse(whole_file[:-8], "x.pdf")
    assert cut.reason is None and cut.warnings == ["damaged or cut off: what is left of it has 2 pages"]
    assert [each.text for each in cut.chunks] == texts(whole_file, "x.pdf")
    assert parse(pdf([])[:-8], "x.pdf").reason == "corrupt"
