"""Honest files of every kind, cut off, flipped, swapped, and under a wrong name."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hostile_kit import Hostile, zipped
from hostile_markup import WORDS
from hostile_packages import docx, epub, odf, pptx, xlsx
from hostile_pdf_parts import TEXT, page, stream

CUTS = (0.02, 0.3, 0.9)
FLIPS = 3
SEED = 20_260_101


def honest() -> dict[str, bytes]:
    """One good file of each kind, by its name."""
    cell = b"<table:table-cell><text:p>An honest cell</text:p></table:table-cell>"
    ods = b"<table:table><table:table-row>%s</table:table-row></table:table>" % cell
    mail = b"From: a@example.org\nTo: b@example.org\nSubject: An honest subject\nMessage-ID: <1@x>\n\nAn honest line.\n"
    return {
        "good.pdf": page(stream(TEXT * 3)),
        "good.docx": docx(),
        "good.xlsx": xlsx(b'<row r="1"><c r="A1" t="inlineStr"><is><t>An honest cell</t></is></c></row>'),
        "good.pptx": pptx(3),
        "good.odt": odf("text", b"<text:p>An honest paragraph</text:p>"),
        "good.ods": odf("spreadsheet", ods),
        "good.epub": epub('<itemref idref="i0"/>', {"a.xhtml": b"<html><body>%s</body></html>" % WORDS}),
        "good.html": b"<html><head><title>t</title></head><body>%s<table><tr><td>a<td>b</table></body></html>" % WORDS,
        "good.xml": b'<?xml version="1.0"?><x><y a="b">An honest value</y><y>Another</y></x>',
        "good.json": b'{"a": [{"b": 1, "c": "An honest value"}, {"b": 2, "c": null}], "d": "\xc3\xa4"}',
        "good.csv": b"name,value\nhonest,1\nupright,2\n" * 5,
        "good.eml": mail,
        "good.mbox": b"From a@b.c Thu Jan  1 00:00:00 2026\n" + mail,
        "good.rtf": b"{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0 An honest line\\par \\'e4}",
        "good.ipynb": b'{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": ["# Honest"]}]}',
        "good.zip": zipped({"a.txt": b"An honest line\n" * 20}),
        "good.rst": b"Title\n=====\n\nAn honest line.\n\n.. note:: a note\n",
    }


def damaged() -> Iterator[Hostile]:
    """Each good file cut off at several places, with bits flipped, and under another kind's name."""
    chance = random.Random(SEED)
    files = honest()
    names = list(files)
    for number, (name, data) in enumerate(files.items()):
        for cut in CUTS:
            yield Hostile(
                f"cut-{int(cut * 100)}-{name}", lambda data=data, cut=cut: data[: max(1, int(len(data) * cut))]
            )
        for flip in range(FLIPS):
            yield Hostile(f"flipped-{flip}-{name}", lambda data=data, at=chance.random(): flipped(data, at))
        yield Hostile(f"spliced-{name}", lambda data=data: data[: len(data) // 2] + data[: len(data) // 2 + 7])
        yield Hostile(f"called-{number}.{names[number - 5].rpartition('.')[2]}", lambda data=data: data)


def flipped(data: bytes, seed: float) -> bytes:
    """The data with one bit in fifty bytes flipped."""
    chance, out = random.Random(seed), bytearray(data)
    for _ in range(max(1, len(out) // 50)):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)
