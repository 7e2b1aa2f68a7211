"""The tables of `end_to_end.py`: the figures of every arm, and Milepost beside the better peer."""

from __future__ import annotations

Figures = dict[str, dict[str, float]]

COLUMNS = [
    ("chunks", "chunks", "{:.0f}"),
    ("files/s", "files_a_second", "{:.0f}"),
    ("first CPU", "first_cpu", "{:.2f}"),
    ("wall", "first_wall", "{:.2f}"),
    ("found CPU", "found_cpu", "{:.2f}"),
    ("wall", "found_wall", "{:.2f}"),
    ("again CPU", "again_cpu", "{:.3f}"),
    ("wall", "again_wall", "{:.3f}"),
    ("1 % CPU", "changed_cpu", "{:.3f}"),
    ("wall", "changed_wall", "{:.3f}"),
    ("peak MB", "peak_mb", "{:.0f}"),
    ("disk MB", "disk_mb", "{:.1f}"),
]
TARGETS = [
    ("found", "found", 2.0),
    ("first", "first", 2.0),
    ("unchanged", "again", 20.0),
    ("1 % changed", "changed", None),
]
"""What is to be reached, times the better peer."""
DISK = 1.4
"""Of raw Chroma's, at most."""


def report(name: str, arms: Figures) -> None:
    """Print both tables of one set of files."""
    number = next(iter(arms.values()))["files"]
    print(f"\n{name}: {number:.0f} files; CPU and wall in seconds")
    print(f"{'':18}" + "".join(f"{head:>11}" for head, _, _ in COLUMNS))
    for arm, found in arms.items():
        every = found | {"files_a_second": found["files"] / found["first_wall"]}
        cells = (form.format(every[key]) if key in every else "-" for _, key, form in COLUMNS)
        print(f"{arm:18}" + "".join(f"{cell:>11}" for cell in cells))
    for kind in ("same", "kept", "usual"):
        peers = [arm for arm in arms if arm.endswith(f" {kind}")]
        for arm in _ours(arms) if peers else []:
            _beside(arm, arms, peers, kind)
    if "raw" in arms:
        for arm in _ours(arms):
            ratio = arms[arm]["disk_mb"] / arms["raw"]["disk_mb"]
            print(f"{arm:18} disk {ratio:.2f} of raw Chroma's (at most {DISK}: {_met(ratio <= DISK)})")


def _ours(arms: Figures) -> list[str]:
    return [arm for arm in arms if arm.startswith("milepost")]


def _beside(arm: str, arms: Figures, peers: list[str], kind: str) -> None:
    parts: list[str] = []
    for title, key, wanted in TARGETS:
        cpu, wall = (
            min(arms[peer][f"{key}_{unit}"] for peer in peers) / arms[arm][f"{key}_{unit}"] for unit in ("cpu", "wall")
        )
        goal = "" if wanted is None else f" (at least {wanted:g}: {_met(cpu >= wanted)}, {_met(wall >= wanted)})"
        parts.append(f"{title} {cpu:.2f} CPU, {wall:.2f} wall{goal}")
    print(f"{arm:18} times the better peer, {kind}: {'; '.join(parts)}")


def _met(met: bool) -> str:
    return "reached" if met else "MISSED"
