"""A gate for CI: `task_success worse by 0.05` fails unless the run shows that it is not so.

Non-inferiority by the interval's bound: the gate holds where even the unfavourable end of the interval is not worse
by more than that. A run that cannot tell (one case, one family) does not pass. Where no case differs it passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..store.errors import UsageError
from ..store.policy import did_you_mean
from ..store.records import Record
from .comparing import COSTS, Comparison, Difference

FORM = '"SCORE worse by NUMBER", as in "task_success worse by 0.05"'
_RULE = re.compile(r"\s*(?P<score>[\w.-]+)\s+worse(?:\s+by\s+(?P<by>\d*\.?\d+)\s*(?P<percent>%?))?\s*")


class Rule(Record):
    """A score may not get worse by more than `by`, in its own unit."""

    text: str
    score: str
    by: float


class Gate(Record):
    """A rule applied to a comparison: `worst` is how much worse it may be by the interval (null: cannot tell)."""

    rule: str
    base: str
    head: str
    holds: bool
    worst: float | None
    why: str


def rule_of(text: str) -> Rule:
    """Read a rule; `UsageError` for what is none."""
    found = _RULE.fullmatch(text)
    if not found:
        raise UsageError(f'--fail-if "{text[:80]}" is no rule', cause=f"it is {FORM}, or 5%")
    by = float(found["by"] or 0) / (100 if found["percent"] else 1)
    return Rule(text=" ".join(text.split()), score=found["score"], by=by)


def gates(rules: Iterable[Rule], comparisons: Iterable[Comparison]) -> list[Gate]:
    """Every rule on every comparison; `UsageError` for a score that is in none."""
    listed = list(comparisons)
    return [_gate(rule, one) for rule in rules for one in listed]


def _gate(rule: Rule, comparison: Comparison) -> Gate:
    found = comparison.score(rule.score)
    if found is None:
        known = [one.score for one in (comparison.headline, *comparison.others)] + [*COSTS]
        raise UsageError(
            f'there is no score "{rule.score[:80]}"{did_you_mean(rule.score, known)}',
            cause=f"both logs have {', '.join(known)}",
        )
    worst = worst_case(found)
    holds = worst is not None and worst <= rule.by + 1e-9
    if worst is None:
        why = f"{found.cases} case(s) cannot show it: {found.why}"
    elif holds:
        why = f"at worst {_figure(worst)} worse" if worst > 0 else "not worse at all, by the interval"
    else:
        seen = _loss(found, found.difference)
        why = f"it may be worse by {_figure(worst)}; seen: {_figure(abs(seen))} {'worse' if seen > 0 else 'better'}"
    return Gate(rule=rule.text, base=comparison.base, head=comparison.head, holds=holds, worst=worst, why=why)


def worst_case(found: Difference) -> float | None:
    """How much worse the head may be by the unfavourable end of the interval; negative where it is better for sure."""
    if found.interval is None:
        return None
    return max(_loss(found, found.interval.low), _loss(found, found.interval.high))


def _loss(found: Difference, difference: float) -> float:
    return difference if found.lower_is_better else -difference + 0.0


def _figure(value: float) -> str:
    return f"{value:.3g}"
