"""The command that serves assistants: `mcp`, over stdio, or over HTTP on the machine itself."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .desk import Desk
from .everywhere import command
from .store.places import is_folder

if TYPE_CHECKING:
    from fastmcp import FastMCP

PANEL = "Assistants"
app = typer.Typer()


@command(app, "mcp", panel=PANEL)
def serve(
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
    from .agents.toolbox import Toolbox
    from .mcp_server import make_server

    address = _address(http) if http else None
    folder = _root(root, needed=http is not None)
    token = desk.settings.mcp_token
    if address and token is None and not _own(address[0]):
        raise _open_door(address[0])
    box = Toolbox(desk.mp.workspace, root=folder)
    server = make_server(box, policy=lambda: _policy(desk), token=token if address else None)
    asyncio.run(_serve(server, address))
    return 0


def _policy(desk: Desk) -> dict[str, Any]:
    from .store.policy_sources import guarantees

    resolved = desk.settings.resolved
    return {"policy": resolved.table(), "guarantees": guarantees(resolved.policy)}


async def _serve(server: FastMCP[Any], address: tuple[str, int] | None) -> None:
    logging.getLogger("fastmcp").setLevel(logging.CRITICAL)  # what goes wrong is an answer, not a line on stderr
    if address is None:
        try:
            await server.run_stdio_async(show_banner=False, log_level="critical")
        except ExceptionGroup as trouble:  # the client ended without a word: nobody is left to tell
            gone, other = trouble.split(BrokenPipeError)
            raise BrokenPipeError if gone and not other else trouble from None
    else:
        host, port = address
        await server.run_http_async(show_banner=False, host=host, port=port, log_level="critical")


def _address(said: str) -> tuple[str, int]:
    from .store.errors import UsageError

    host, colon, port = said.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"--http takes HOST:PORT, not {said!r}", next="milepost mcp --http 127.0.0.1:8700 --root DIR")
    return host.strip("[]") or "127.0.0.1", int(port)


def _own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _root(said: str | None, *, needed: bool) -> Path:
    from .store.errors import NotFound, UsageError

    if said is None:
        if needed:
            raise UsageError("over HTTP the folder that files are taken from has to be named", add=["--root", "DIR"])
        return Path.cwd()
    folder = Path(said).expanduser()
    if not is_folder(folder):
        raise NotFound(f"there is no folder {said!r}", state="nothing was started")
    return folder


def _open_door(host: str) -> Exception:
    from .store.errors import PolicyError

    return PolicyError(
        f"{host} can be reached from other machines, and there is no bearer token",
        cause="MILEPOST_MCP_TOKEN is not set",
        state="nothing was started",
        next="milepost mcp --http 127.0.0.1:8700 --root DIR",
    )
