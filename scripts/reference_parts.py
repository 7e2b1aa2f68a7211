"""What pages made from the code have in common: their first line, tables, and the texts under a class's fields."""

from __future__ import annotations

import ast
import inspect
import textwrap

MADE = "<!-- Made from the code by scripts/make_reference.py; `make reference` writes it anew. -->\n"


def table(*rows: tuple[str, ...]) -> list[str]:
    """A Markdown table; the first row is its head."""
    escaped = [tuple(cell.replace("\n", " ").replace("|", "\\|") for cell in row) for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in escaped]
    return [lines[0], f"|{'---|' * len(rows[0])}", *lines[1:], ""]


def fields_said(model: type) -> dict[str, str]:
    """The text under each field of a class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(tree, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(text.value.value).replace("\n", " ")
        for field, text in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }  # fmt: skip
