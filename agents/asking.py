"""Asking a person outside a model's reach: what is asked, and how a surface asks it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Asked:
    """What a person is asked: to let a plan run, or a rollback."""

    action: Literal["apply_plan", "rollback_to_checkpoint"]
    args: dict[str, str]
    text: str
    approval_id: str


Confirm = Callable[[Asked], Awaitable[bool | None]]
"""Asks the person; None where that cannot be done here, and the approval waits by its id."""


async def by_id(_: Asked) -> bool | None:
    """Ask nobody: the approval waits for `milepost approve`."""
    return None
