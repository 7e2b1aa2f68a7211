"""What a command line in this process is run with, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HANDBOOK = {
    "welcome.md": "# Welcome\n\nBring your badge on the first day and ask for the blue door.\n",
    "people/leave.md": "# Parental leave\n\nEvery parent has sixteen weeks of paid leave.\n",
    "money/travel.md": "# Travel\n\nTrains are booked by the office; a taxi needs a receipt.\n",
}


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)


Cli = Callable[..., Ran]


def write(folder: Path, files: dict[str, str]) -> None:
    """Write texts into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
