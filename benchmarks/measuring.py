"""What a benchmark's arm has used: CPU seconds, peak memory, disk. Linux only: it reads /proc."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_TICKS = 100
"""Clock ticks a second in /proc."""


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process and of its children, ended or not."""
    before = used_cpu_seconds()
    work()
    return used_cpu_seconds() - before


def cpu_and_wall(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds as `cpu_seconds` counts them, and seconds on the clock."""
    began = time.perf_counter()
    cpu = cpu_seconds(work)
    return cpu, time.perf_counter() - began


def own_peak_mb() -> float:
    """The most memory that this process ever held, in MB of 2^20 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_mb() -> float:
    """The peaks of this process and of its living children, added up; shared pages count in each."""
    return sum(_high_water(f"/proc/{who}/status") for who in ("self", *_children())) / 1024


def disk_mb(folder: Path) -> float:
    """What the files of a folder take on the disk, in MB of 10^6 bytes."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


def median_ms(work: Callable[[int], object], times: int = 15) -> float:
    """The median of so many calls, in milliseconds; each is told its number."""
    taken: list[float] = []
    for number in range(times):
        began = time.perf_counter()
        work(number)
        taken.append((time.perf_counter() - began) * 1_000)
    return statistics.median(taken)


def used_cpu_seconds() -> float:
    """CPU seconds of this process and of its children so far."""
    used = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        used += usage.ru_utime + usage.ru_stime
    for child in _children():
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        used += (int(fields[11]) + int(fields[12])) / _TICKS
    return used


def _children() -> Iterator[str]:
    for task in Path("/proc/self/task").glob("*/children"):
        yield from task.read_text().split()


def _high_water(status: str) -> int:
    """KB of 2^10 bytes, of one process since it began to run its program."""
    lines = Path(status).read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
