"""Law: whatever a file does to its parser, the parent lives, says what happened, and parses the next file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from milepost.store.policy import ChunkPolicy, LimitPolicy
from milepost.tools import parser_child
from milepost.tools.parse import Parsed, parse_bytes
from milepost.tools.sandbox import ParserPool

POLICY = ChunkPolicy()
LIMITS = LimitPolicy()

MISBEHAVIOURS = """
import json, os, resource, signal, sys, time
from milepost.tools import parse_worker
real = parse_worker.parse_path
def parse_path(path, name, **rest):
    if name == "hang":
        while True:
            pass
    if name == "sleep":
        time.sleep(600)
    if name == "grow":
        hoard = []
        while True:
            hoard.append(bytearray(b"x" * 10_000_000))
    if name == "balloon":
        bytearray(b"x") * 8_000_000_000
    if name == "limits":
        used = resource.getrusage(resource.RUSAGE_SELF)
        path.write_text(json.dumps([resource.getrlimit(resource.RLIMIT_CPU)[0], used.ru_utime + used.ru_stime]))
    if name == "stopped":
        os.kill(os.getpid(), signal.SIGXCPU)
    if name == "abort":
        os.abort()
    if name == "exit":
        os._exit(3)
    if name == "print":
        print("noise" * 1000, flush=True)
    if name == "garbage":
        os.write(5, b"\\0\\0\\0\\5hello")
        [os.write(n, b"\\0\\0\\0\\5hello") for n in range(3, 12) if os.path.exists(f"/proc/self/fd/{n}")]
    if name == "environment":
        path.write_text(repr(sorted(os.environ)))
    if name == "modules":
        path.write_text(repr(sorted(sys.modules)))
    return real(path, name, **rest)
parse_worker.parse_path = parse_path
parse_worker.main()
"""


@pytest.fixture
def pool() -> Iterator[ParserPool]:
    with ParserPool() as pool:
        yield pool


@pytest.fixture
def bad(monkeypatch: pytest.MonkeyPatch) -> Iterator[ParserPool]:
    """A pool whose children misbehave as the file's name tells them to."""
    real = subprocess.Popen

    def start(command: list[str], **rest: Any) -> subprocess.Popen[bytes]:
        return real([sys.executable, "-P", "-c", MISBEHAVIOURS], **rest)

    monkeypatch.setattr(parser_child.subprocess, "Popen", start)
    with ParserPool() as pool:
        yield pool


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "blob"
    path.write_bytes("Ärger,n\nübel,1\n".encode())
    return path


def parse(pool: ParserPool, path: Path, name: str, **limits: Any) -> Parsed:
    return pool.parse(path, name, chunk=POLICY, limits=LimitPolicy(**limits))


def lives(pool: ParserPool, path: Path) -> bool:
    return parse(pool, path, "x.csv").reason is None


def test_a_child_gives_what_parsing_here_gives(pool: ParserPool, file: Path) -> None:
    """Only the time it took may differ."""
    found = parse(pool, file, "x.csv")
    here = parse_bytes(file.read_bytes(), "x.csv", chunk=POLICY, limits=LIMITS)
    assert (found.media_type, found.chunks, found.warnings, found.parser) == (
        here.media_type, here.chunks, here.warnings, here.parser,
    )  # fmt: skip
    assert found.chunks[0].text == "Ärger | n\nübel | 1"


def test_rejections_come_through_as_they_are(pool: ParserPool, tmp_path: Path) -> None:
    """A file that is gone, or no text, is no crash."""
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    assert parse(pool, tmp_path / "gone", "x.txt").reason == "unreadable"
    assert parse(pool, tmp_path / "binary", "x.dat").reason == "unsupported_type"


def test_paths_and_names_may_be_odd(pool: ParserPool, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 in a path, anything in a name."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff \n"))
    path.write_bytes(b"hello")
    assert parse(pool, path, "n\u00e4me \ud800 \n\u202e.txt").chunks[0].text == "hello"


@pytest.mark.parametrize("name", ["hang", "sleep"])
def test_a_parser_that_takes_too_long_is_killed(bad: ParserPool, file: Path, name: str) -> None:
    """Near the limit, and the limit is named."""
    assert lives(bad, file)
    began = time.monotonic()
    found = parse(bad, file, name, parse_seconds=0.3)
    assert 0.3 <= time.monotonic() - began < 2
    assert found.reason == "too_slow" and "0.3 s" in (found.detail or "")
    assert lives(bad, file)


@pytest.mark.parametrize(("size", "seconds"), [(10, 10), (6_600_000, 21), (54_000_000, 100), (90_000_000, 100)])
def test_a_small_file_may_compute_for_less(bad: ParserPool, tmp_path: Path, size: int, seconds: int) -> None:
    """A tenth of the limit for a tiny one; the system stops a child that wants more, which is no crash."""
    path = tmp_path / "blob"
    path.write_bytes(b"a")
    os.truncate(path, size)
    parse(bad, path, "limits", parse_seconds=100.0)
    allowed, used = json.loads(path.read_text())
    assert 0 <= allowed - used - seconds <= 2  # whole seconds
    assert parse(bad, path, "stopped").reason == "too_slow"


def test_what_is_packed_may_compute_for_longer(bad: ParserPool, tmp_path: Path) -> None:
    """There is more in a PDF of a megabyte than in a text."""
    path = tmp_path / "blob"
    path.write_bytes(b"%PDF-1.7")
    os.truncate(path, 6_600_000)
    parse(bad, path, "limits", parse_seconds=100.0)
    allowed, used = json.loads(path.read_text())
    assert 0 <= allowed - used - 100 <= 2


def test_a_pipe_put_in_a_files_place_is_not_waited_for(pool: ParserPool, tmp_path: Path) -> None:
    """Nor read; whoever plans has looked before, and was told of a file."""
    os.mkfifo(tmp_path / "pipe")
    assert parse(pool, tmp_path / "pipe", "x.txt").reason == "not_regular"
    assert pool.unpack(tmp_path / "pipe", tmp_path, limits=LIMITS).reason == "not_regular"
    assert parse(pool, Path("/dev/zero"), "x.txt").reason == "not_regular"


@pytest.mark.parametrize("name", ["grow", "balloon"])
def test_a_parser_that_takes_too_much_memory_is_stopped(bad: ParserPool, file: Path, name: str) -> None:
    """Step by step, or all at once; the limit is named."""
    found = parse(bad, file, name, parse_memory_mb=150)
    assert found.reason == "too_large" and "memory" in (found.detail or "") and "150" in (found.detail or "")
    assert lives(bad, file)


@pytest.mark.parametrize("name", ["abort", "exit", "garbage"])
def test_a_parser_that_crashes_costs_only_its_file(bad: ParserPool, file: Path, name: str) -> None:
    """Also one that answers nonsense."""
    found = parse(bad, file, name)
    assert found.reason == "corrupt" and found.detail and found.chunks == []
    assert lives(bad, file)


def test_what_a_library_prints_is_no_answer(bad: ParserPool, file: Path) -> None:
    """Standard output belongs to the protocol."""
    assert parse(bad, file, "print").reason is None


def test_a_child_killed_while_it_waited_is_replaced(pool: ParserPool, file: Path) -> None:
    """Nobody notices."""
    assert lives(pool, file)
    child = pool._seats.queue[0]
    assert child is not None
    child.process.kill()
    child.process.wait()
    assert lives(pool, file)


def test_a_child_gets_no_secrets(bad: ParserPool, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what it needs to start."""
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "DB_PASSWORD",
        "ANY",
    ):
        monkeypatch.setenv(name, "secret")
    parse(bad, file, "environment")
    seen = file.read_text()
    assert "PATH" in seen
    assert not any(word in seen for word in ("OPENAI", "SECRET", "TOKEN", "PASSWORD", "ANY"))


def test_a_child_imports_little(bad: ParserPool, file: Path) -> None:
    """It is started often, and killed: nothing heavy before a format needs it."""
    parse(bad, file, "modules")
    seen = file.read_text()
    for heavy in ("chromadb", "langgraph", "pydantic", "numpy", "kreuzberg", "charset_normalizer"):
        assert f"'{heavy}'" not in seen


def test_threads_share_a_pool(file: Path, tmp_path: Path) -> None:
    """Each gets its own file's answer."""
    for number in range(12):
        (tmp_path / f"{number}").write_text(f"text number {number}")
    found: dict[int, str] = {}

    def work(number: int) -> None:
        for _ in range(5):
            found[number] = parse(pool, tmp_path / f"{number}", "x.txt").chunks[0].text

    with ParserPool(workers=2) as pool:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {number: f"text number {number}" for number in range(12)}


def test_closing_ends_the_children(file: Path) -> None:
    """Twice is once."""
    pool = ParserPool()
    assert lives(pool, file)
    child = pool._seats.queue[0]
    assert child is not None
    pool.close()
    pool.close()
    assert child.process.returncode is not None


@pytest.mark.parametrize("name", ["wait", "hang"])
def test_a_child_ends_with_its_parent(tmp_path: Path, file: Path, name: str) -> None:
    """However the parent ends, and whatever the child is doing."""
    told = tmp_path / "pid"
    script = f"""
import os, subprocess, sys, threading, time
from pathlib import Path
from milepost.store.policy import ChunkPolicy, LimitPolicy
from milepost.tools import parser_child, sandbox
real = subprocess.Popen
def start(command, **rest):
    child = real([sys.executable, "-P", "-c", {MISBEHAVIOURS!r}], **rest)
    Path({str(told)!r}).write_text(str(child.pid))
    return child
parser_child.subprocess.Popen = start
pool = sandbox.ParserPool()
path = Path({str(file)!r})
pool.parse(path, "x.csv", chunk=ChunkPolicy(), limits=LimitPolicy())
if {name!r} == "hang":
    rest = dict(chunk=ChunkPolicy(), limits=LimitPolicy())
    threading.Thread(target=pool.parse, args=(path, "hang"), kwargs=rest).start()
    time.sleep(0.3)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    pid = int(told.read_text())
    deadline = time.monotonic() + 10
    while _running(pid):
        assert time.monotonic() < deadline, "the child outlived its parent"
        threading.Event().wait(0.02)


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_answers_are_plain_json(pool: ParserPool, file: Path) -> None:
    """Nothing that a child sends can run code here."""
    found = parse(pool, file, "x.csv")
    told = [[each.text, each.heading, each.location] for each in found.chunks]
    assert told and json.loads(json.dumps(told, allow_nan=False)) == told
