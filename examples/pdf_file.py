"""Write a small PDF with a real text layer, the same bytes everywhere: standard fonts, nothing compressed."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

PAGE = (595, 842)  # A4, in points
MARGIN = 62
LETTERS_A_LINE = 88  # of Helvetica 10.5 between the margins
HEADER = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"


@dataclass(frozen=True)
class Style:
    """Say how one kind of line looks: font, size, space above and between lines, in points."""

    font: str
    size: float
    above: float
    leading: float
    indent: float = 0


STYLES = {
    "title": Style("F2", 22, 0, 28),
    "heading": Style("F2", 14, 14, 19),
    "text": Style("F1", 10.5, 5, 14.5),
    "item": Style("F1", 10.5, 2, 14.5, 14),
}


@dataclass
class Page:
    """Collect the lines of one page, from the top down."""

    y: float = PAGE[1] - MARGIN
    operators: list[str] = field(default_factory=list[str])

    def write(self, kind: str, text: str) -> None:
        """Add one paragraph in the style of `kind`, wrapped."""
        style = STYLES[kind]
        self.y -= style.above
        mark = "\u2022 " if kind == "item" else ""
        for line in textwrap.wrap(mark + text, LETTERS_A_LINE - int(style.indent / 5)):
            self.y -= style.leading
            if self.y < MARGIN:
                raise ValueError(f"the page is full at {line!r}: move a paragraph to the next page")
            self.place(style, MARGIN + style.indent, self.y, line)

    def place(self, style: Style, x: float, y: float, line: str) -> None:
        """Put one line at a place."""
        self.operators.append(f"BT /{style.font} {style.size} Tf {x:g} {y:g} Td ({escaped(line)}) Tj ET")


def escaped(text: str) -> str:
    """Escape what a PDF string reserves."""
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def pdf(title: str, pages: list[list[tuple[str, str]]]) -> bytes:
    """Make a PDF of pages, each a list of (style, text); raises ValueError where a page overflows."""
    count = len(pages)
    fonts = 3, 4  # object numbers; the pages follow, each before its content
    kids = " ".join(f"{5 + 2 * i} 0 R" for i in range(count))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        font("Helvetica"),
        font("Helvetica-Bold"),
    ]
    for number, paragraphs in enumerate(pages, start=1):
        bodies.append(page_object(fonts, content=len(bodies) + 2))
        bodies.append(content_object(title, paragraphs, number, count))
    bodies.append(f"<< /Title ({escaped(title)}) /Producer (make_handbook.py) >>".encode("cp1252"))
    return assembled(bodies)


def font(name: str) -> bytes:
    """Describe one of the fonts that every reader has."""
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()


def page_object(fonts: tuple[int, int], content: int) -> bytes:
    """Describe a page whose text is in object number `content`."""
    resources = f"<< /Font << /F1 {fonts[0]} 0 R /F2 {fonts[1]} 0 R >> >>"
    box = f"[0 0 {PAGE[0]} {PAGE[1]}]"
    return (f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources {resources} /Contents {content} 0 R >>").encode()


def content_object(title: str, paragraphs: list[tuple[str, str]], number: int, count: int) -> bytes:
    """Write the text of one page, and its footer."""
    page = Page()
    for kind, text in paragraphs:
        page.write(kind, text)
    page.place(Style("F1", 8, 0, 0), MARGIN, 36, f"{title}, page {number} of {count}")
    stream = "\n".join(page.operators).encode("cp1252")
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream)


def assembled(bodies: list[bytes]) -> bytes:
    """Number the objects, the catalogue first, the information last, and add the cross-reference table."""
    out = bytearray(HEADER)
    offsets: list[int] = []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, size = len(out), len(bodies) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(out + trailer % (size, len(bodies), start))
