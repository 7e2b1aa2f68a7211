"""What a shell offers after TAB where only the home knows it: the names of the knowledge bases."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any

import typer


def kb_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the home's kbs that begin so; none where there is no home, or it does not open."""
    with suppress(Exception):  # a shell that asks for words is told nothing else
        return [name for name in _names(ctx) if name.startswith(incomplete)]
    return []


KB: Any = typer.Option(
    "--kb", metavar="NAME", help="The knowledge base.", show_default=False, autocompletion=kb_names
)  # fmt: skip


def _names(ctx: typer.Context) -> list[str]:
    from .settings import Settings
    from .store.content import Content
    from .store.knowledge import Knowledge
    from .store.ports import SystemClock
    from .store.record import Record

    settings = Settings.load(_given(ctx, "home"), tenant=_given(ctx, "tenant"))
    with closing(Record(settings.home / "milepost.db", readonly=True)) as record:
        kbs = Knowledge(record, Content(record), settings.home / "vectors", SystemClock()).all(settings.tenant)
        return [kb.name for kb in kbs]


def _given(ctx: typer.Context, name: str) -> str | None:
    """An option's value, from the command or from what stands before it."""
    here: Any = ctx
    while here is not None:
        if value := here.params.get(name):
            return str(value)
        here = here.parent
    return None
