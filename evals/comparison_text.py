"""A comparison as text: for a terminal, and as Markdown for a pull request or a page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..store.words import clean, count, duration
from .comparing import Comparison, Difference, Evidence
from .gate import Gate
from .logs import HEADLINE
from .summary import ArmSummary, Bounds, Rate

ROWS = 10
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def sentence(one: Comparison) -> str:
    """The verdict, said whole; it begins with a word of the arms' or the verdict's own."""
    words = {
        "better": f"{one.head} is better than {one.base}",
        "worse": f"{one.head} is worse than {one.base}",
        "cannot tell": f"cannot tell {one.head} from {one.base}",
    }
    said = words.get(one.verdict, f"{one.verdict} between {one.base} and {one.head}")
    return clean(f"{said} in {HEADLINE.replace('_', ' ')}: {one.why}", 600)


def share(value: float) -> str:
    """A share in percent."""
    return f"{100 * value:.0f} %" if value in (0.0, 1.0) else f"{100 * value:.1f} %"


def number(score: str, value: float) -> str:
    """A score or cost as people read it."""
    if score == "seconds":
        return time(value)
    return f"{value:.0f}" if score == "tokens" and value >= 10 else f"{value:.3g}"


def time(seconds: float) -> str:
    """A time, below a second in milliseconds."""
    return f"{1000 * seconds:.3g} ms" if seconds < 0.9995 else duration(seconds)


def signed(score: str, value: float) -> str:
    """A difference, with its sign."""
    return "0" if value == 0 else f"{'+' if value > 0 else '-'}{number(score, abs(value))}"


def bounds(score: str, interval: Bounds | None) -> str:
    """An interval of a difference; a dash where there is none."""
    return f"{signed(score, interval.low)} to {signed(score, interval.high)}" if interval else "-"


def rate_bounds(rate: Rate) -> str:
    """An interval of a rate."""
    return f"{rate.interval.low:.2f} to {rate.interval.high:.2f}" if rate.interval else "-"


def chance(p: float | None) -> str:
    """A p value."""
    return "-" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def difference_rows(one: Comparison) -> list[tuple[str, ...]]:
    """The headline, then the other scores, and the costs that either arm has, a row each."""
    costs = [found for found in one.costs if found.base or found.head]
    return [_row(found) for found in (one.headline, *one.others, *costs)]


HEADS = ("score", "base", "head", "difference", "interval", "p", "wins/losses/ties", "verdict")


def _row(found: Difference) -> tuple[str, ...]:
    p = found.flip_p if found.holm_p is None else found.holm_p
    return (
        found.score, number(found.score, found.base), number(found.score, found.head),
        signed(found.score, found.difference), bounds(found.score, found.interval), chance(p),
        f"{found.wins}/{found.losses}/{found.ties}", found.verdict,
    )  # fmt: skip


def tests(one: Comparison) -> list[str]:
    """The headline's tests, a sentence each."""
    found = one.headline
    level = f"{one.level:.0%}".replace("%", " %")
    least = share(min(found.least, 1.0)).removesuffix(" %") if found.least is not None else None
    return [
        f"{level} intervals; bootstrap over families {bounds(HEADLINE, found.interval)},"
        f" paired t {bounds(HEADLINE, found.t_interval)} (p {chance(found.t_p)})",
        f"exact tests: McNemar on each case's majority p {chance(found.exact_p)}, randomisation over families p"
        f" {chance(found.flip_p)}",
        f"the smallest difference this run could have seen (80 % power): {least} points" if least else
        "one family of cases: no difference could have been seen",
    ]  # fmt: skip


def losing(one: Comparison) -> list[str]:
    """Where each arm loses, by family, worst first."""
    told: list[str] = []
    for arm in (one.head, one.base):
        rows = sorted((row for row in one.by_family if row.loses == arm), key=lambda row: -abs(row.difference))
        names = [f"{row.family} ({100 * abs(row.difference):.0f} points)" for row in rows[:ROWS]]
        more = [f"and {len(rows) - ROWS} more"] if len(rows) > ROWS else []
        where = f": {', '.join([*names, *more])}" if rows else ""
        told.append(clean(f"{arm} loses in {len(rows)} {'family' if len(rows) == 1 else 'families'}{where}", 900))
    return told


ARM_HEADS = ("arm", "trials", "task success", "interval", "pass^k", "delivery", "unsafe acts", "p50", "p95", "tokens")


def arm_row(arm: ArmSummary) -> tuple[str, ...]:
    """An arm's headline, what it risks and what it costs."""
    success, delivery = arm.rate(HEADLINE), arm.rate("delivery")
    return (
        arm.label, str(arm.trials), share(success.mean) if success else "-", rate_bounds(success) if success else "-",
        f"{arm.pass_hat[-1]:.2f} (k = {len(arm.pass_hat)})" if arm.pass_hat else "-",
        share(delivery.mean) if delivery else "-", number("", arm.means.get("unsafe_acts", 0.0)),
        time(arm.costs.seconds_p50), time(arm.costs.seconds_p95), number("tokens", arm.costs.tokens),
    )  # fmt: skip


def facts(arm: ArmSummary) -> list[str]:
    """What else there is to say about an arm: bounds, constraints, estimates, where its plans come from."""
    told = [f"{rate.score.replace('_', ' ')}: {rate.bound}" for rate in arm.rates if rate.bound and rate.score in TOLD]
    if arm.constraint_micro is not None and (macro := arm.rate("constraint_pass")):
        told.append(f"expectations that held: {share(arm.constraint_micro)} of all, {share(macro.mean)} a case")
    if arm.origins.get("fallback"):
        told.append(f"the template stood in for the model in {arm.origins['fallback']} of {count(arm.trials, 'trial')}")
    if arm.calibration:
        found = arm.calibration
        told.append(
            f"estimates of {count(found.journeys, 'journey')}: median of ln(actual / estimated) {found.median:+.2f},"
            f" MAD {found.mad:.2f}; {share(found.coverage)} within the stated p10 to p90"
        )
    if arm.costs.cost is not None:
        told.append(f"cost of all its plans: {arm.costs.cost:.4g}")
    return told


TOLD = (HEADLINE, "delivery", "valid", "rollback_success", "execution_success", "injection_success")
"""All-or-nothing rates that are worth a sentence."""


def markdown(found: Evidence, gates: Sequence[Gate] = ()) -> str:
    """The whole evidence as Markdown."""
    lines: list[str] = []
    for one in found.comparisons:
        lines += [f"### {escaped(one.head)} against {escaped(one.base)}", "", f"**{escaped(sentence(one))}.**", ""]
        lines += [*table(HEADS, difference_rows(one)), ""]
        lines += [f"- {escaped(text)}" for text in (*tests(one), *losing(one), *one.notes)]
        lines.append("")
    lines += ["### The arms", "", *table(ARM_HEADS, [arm_row(arm) for arm in found.arms]), ""]
    lines += [f"- {escaped(arm.label)}: {escaped(text)}" for arm in found.arms for text in facts(arm)]
    if gates:
        rows = [(gate.rule, "holds" if gate.holds else "FAILS", gate.why) for gate in gates]
        lines += ["", "### Gates", "", *table(("fails if", "", "why"), rows)]
    return "\n".join(lines).rstrip() + "\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in lines]


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, in one line: it makes no table, link, emphasis or element."""
    return _SPECIAL.sub(r"\\\1", clean(text, 900))
