"""The pictures of a report, each from numbers: paired dots, pass^k, calibration, cost, and where expectations fail."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from ..tools.page import Markup
from ..tools.svg import Scale, axes, bar, curve, dot, label, line, link, picture, spread
from .comparing import CaseDifference, Comparison
from .comparison_text import share, time
from .logs import HEADLINE, Trial
from .summary import ArmSummary, timed

WIDTH = 820
ROW = 15
CROWD = 80
"""So many journeys are shown without their bars."""
Place = Callable[[str], str]
"""Where a case is told on the page: its anchor, by its id."""


def colour(at: int) -> str:
    """An arm's colour, by its place."""
    return f"s{at % 6 + 1}"


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def paired_dots(one: Comparison, colours: Mapping[str, str], place: Place) -> Markup:
    """Cases that differ, a row each, the head's worst loss first; those that do not are a strip of squares below."""
    rows = sorted((case for case in one.by_case if case.difference), key=lambda case: (case.difference, case.id))
    even = [case for case in one.by_case if not case.difference]
    x = Scale(0, 1, 190, WIDTH - 30)
    top, floor = 46, 46 + ROW * max(len(rows), 1)
    marks: list[Markup] = [_legend(one, colours)]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        marks += [line(x(tick), top - 10, x(tick), floor, "grid"),
                  label(x(tick), floor + 14, percent(tick), class_="soft", anchor="middle")]  # fmt: skip
    marks += [_pair(case, one, x, top + ROW * at, colours, place) for at, case in enumerate(rows)]
    marks.append(label((x.start + x.end) / 2, floor + 32, "successful trials", class_="soft", anchor="middle"))
    height, strip = _even(even, floor + 52, place)
    about = f"{len(rows)} cases differ and {len(even)} do not; each mark leads to its case"
    return picture(WIDTH, height, marks, strip, title=f"{one.head} against {one.base}, case by case", about=about)


def _legend(one: Comparison, colours: Mapping[str, str]) -> Markup:
    marks: list[Markup] = []
    for at, arm in enumerate((one.base, one.head)):
        left = 190 + 300 * at
        marks += [dot(left, 14, _dot(at, colours[arm]), radius=5), label(left + 11, 18, _short(arm, 40))]
    return Markup("".join(marks))


def _dot(at: int, colour: str) -> str:
    return f"hollow {colour}" if at == 0 else colour


def _pair(
    case: CaseDifference, one: Comparison, x: Scale, y: float, colours: Mapping[str, str], place: Place
) -> Markup:
    tone = "good" if case.difference > 0 else "bad"
    says = f"{case.id} ({case.family}): {one.base} {percent(case.base)}, {one.head} {percent(case.head)}"
    return link(
        place(case.id),
        label(182, y + 4, _short(f"{case.id}  {case.family}", 28), class_="soft", anchor="end"),
        line(x(case.base), y, x(case.head), y, f"stroke {tone}"),
        dot(x(case.base), y, _dot(0, colours[one.base]), radius=4.5, says=says),
        dot(x(case.head), y, _dot(1, colours[one.head]), radius=4.5, says=says),
    )


def _even(cases: Sequence[CaseDifference], top: float, place: Place) -> tuple[float, Markup]:
    """A square for each case without a difference: full where both always succeed, empty where neither ever does."""
    if not cases:
        return top, Markup("")
    each, wide = 13, int((WIDTH - 220) // 13)
    ordered = sorted(cases, key=lambda case: (-case.base, case.id))
    marks = [label(182, top + 10, f"no difference: {len(cases)}", class_="soft", anchor="end")]
    for at, case in enumerate(ordered):
        x, y = 190 + each * (at % wide), top + each * (at // wide)
        says = f"{case.id} ({case.family}): both {percent(case.base)}"
        tone, faint = ("fill-good", 0.25 + 0.6 * case.base) if case.base else ("fill-bad", 0.55)
        marks.append(link(place(case.id), bar(x, y, each - 2, each - 2, tone, says=says, faint=faint)))
    rows = math.ceil(len(cases) / wide)
    under = label(190, top + each * rows + 12, "green: both succeed; red: neither does", class_="soft")
    return top + each * rows + 20, Markup("".join([*marks, under]))


def pass_curves(arms: Sequence[ArmSummary], colours: Mapping[str, str]) -> Markup | None:
    """pass^k by k; an arm without chance stays where it is. None where no arm was tried more than once."""
    most = max((len(arm.pass_hat) for arm in arms), default=0)
    if most < 2:
        return None
    x, y = Scale(1, most, 60, WIDTH - 230), Scale(0, 1, 240, 20)
    marks = [axes(x, y, "k: so many trials of a case, all successful", "pass^k", y_words=percent,
                  x_ticks=list(range(1, most + 1)))]  # fmt: skip
    ends: list[tuple[float, ArmSummary]] = []
    for arm in arms:
        values = arm.pass_hat if len(arm.pass_hat) > 1 else arm.pass_hat * most
        points = [(float(k), value) for k, value in enumerate(values, 1)]
        marks.append(curve(x, y, points, colours[arm.label]))
        marks += [dot(x(k), y(v), colours[arm.label], radius=3.5, says=f"{arm.label}: pass^{k:.0f} = {v:.3f}")
                  for k, v in points]  # fmt: skip
        ends.append((y(values[-1]), arm))
    marks += _named(ends, x.end + 12, colours)
    return picture(WIDTH, 290, marks, title="pass^k", about="The chance that k trials of a case all succeed, by k")


def _named(ends: Sequence[tuple[float, ArmSummary]], x: float, colours: Mapping[str, str]) -> list[Markup]:
    """Names at the ends of curves, pushed apart where they would cover one another."""
    marks: list[Markup] = []
    last = -math.inf
    for y, arm in sorted(ends, key=lambda end: end[0]):
        last = max(y, last + 16)
        marks += [dot(x + 4, last, colours[arm.label]), label(x + 13, last + 4, _short(arm.label, 28))]
    return marks


def calibration_plot(trials: Mapping[str, Sequence[Trial]], colours: Mapping[str, str]) -> Markup | None:
    """Estimated against actual seconds of every journey, with the stated p10 to p90; None where nothing was run."""
    known = {name: timed(of) for name, of in trials.items()}
    ends = [max(value, 1e-3) for of in known.values() for actual, told in of
            for value in (actual, told["p10"], told["p50"], told["p90"])]  # fmt: skip
    if not ends:
        return None
    low, high = 10 ** math.floor(math.log10(min(ends))), 10 ** math.ceil(math.log10(max(ends)) + 1e-9)
    x, y = Scale(low, high, 70, WIDTH - 230, log=True), Scale(low, high, 320, 20, log=True)
    marks = [axes(x, y, "estimated, p50 (bars: p10 to p90)", "actual", x_words=time, y_words=time),
             line(x(low), y(low), x(high), y(high), "rule")]  # fmt: skip
    shown = [name for name in known if known[name]]
    crowded = sum(map(len, known.values())) > CROWD
    for at, name in enumerate(shown):
        for actual, told in known[name]:
            says = f"{name}: estimated {time(told['p50'])}, took {time(actual)}"
            if not crowded:
                marks.append(spread(x, max(told["p10"], low), told["p90"], y(actual), f"{colours[name]} faint"))
            tone = f"{colours[name]} haze" if crowded else colours[name]
            marks.append(dot(x(told["p50"]), y(actual), tone, radius=3, says=says))
        marks += [dot(WIDTH - 210, 40 + 18 * at, colours[name]), label(WIDTH - 200, 44 + 18 * at, _short(name, 28))]
    return picture(WIDTH, 370, marks, title="Estimated against actual time", about="On the dotted line they are equal")


def cost_plot(arms: Sequence[ArmSummary], colours: Mapping[str, str]) -> Markup | None:
    """Success, with its interval, against the time of planning, p50 with a bar to p95."""
    found = [(arm, rate) for arm in arms if (rate := arm.rate(HEADLINE))]
    if not found:
        return None
    times = [max(value, 1e-4) for arm, _ in found for value in (arm.costs.seconds_p50, arm.costs.seconds_p95)]
    low, high = 10 ** math.floor(math.log10(min(times))), 10 ** math.ceil(math.log10(max(times)) + 1e-9)
    x, y = Scale(low, high, 60, WIDTH - 230, log=True), Scale(0, 1, 240, 20)
    marks = [axes(x, y, "time to plan (p50, bar to p95)", "task success", x_words=time, y_words=percent)]
    ends: list[tuple[float, ArmSummary]] = []
    for arm, rate in found:
        at, up = x(max(arm.costs.seconds_p50, low)), y(rate.mean)
        says = f"{arm.label}: {share(rate.mean)}, {time(arm.costs.seconds_p50)}, {arm.costs.tokens:.0f} tokens"
        if rate.interval:
            marks.append(spread(y, rate.interval.low, rate.interval.high, at, colours[arm.label], upright=True))
        marks += [line(at, up, x(max(arm.costs.seconds_p95, low)), up, f"stroke {colours[arm.label]}"),
                  dot(at, up, colours[arm.label], radius=5, says=says)]  # fmt: skip
        ends.append((up, arm))
    marks += _named(ends, x.end + 12, colours)
    return picture(WIDTH, 290, marks, title="Cost against success", about="Higher is better, further left is cheaper")


def heat_map(name: str, trials: Sequence[Trial], families: Mapping[str, str]) -> Markup | None:
    """How often each kind of expectation fails in each family, and acts that nobody asked for."""
    failed: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for trial in trials:
        family = families[trial.id]
        for check in trial.checks:
            failed[family, check.kind].append(not check.holds)
        failed[family, "unsafe act"].append(bool(trial.unsafe))
    kinds = list(dict.fromkeys(kind for _, kind in failed))
    if not kinds:
        return None
    kinds = [*(kind for kind in kinds if kind != "unsafe act"), "unsafe act"]
    rows = sorted({family for family, _ in failed}, key=lambda family: (-_worst(failed, family), family))
    wide, high, left, top = min(70.0, (WIDTH - 200) / len(kinds)), 18, 180, 30
    marks = [label(left + wide * (at + 0.5), 20, kind.replace("_", " "), class_="soft", anchor="middle")
             for at, kind in enumerate(kinds)]  # fmt: skip
    for row, family in enumerate(rows):
        y = top + high * row
        marks.append(label(left - 8, y + 13, _short(family, 26), anchor="end"))
        marks += [_cell(failed.get((family, kind)), left + wide * at, y, wide, high, f"{name}, {family}, {kind}")
                  for at, kind in enumerate(kinds)]  # fmt: skip
    height = top + high * len(rows) + 8
    return picture(WIDTH, height, marks, title=f"Where {name} fails", about="Families by kind of expectation")


def _worst(failed: Mapping[tuple[str, str], Sequence[bool]], family: str) -> float:
    every = [one for (of, _), values in failed.items() if of == family for one in values]
    return sum(every) / len(every)


def _cell(values: Sequence[bool] | None, x: float, y: float, wide: float, high: float, where: str) -> Markup:
    if values is None:
        return bar(x + 1, y + 1, wide - 2, high - 2, "back", says=f"{where}: nothing is expected")
    rate = sum(values) / len(values)
    says = f"{where}: {sum(values)} of {len(values)} fail"
    if not rate:
        return bar(x + 1, y + 1, wide - 2, high - 2, "fill-good", says=says, faint=0.13)
    shade = bar(x + 1, y + 1, wide - 2, high - 2, "fill-bad", says=says, faint=0.2 + 0.6 * rate)
    return Markup(shade + label(x + wide / 2, y + 13, f"{100 * rate:.0f}", anchor="middle"))


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
