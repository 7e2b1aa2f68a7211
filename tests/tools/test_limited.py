"""Law: a function of somebody else's is waited for as long as it may take, and no longer, whatever it does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from milepost.tools.limited import GaveUp, TookTooLong, call


def test_what_it_returns_and_raises_is_the_callers() -> None:
    """Sync or async; what ends a process elsewhere is only a failure here."""

    async def later(word: str) -> str:
        await asyncio.sleep(0)
        return word

    assert call(lambda: "now") == "now" and call(later, "later") == "later"
    with pytest.raises(ZeroDivisionError):
        call(lambda: 1 / 0)
    with pytest.raises(TimeoutError, match="its own"):
        call(_raises, TimeoutError("its own"), seconds=60)
    with pytest.raises(RuntimeError, match="SystemExit"):
        call(sys.exit, 3)


def _raises(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("kind", ["sync", "async", "stubborn"])
def test_after_its_time_the_caller_goes_on(kind: str) -> None:
    """Also from a coroutine that will not be cancelled."""
    never = threading.Event()

    async def waits() -> None:
        await asyncio.sleep(3600)

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                never.wait()

    function = {"sync": never.wait, "async": waits, "stubborn": stubborn}[kind]
    began = time.monotonic()
    with pytest.raises(TookTooLong, match=r"took longer than 0\.2 s"):
        call(function, seconds=0.2)
    assert time.monotonic() - began < 60
    never.set()


def test_a_person_who_asks_to_stop_waits_no_longer_than_that() -> None:
    """What runs is given a moment, and then left."""
    never = threading.Event()
    with pytest.raises(GaveUp):
        call(never.wait, stopping=lambda: True, patience=0.1)
    never.set()
    assert call(lambda: "at once", stopping=lambda: True, patience=30.0) == "at once"


def test_what_hangs_does_not_keep_the_process_alive() -> None:
    """A program whose step hangs comes to its end all the same."""
    program = (
        "import threading\n"
        "from milepost.tools.limited import TookTooLong, call\n"
        "try: call(threading.Event().wait, seconds=0.1)\n"
        "except TookTooLong: print('went on')\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "went on"
