"""Serving assistants: whom the MCP server lets in, and which folder it takes files from."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastmcp import FastMCP
from pydantic import SecretStr

from .agents.toolbox import Toolbox
from .agents.workspace import AsyncMilepost
from .mcp_server import make_server
from .store.errors import NotFound, PolicyError, UsageError
from .store.places import is_folder


async def serve(
    workspace: AsyncMilepost,
    *,
    policy: Callable[[], dict[str, Any]],
    http: str | None,
    root: str | Path | None,
    token: SecretStr | None,
) -> None:
    """Serve until the client ends, over stdio, or at `http`, "HOST:PORT"; `policy` gives what `policy show` does.

    Over HTTP the `root` has to be named, and any address but the machine's own needs the bearer token.
    """
    address = _address(http) if http else None
    folder = _root(root, needed=http is not None)
    if address and token is None and not _own(address[0]):
        raise _open_door(address[0])
    await _serve(make_server(Toolbox(workspace, root=folder), policy=policy, token=token if address else None), address)


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
    host, colon, port = said.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"--http takes HOST:PORT, not {said!r}", next="milepost mcp --http 127.0.0.1:8700 --root DIR")
    return host.strip("[]") or "127.0.0.1", int(port)


def _own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _root(said: str | Path | None, *, needed: bool) -> Path:
    if said is None:
        if needed:
            raise UsageError("over HTTP the folder that files are taken from has to be named", add=["--root", "DIR"])
        return Path.cwd()
    folder = Path(said).expanduser()
    if not is_folder(folder):
        raise NotFound(f"there is no folder {str(said)!r}", state="nothing was started")
    return folder


def _open_door(host: str) -> Exception:
    return PolicyError(
        f"{host} can be reached from other machines, and there is no bearer token",
        cause="MILEPOST_MCP_TOKEN is not set",
        state="nothing was started",
        next="milepost mcp --http 127.0.0.1:8700 --root DIR",
    )
