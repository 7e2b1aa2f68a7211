"""The command that serves assistants: `mcp`, over stdio, or over HTTP on the machine itself."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from .desk import Desk
from .everywhere import command

PANEL = "Assistants"
app = typer.Typer()


@command(app, "mcp", panel=PANEL)
def mcp(
    desk: Desk,
    http: Annotated[str | None, typer.Option("--http", metavar="HOST:PORT", help="Serve HTTP, not stdio.")] = None,
    root: Annotated[
        str | None,
        typer.Option("--root", metavar="DIR", help="The folder of the files (the working one)."),
    ] = None,
) -> int:
    """Serve assistants over the Model Context Protocol.

    Over HTTP --root has to be given, and any address but the machine's own needs a bearer token, in MILEPOST_MCP_TOKEN.
    """
    from .mcp_serving import serve

    work = serve(
        desk.mp.workspace, policy=lambda: _policy(desk), http=http, root=root, token=desk.settings.mcp_token
    )  # fmt: skip
    asyncio.run(work)
    return 0


def _policy(desk: Desk) -> dict[str, Any]:
    from .store.policy_sources import guarantees

    resolved = desk.settings.resolved
    return {"policy": resolved.table(), "guarantees": guarantees(resolved.policy)}
