"""PDFs made as small as they may be: what is wrong with one goes in."""

from __future__ import annotations

TEXT = b"BT /F1 12 Tf 72 720 Td (An honest line of text in a hostile file) Tj ET"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def pdf(objects: list[bytes], *, root: int = 1, trailer: bytes = b"", startxref: int | None = None) -> bytes:
    """A PDF of these objects, the first of them number 1, with a right table."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root %d 0 R %s >>\n" % (len(objects) + 1, root, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % (table if startxref is None else startxref))


def stream(data: bytes, extra: bytes = b"", length: int | None = None) -> bytes:
    """A stream object; `length` is what it says of itself."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data) if length is None else length, extra, data)


def page(content: bytes, *, extra: bytes = b"", more: tuple[bytes, ...] = (), catalog: bytes = b"") -> bytes:
    """A PDF of one page whose content stream is object 4 and whose font is object 5."""
    return pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> /XObject << /X 6 0 R >> >> %s >>" % extra,
            content,
            FONT,
            *more,
        ]
    )
