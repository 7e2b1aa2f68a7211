"""Blocks of JSON, JSON lines and notebooks.

Records as rows of `key: value` lines, the rest as lines with paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .document import Block, Document, Refused
from .parse_html import markup_blocks
from .parse_text import markdown, plain

_LINES = 20
"""Lines of loose values kept together in one block."""


def as_written(text: str) -> Any:
    """The value of JSON text, its numbers as they are written: 1.50 stays that, and none is too long."""
    return json.loads(text, parse_int=str, parse_float=str)


def json_blocks(document: Document) -> Iterator[Block]:
    """Records of arrays each a block; other values as `path: value` lines.

    What is no JSON is read as text.
    """
    text = document.text
    try:
        value = as_written(text)
    except ValueError as error:
        document.warn(f"not valid JSON ({error}): read as text")
        yield from plain(text)
        return
    yield from _value(value, "", _Rows(document))


def json_lines_blocks(document: Document) -> Iterator[Block]:
    """One record a line; a line that is no JSON is kept as it stands."""
    rows, bad, start = _Rows(document), 0, 0
    for number, line in enumerate(document.text.split("\n"), 1):
        if line.strip():
            try:
                text = _record(as_written(line))
            except (ValueError, RecursionError):
                text, bad = line, bad + 1
            rows.count(1)
            yield Block(text, row=number, start=start, end=start + len(line))
        start += len(line) + 1
    if bad:
        document.warn(f"{bad} line{'s are' if bad > 1 else ' is'} not valid JSON: read as text")


def notebook_blocks(document: Document) -> Iterator[Block]:
    """Cells of a Jupyter notebook with the text of their outputs."""
    try:
        notebook = as_written(document.text)
    except (ValueError, RecursionError):
        notebook = None
    if not isinstance(notebook, dict):  # cut off, or something else: what is in it is still text
        yield from json_blocks(document)
        return
    for cell in _cells(notebook):
        source = _joined(cell.get("source"))
        if cell.get("cell_type") == "markdown":
            for block in markdown(source):
                block.start = block.end = None
                yield block
        elif source.strip():
            yield Block(source.strip("\n"), "code")
        for output in cell.get("outputs") or []:
            yield from _output(output, document)


def _cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The cells; before version 4 they stood in worksheets, with their source under `input`."""
    sheets = [sheet for sheet in notebook.get("worksheets") or [] if isinstance(sheet, dict)]
    for holder in (notebook, *sheets):
        for cell in holder.get("cells") or []:
            if isinstance(cell, dict):
                yield cell if "source" in cell else {**cell, "source": cell.get("input")}


def _output(output: dict[str, Any], document: Document) -> Iterator[Block]:
    data = output.get("data") or {}
    html = _joined(data.get("text/html"))
    if "<table" in html:  # a data frame: its rows with their header, where plain text has columns only
        yield from markup_blocks(html, document, titled=False)
        return
    failed = ": ".join(filter(None, (_joined(output.get("ename")), _joined(output.get("evalue")))))
    text = _joined(output.get("text") or data.get("text/plain")) or failed
    if text.strip():
        yield Block(text.strip("\n"), "code")
    elif html or "text/markdown" in data:
        yield from markup_blocks(html or _joined(data["text/markdown"]), document, titled=False)


def _joined(lines: Any) -> str:
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines or "")


class _Rows:
    """Counts records against the limit."""

    def __init__(self, document: Document) -> None:
        self.left = document.limits.rows
        self.document = document

    def count(self, records: int) -> None:
        self.left -= records
        if self.left < 0:
            raise Refused(
                "too_large",
                f"more than {self.document.limits.rows} records; raise limits.rows or split the file",
            )


def _value(value: Any, path: str, rows: _Rows) -> Iterator[Block]:
    if isinstance(value, list) and value and all(isinstance(item, dict | list) for item in value):
        yield from _records(value, path, rows)
    elif isinstance(value, dict) and any(_is_records(item) for item in value.values()):
        yield from _mixed(value, path, rows)
    else:
        yield from _loose(list(_leaves(value, path)))


def _is_records(value: Any) -> bool:
    """A list of records, or an object that holds one or is large itself."""
    if isinstance(value, list):
        return len(value) > 1 and all(isinstance(item, dict | list) for item in value)
    return isinstance(value, dict) and (len(value) > 3 or any(map(_is_records, value.values())))


def _mixed(value: dict[str, Any], path: str, rows: _Rows) -> Iterator[Block]:
    """An object with parts of their own: its plain values first, then each part under its path as heading."""
    parts = {key: item for key, item in value.items() if _is_records(item)}
    rest = {key: item for key, item in value.items() if key not in parts}
    yield from _loose(list(_leaves(rest, path)))
    for key, item in parts.items():
        inner = f"{path}.{key}" if path else key
        yield Block(inner, "heading", level=inner.count(".") + 1)
        yield from _value(item, "" if isinstance(item, list) else inner, rows)


def _records(records: list[Any], path: str, rows: _Rows) -> Iterator[Block]:
    rows.count(len(records))
    for number, record in enumerate(records, 1):
        text = _record(record)
        if text:
            yield Block(text, row=number)


def _record(record: Any) -> str:
    if isinstance(record, list) and not any(isinstance(item, dict | list) for item in record):
        return " | ".join(map(_scalar, record))
    return "\n".join(_leaves(record, ""))


def _loose(lines: list[str]) -> Iterator[Block]:
    for index in range(0, len(lines), _LINES):
        yield Block("\n".join(lines[index : index + _LINES]))


def _leaves(value: Any, path: str) -> Iterator[str]:
    """`path: value` for every value inside; a list of plain values is one line."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{number}]")
    else:
        text = ", ".join(map(_scalar, value)) if isinstance(value, list) else _scalar(value)
        if text:
            yield f"{path}: {text}" if path else text


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
