"""PDFs by hand: pages from content streams, tables drawn with and without lines."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

ROW = 20
"""Points from one row of a table to the next."""
COLUMN = 110
"""Points from one column of a table to the next."""


def document(
    *streams: str, extra: str = "", page: str = "", catalog: str = "", objects_after: Sequence[str] = ()
) -> bytes:
    """A PDF with a page for each content stream; its font is `/F1`, Helvetica.

    `page` is in each page's dictionary, `catalog` and `extra` in those of the file; `objects_after` are numbered on
    after the pages.
    """
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        "",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids = []
    for shown in streams:
        stream = zlib.compress(shown.encode("latin-1"))
        objects.append(
            f"<< /Length {len(stream)} /Filter /FlateDecode >>\nstream\n{stream.decode('latin-1')}\nendstream"
        )
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects)} 0 R"
            f" /Resources << /Font << /F1 3 0 R >> >> {page} >>"
        )
    objects += objects_after
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    body, offsets = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    end += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {extra} >>\nstartxref\n{len(body)}\n%%EOF\n"
    return (body + end).encode("latin-1")


def text(line: str, x: float, y: float, size: int = 10) -> str:
    """A line of text that begins at `x` and stands on `y`, in points from the page's lower left corner."""
    return f"BT /F1 {size} Tf {x} {y} Td ({line}) Tj ET\n"


def paragraph(lines: Iterable[str], top: float = 740, left: float = 50) -> str:
    """Lines below each other."""
    return "".join(text(line, left, top - 13 * at) for at, line in enumerate(lines))


def table(rows: Sequence[Sequence[str]], top: float = 600, left: float = 50, ruled: bool = True) -> str:
    """A table written row by row; a cell with line ends stands on several lines, and its row is as high as it needs."""
    drawn, y = "", top
    for row in rows:
        height = ROW + 13 * max(cell.count("\n") for cell in row)
        for at, cell in enumerate(row):
            x = left + COLUMN * at
            drawn += "".join(text(line, x + 4, y - 14 - 13 * n) for n, line in enumerate(cell.split("\n")) if line)
            if ruled:
                drawn += f"{x} {y - height} {COLUMN} {height} re S\n"
        y -= height
    return drawn


def columns(*written: Sequence[str], top: float = 600, left: float = 50) -> str:
    """Lines in several columns of a page, written one column after the other."""
    return "".join(
        text(line, left + COLUMN * at + 4, top - 14 - ROW * n)
        for at, one in enumerate(written)
        for n, line in enumerate(one)
    )
