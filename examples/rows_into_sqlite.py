"""A journey that is no ingestion: rows into a table of a SQLite database, planned, run, and taken back.

python examples/rows_into_sqlite.py [FOLDER]
"""

from __future__ import annotations

import re
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from milepost import Milepost, Receipt, StepContext, Undo, journey_type, step

Target = dict[str, Any]


@step("make_table")
def make_table(ctx: StepContext, database: str, table: str, columns: list[str]) -> Receipt:
    """Make a table, unless it is there."""
    target = {"database": database, "table": table}
    prior = ctx.intend(target, columns_of(target))
    names = ", ".join(_name(column) for column in columns)
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(f"CREATE TABLE IF NOT EXISTS {_name(table)} ({names}, load_key TEXT)")
    return Receipt(target=target, prior=prior, post=columns_of(target))


@make_table.observes
def columns_of(target: Target) -> list[str] | None:
    """The table's columns; None where there is no table."""
    with closing(sqlite3.connect(target["database"])) as db:
        found = [row[1] for row in db.execute(f"PRAGMA table_info({_name(target['table'])})")]
    return found or None


@make_table.undoes
def drop_table(undo: Undo) -> None:
    """Drop the table, if it was this journey that made it."""
    if undo.prior_known and undo.prior is None:
        with closing(sqlite3.connect(undo.args["database"])) as db, db:
            db.execute(f"DROP TABLE IF EXISTS {_name(undo.args['table'])}")


@step("load_rows", returns=["rows"])
def load_rows(ctx: StepContext, database: str, table: str, rows: list[dict[str, Any]]) -> Receipt:
    """Insert rows, marked with the step's key: whatever a run that was cut off left is replaced, not doubled."""
    target = {"database": database, "table": table, "key": ctx.key}
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(f"DELETE FROM {_name(table)} WHERE load_key = ?", (ctx.key,))
        for row in rows:
            names = ", ".join(_name(column) for column in [*row, "load_key"])
            marks = ", ".join("?" * (len(row) + 1))
            db.execute(f"INSERT INTO {_name(table)} ({names}) VALUES ({marks})", (*row.values(), ctx.key))
    return Receipt(target=target, prior=None, post=rows_of(target))


@load_rows.observes
def rows_of(target: Target) -> dict[str, Any] | None:
    """The rows of one load; None where there are none."""
    with closing(sqlite3.connect(target["database"])) as db:
        db.row_factory = sqlite3.Row
        if columns_of(target) is None:
            return None
        found = db.execute(f"SELECT * FROM {_name(target['table'])} WHERE load_key = ?", (target["key"],)).fetchall()
    rows = [{name: row[name] for name in row.keys() if name != "load_key"} for row in found]  # noqa: SIM118 # a Row is no dict
    return {"rows": rows} if rows else None


@load_rows.undoes
def delete_rows(undo: Undo) -> None:
    """Delete the rows of this load, however many of them there are."""
    with closing(sqlite3.connect(undo.args["database"])) as db, db:
        if columns_of(dict(undo.args)) is not None:
            db.execute(f"DELETE FROM {_name(undo.args['table'])} WHERE load_key = ?", (undo.key,))


def _name(word: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*", word):
        raise ValueError(f"{word!r} cannot be the name of a table or column")
    return f'"{word}"'


table_load = journey_type("table_load", steps=[make_table, load_rows])


def main(folder: Path) -> None:
    """Load two rows, show them, and go back."""
    args = {
        "database": str(folder / "shop.db"),
        "table": "fruit",
        "columns": ["name", "price"],
        "rows": [{"name": "apple", "price": 3}, {"name": "plum", "price": 8}],
    }
    with Milepost(folder / "home", policy="rollback", journey_types=(table_load,)) as mp:
        plan = mp.plan([], journey_type="table_load", args=args)
        print(plan.render())
        journey = mp.apply(plan)
        print(f"{journey.status}: {counted(args['database'])}")
        undone = mp.undo(journey)
        print(f"{mp.status(journey).status}, {undone.verified}: {counted(args['database'])}")


def counted(database: Any) -> str:
    """What the database holds, in words."""
    with closing(sqlite3.connect(database)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = {name: db.execute(f"SELECT count(*) FROM {_name(name)}").fetchone()[0] for name in tables}
    return ", ".join(f"{count} rows in {name}" for name, count in counts.items()) or "no table"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
