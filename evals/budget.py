"""What a whole run may spend on models: what trials came to is counted, and what the next may need is held back."""

from __future__ import annotations

import math
from pathlib import Path

from ..store.errors import PolicyError, UsageError
from ..store.policy import Policy
from .logs import Trial


class Allowance:
    """Tokens and money of one run. As long as no trial's need is known, one asks at a time."""

    def __init__(self, max_tokens: int | None, max_cost: float | None, policy: Policy) -> None:
        if max_cost is not None and policy.ai.price_input is None and policy.ai.price_output is None:
            raise UsageError(
                "a run's cost is known only where prices are",
                cause="ai.price_input and ai.price_output say what a million tokens cost", state="nothing was run",
                next="milepost eval run --set ai.price_input=NUMBER --set ai.price_output=NUMBER",
            )  # fmt: skip
        self._limits = tuple(math.inf if limit is None else limit for limit in (max_tokens, max_cost))
        self._spent = [0.0, 0.0]
        self._most = [0.0, 0.0]

    def spent(self, *trials: Trial) -> None:
        """Count what trials came to."""
        for trial in trials:
            usage = trial.usage
            for at, amount in enumerate((usage.input_tokens + usage.output_tokens, usage.cost or 0.0)):
                self._spent[at] += amount
                self._most[at] = max(self._most[at], amount)

    def has_room(self, running: int) -> bool:
        """Whether one more trial may ask a model beside `running` others: each may need as much as any so far."""
        if all(math.isinf(limit) for limit in self._limits):
            return True
        if running and not any(self._most):
            return False
        return all(
            spent + most * (running + 1) <= limit and spent < limit
            for spent, most, limit in zip(self._spent, self._most, self._limits, strict=True)
        )

    def over(self, left: int, log: Path) -> PolicyError:
        """The error for trials that were not run because the budget has no room for them."""
        tokens, cost = self._spent
        money = f" and {cost:g} of money" if cost else ""
        return PolicyError(
            f"the run's budget has no room for the {left} trials that are left",
            cause=f"{tokens:.0f} tokens{money} are used, and one trial took up to {self._most[0]:.0f} tokens",
            state=f'what was run is in "{log}"; the same command with a larger budget goes on',
            next="milepost eval run --max-tokens NUMBER",
        )
