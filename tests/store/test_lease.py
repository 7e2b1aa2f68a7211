"""Law: one process at a time publishes, the others learn who it is, and a dead one stands in nobody's way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from milepost.store.errors import StoreBusy
from milepost.store.lease import Lease
from milepost.store.ports import SystemClock
from milepost.store.record import Record

HOLDER = """
import sys
from pathlib import Path
from milepost.store.lease import Lease
from milepost.store.ports import SystemClock
from milepost.store.record import Record
home = Path(sys.argv[1])
lease = Lease(home / "lease.lock", Record(home / "milepost.db"), SystemClock())
with lease.hold("journey_of_the_other", wait=30):
    print("held", flush=True)
    sys.stdin.readline()
print("left", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def lease(tmp_path: Path) -> Iterator[Lease]:
    record = Record(tmp_path / "milepost.db")
    yield Lease(tmp_path / "lease.lock", record, SystemClock())
    record.close()


@contextmanager
def other_process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lease until it is sent a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_the_second_process_is_told_who_holds_it(lease: Lease, tmp_path: Path) -> None:
    """The message says "held by" with process and journey, what it waited, and that nothing was changed."""
    with other_process(tmp_path) as other:
        assert not lease.free()
        with pytest.raises(StoreBusy) as refused, lease.hold("journey_mine", wait=0.1):
            pass
        error = refused.value
        assert f"held by process {other.pid}" in error.cause
        assert "journey_of_the_other" in error.cause
        assert "nothing was changed" in error.state
        holder = error.facts["holder"]
        assert (holder["pid"], holder["journey_id"], holder["stopped"]) == (other.pid, "journey_of_the_other", False)


def test_a_second_process_that_waits_gets_it(lease: Lease, tmp_path: Path) -> None:
    """Waiting ends when the holder leaves, though its process lives on: a lease is not for a process's life."""
    with other_process(tmp_path) as other:
        assert other.stdin and other.stdout
        other.stdin.write("\n")
        other.stdin.flush()
        with lease.hold("journey_mine", wait=30) as taken:
            assert taken
            assert (lease.holder()["pid"], lease.holder()["journey_id"]) == (os.getpid(), "journey_mine")
            assert other.stdout.readline() == "left\n"
            assert other.poll() is None
    assert lease.holder()["pid"] is None


def test_a_killed_process_frees_it_at_once(lease: Lease, tmp_path: Path) -> None:
    """The system does it: no time-out has to pass, and the next epoch is another one."""
    with other_process(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait(30)
        assert lease.holder()["pid"] == other.pid, "its name stays until somebody else comes"
        before = epoch(lease)
        with lease.hold("journey_mine", wait=0):
            assert lease.epoch == epoch(lease) == before + 1


def test_a_stopped_process_keeps_it_and_is_named_as_stopped(lease: Lease, tmp_path: Path) -> None:
    """SIGSTOP is no death: the lock stays, the waiter is told; killed, the lock is free."""
    with other_process(tmp_path) as other:
        other.send_signal(signal.SIGSTOP)
        os.waitpid(other.pid, os.WUNTRACED)
        with pytest.raises(StoreBusy, match="busy") as refused, lease.hold(None, wait=0):
            pass
        assert "stopped" in refused.value.cause
        assert refused.value.facts["holder"]["stopped"]
        other.kill()
        with lease.hold(None, wait=30):
            pass


def test_nested_holding_is_one(lease: Lease) -> None:
    """A thread that holds it may ask again; only the outermost end lets go, also after an inner failure."""
    with lease.hold("outer") as taken:
        assert taken and lease.held
        with lease.hold("inner", wait=0) as again:
            assert not again
        with pytest.raises(ValueError, match="inner"), lease.hold("inner"):
            raise ValueError("inner")
        assert lease.held and not lease.free()
        assert lease.holder()["journey_id"] == "outer"
    assert lease.free() and not lease.held


def test_it_is_let_go_when_its_work_fails(lease: Lease) -> None:
    """An exception ends the holding; the next one takes it without waiting."""
    with pytest.raises(ValueError, match="work"), lease.hold("journey"):
        raise ValueError("work")
    assert lease.free()
    with lease.hold(None, wait=0) as taken:
        assert taken


def test_another_thread_waits_its_turn(lease: Lease) -> None:
    """Within one process, too, one at a time: what two threads do under it never mixes."""
    order: list[str] = []

    def work(name: str) -> None:
        with lease.hold(name, wait=60):
            assert lease.held
            order.extend([f"{name} in", f"{name} out"])

    with lease.hold("main"):
        threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
        for thread in threads:
            thread.start()
        order.append("main out")
    for thread in threads:
        thread.join(30)
    assert order[0] == "main out"
    assert sorted(order[1::2]) == ["a in", "b in"]
    assert [one.removesuffix(" in") for one in order[1::2]] == [one.removesuffix(" out") for one in order[2::2]]


def test_anybody_may_write_short_rows_meanwhile(lease: Lease, tmp_path: Path) -> None:
    """The lease is for publishing and Chroma; plans, approvals and cancellations do not wait for it."""
    record = Record(tmp_path / "milepost.db")
    with other_process(tmp_path), record.write() as writing:
        writing.execute("INSERT INTO facts (key, value) VALUES ('a', 'b')")
    with record.read() as reading:
        assert reading.execute("SELECT value FROM facts WHERE key = 'a'").fetchone()[0] == "b"
    record.close()


def test_each_taking_has_a_number(lease: Lease) -> None:
    """Numbers go up by one: whoever finds a gap knows that somebody else had it in between."""
    seen = []
    for _ in range(3):
        with lease.hold(None):
            seen.append(lease.epoch)
            with lease.hold(None):
                assert lease.epoch == seen[-1]
    assert seen == [seen[0], seen[0] + 1, seen[0] + 2]


def test_a_child_process_does_not_inherit_it(lease: Lease) -> None:
    """A parser that outlives its parent would else keep the store: the lock's file is closed on exec."""
    pipe, code = subprocess.PIPE, "print('here', flush=True); input()"
    with lease.hold(None):
        child = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, close_fds=False)
    with child:
        assert child.stdout and child.stdout.readline() == b"here\n"  # now it has got over its exec
        assert lease.free()
        child.communicate(b"\n", timeout=30)


def epoch(lease: Lease) -> int:
    with lease._record.read() as reading:
        return int(reading.execute("SELECT epoch FROM holder").fetchone()[0])
