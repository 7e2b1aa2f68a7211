"""Looking at an effect outside the record before it is undone: undone already, to be undone, or changed by others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..store.errors import MilepostError
from ..store.plan import Plan, canonical_json
from ..store.policy import Policy
from ..store.receipts import Receipt as Row
from ..store.records import Conflict
from ..store.secrets import told
from .limited import call
from .services import Services
from .user_steps import UserStep


class Verdict(Enum):
    UNDO = "undo"
    ALREADY = "already undone"
    CONFLICT = "changed since"
    IRREVERSIBLE = "irreversible"
    NOTHING_KNOWN = "failed, and cannot be undone"
    NO_HANDLER = "no handler"
    UNSEEN = "cannot be looked at"


@dataclass(frozen=True)
class Sight:
    """What was seen of one effect, and what follows from it; `why` where it is not simply undone."""

    row: Row
    verdict: Verdict
    why: str | None = None
    conflict: Conflict | None = None
    looked: bool = False
    """Whether the live state was seen; else nothing can be verified."""


class Looker:
    """Looks at the effects of one journey, as its own steps declare it."""

    def __init__(self, services: Services, journey_id: str, policy: Policy) -> None:
        self._services = services
        self._policy = policy
        self.journey = services.home.ledger.journey(journey_id, None)
        self.plan: Plan = services.home.plans.plan(self.journey.plan_id, self.journey.tenant)
        self._trouble = ""

    def step(self, action: str) -> UserStep[..., Any] | None:
        """The declaration of an action, where the journey's type can be found here."""
        try:
            return self._services.types.find(self.plan.journey_type).step(action)
        except MilepostError as unknown:
            self._trouble = unknown.message
            return None

    def sights(self, rows: Sequence[Row], coming: dict[str, Any] | None = None) -> list[Sight]:
        """What stands where, newest first; an older effect on one target is seen as it will be when its turn comes.

        `coming` has the states that undoing others leaves before, and gets those that undoing these does.
        """
        coming = {} if coming is None else coming
        found: list[Sight] = []
        for row in rows:
            sight = self.look(row, coming)
            found.append(sight)
            if sight.verdict is Verdict.UNDO and sight.looked:
                coming[_place(row)] = prior_of(row)
        return found

    def look(self, row: Row, coming: dict[str, Any] | None = None) -> Sight:
        """Look at one effect; `coming` holds states that will be there by then."""
        if row.handler is None:
            return _for_ever(row)
        step = self.step(row.action)
        version = (row.about or {}).get("version")
        if step is None or version not in step.undos:
            known = f"; there is version {max(step.undos)}" if step and step.undos else ""
            why = self._trouble or f"{row.handler} version {version} is not registered{known}"
            return Sight(row, Verdict.NO_HANDLER, why)
        target = target_of(row)
        if step.look is None or target is None:
            return Sight(row, Verdict.UNDO)
        if coming is not None and _place(row) in coming:
            live = coming[_place(row)]
        else:
            try:
                live = self.live(step, target)
            except Exception as failure:  # whatever looking raises, nobody knows what is there
                return Sight(row, Verdict.UNSEEN, f"cannot look at it: {told(failure)}")
        return self._compared(row, live)

    def live(self, step: UserStep[..., Any], target: Any) -> Any:
        """The state of a target now."""
        assert step.look is not None
        return call(step.look, target, seconds=self._policy.limits.undo_seconds)

    def _compared(self, row: Row, live: Any) -> Sight:
        prior, received = prior_of(row), row.state == "received"
        if not received:  # what it would have made of it is not known; where nothing moved there is nothing to undo
            already = "noted" in (row.about or {}) and same(live, prior)
            return Sight(row, Verdict.ALREADY if already else Verdict.UNDO, looked=True)
        if same(live, row.post) and (not same(live, prior) or not trusted(row)):
            return Sight(row, Verdict.UNDO, looked=True)
        if same(live, prior):
            return Sight(row, Verdict.ALREADY, looked=True)
        by = self._changed_by(row)
        conflict = Conflict(source=label(row), changed_by=by)
        return Sight(row, Verdict.CONFLICT, f"changed since, by {by}", conflict, looked=True)

    def _changed_by(self, row: Row) -> str:
        """The journey that did the same to this target last, or somebody whom nobody here knows."""
        later = self._services.home.ledger.later_effects(row, self.journey.tenant)
        return later or "somebody outside Milepost"


def target_of(row: Row) -> dict[str, Any] | None:
    """What an effect is about: by its receipt, or by what was written down before it."""
    if row.state == "received":
        return row.target
    noted = (row.about or {}).get("noted")
    return noted["target"] if noted else None


def prior_of(row: Row) -> Any:
    """What was there before, as far as it is known."""
    noted = (row.about or {}).get("noted")
    return noted["prior"] if noted else row.prior


def trusted(row: Row) -> bool:
    """Whether `prior` is from before the effect: a run after one that was cut off may have seen its own work."""
    about = row.about or {}
    return not about.get("again") or "noted" in about


def same(a: Any, b: Any) -> bool:
    """Equality as JSON has it, so that a tuple equals what was read back as a list."""
    try:
        return bool(json.loads(canonical_json(a)) == json.loads(canonical_json(b)))
    except (TypeError, ValueError):
        return False


def label(row: Row) -> str:
    """An effect in a few words."""
    about = canonical_json(target_of(row) or (row.about or {}).get("args") or {})
    return f"{row.step_id} {about}"[:200]


def _place(row: Row) -> str:
    return canonical_json([row.action, target_of(row)])


def _for_ever(row: Row) -> Sight:
    if row.state == "failed":
        return Sight(row, Verdict.NOTHING_KNOWN, "it failed, and has no undo; what it did before that is not known")
    return Sight(row, Verdict.IRREVERSIBLE, "it cannot be undone")
