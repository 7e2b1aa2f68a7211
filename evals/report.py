"""`eval report`: one self-contained page of what one run or two say, with both arms' plans of every case."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..store.words import count
from ..tools.page import Markup, badge, bdi, element, figure, listing, markup, page, section, table, tiles, wash
from .case_panels import panel
from .comparing import Comparison, Evidence, evidence_of
from .comparison_text import (
    ARM_HEADS,
    HEADS,
    arm_row,
    difference_rows,
    facts,
    losing,
    rate_bounds,
    sentence,
    share,
    signed,
    tests,
)
from .logs import HEADLINE, Log, Trial
from .plots import calibration_plot, colour, cost_plot, heat_map, paired_dots, pass_curves
from .sides import Side

TONES = {"better": "good", "worse": "bad", "cannot tell": "warn"}
METHOD = (
    "Success is all of a case's expectations together. Rates of one trial a case have Wilson's interval, on as many"
    " cases as the families leave; rates of several the bootstrap over families (10,000 draws, fixed seed). Differences"
    " are paired by case. The verdict needs the bootstrap interval and an exact randomisation test over families to"
    " agree. p values beside the headline's are corrected by Holm's method."
)


@dataclass(frozen=True)
class Shown:
    """What a page is made of: the numbers, each arm's trials, colour, and the place of every case."""

    found: Evidence
    sides: Sequence[Side]
    colours: Mapping[str, str]
    places: Mapping[str, str]

    def place(self, id: str) -> str:
        return self.places[id]

    @property
    def header(self) -> Log:
        return self.sides[0].log


def report_of(
    base: Log, head: Log | None = None, *, planners: Sequence[str] = (), level: float = 0.95, margin: float = 0.1
) -> tuple[str, Evidence]:
    """The page and the evidence on it. One log with one planner is told by itself."""
    found, sides = evidence_of(base, head, planners=planners, level=level, margin=margin)
    colours = {side.label: colour(at) for at, side in enumerate(sides)}
    places = {str(case["id"]): f"case-{at}" for at, case in enumerate(base.header.cases, 1)}
    return _page(Shown(found, sides, colours, places)), found


def _page(shown: Shown) -> str:
    found = shown.found
    compared = [part for one in found.comparisons for part in _compared(one, shown)]
    body = [
        element("div", compared, id="pairs"),
        _arms(shown),
        _pictures(shown),
        _heat(shown),
        _how(shown),
        _panels(shown),
    ]
    first = found.comparisons[0] if found.comparisons else None
    title = f"{first.head} against {first.base}" if len(found.comparisons) == 1 and first else "Evaluation of planners"
    over = f"milepost eval report · {shown.header.header.created[:10]} · {count(len(shown.places), 'case')}"
    under = [badge(one.verdict, TONES.get(one.verdict, "calm")) for one in found.comparisons[:1] if first]
    return page(
        title, _head(shown), *body, over=over, under=under if len(found.comparisons) == 1 else None, foot=METHOD
    )


def _head(shown: Shown) -> Markup:
    """The verdicts, and the figures that carry them."""
    found = shown.found
    if len(found.comparisons) != 1:
        facts_of = [(arm.label, share(rate.mean), f"{rate_bounds(rate)}, {count(arm.trials, 'trial')}")
                    for arm in found.arms if (rate := arm.rate(HEADLINE))]  # fmt: skip
        return tiles(facts_of)
    one = found.comparisons[0]
    head = one.headline
    least = f"{100 * min(head.least, 1):.0f} points" if head.least is not None else "none"
    return markup(
        _verdict(one),
        tiles([
            (one.base, share(head.base), "task success"),
            (one.head, share(head.head), "task success"),
            ("difference", f"{signed('', 100 * head.difference)} points", _points(one)),
            ("wins / losses / ties", f"{head.wins} / {head.losses} / {head.ties}", f"of {count(one.cases, 'case')}"),
            ("could have seen", least, "the smallest difference, with 80 % power"),
        ]),
    )  # fmt: skip


def _points(one: Comparison) -> str:
    kept = one.headline.interval
    return f"{signed('', 100 * kept.low)} to {signed('', 100 * kept.high)}" if kept else "no interval"


def _verdict(one: Comparison) -> Markup:
    said = sentence(one)
    return element(
        "p", element("strong", f"{said[:1].upper()}{said[1:]}." if one.verdict == "cannot tell" else f"{said}.")
    )


def _compared(one: Comparison, shown: Shown) -> list[Markup]:
    """One comparison: cases, scores, families, and what to know before believing it."""
    several = len(shown.found.comparisons) > 1
    name = f": {one.head} against {one.base}" if several else ""
    said = [wash(note, tone="warn") for note in one.notes]
    how = element("ul", [element("li", text) for text in tests(one)])
    rows = [
        [row[0].replace("_", " "), *row[1:-1], badge(row[-1], TONES.get(row[-1], "calm"))]
        for row in difference_rows(one)
    ]
    return [
        section(
            f"Case by case{name}",
            _verdict(one) if several else None,
            said,
            figure(
                paired_dots(one, shown.colours, shown.place),
                "Each line is a case, from the base's share of successful trials (open) to the head's (full), losses"
                " first. Choose one to see both plans and what failed.",
            ),
        ),
        section(f"Scores{name}", table(HEADS, rows, figures=(1, 2, 3, 4, 5, 6)), how),
        section(f"Families{name}", element("ul", [element("li", text) for text in losing(one)]), _families(one)),
    ]


def _families(one: Comparison) -> Markup:
    rows = [
        (row.family, str(row.cases), share(row.base), share(row.head), signed("", 100 * row.difference),
         badge(f"{row.loses} loses", "bad" if row.loses == one.head else "calm"))
        for row in one.by_family if row.loses
    ]  # fmt: skip
    if not rows:
        return element("p", "No family differs.", class_="soft")
    return table(("family", "cases", one.base, one.head, "points", ""), rows, figures=(1, 2, 3, 4))


def _arms(shown: Shown) -> Markup:
    rows = [[bdi(arm.label), *arm_row(arm)[1:]] for arm in shown.found.arms]
    told = [element("li", element("strong", arm.label), ": ", text) for arm in shown.found.arms for text in facts(arm)]
    return section("The arms", table(ARM_HEADS, rows, figures=range(1, 10)), element("ul", told) if told else None)


def _pictures(shown: Shown) -> Markup:
    arms, parts = shown.found.arms, []
    if (curves := pass_curves(arms, shown.colours)) is not None:
        parts.append(figure(curves, "pass^k: the chance that k trials of a case all succeed. A planner without chance"
                                    " stays where it is."))  # fmt: skip
    if (cost := cost_plot(arms, shown.colours)) is not None:
        parts.append(figure(cost, "Cost against success: the interval upwards, from the median time to p95 sideways."))
    timed = calibration_plot({side.label: side.trials for side in shown.sides}, shown.colours)
    if timed is not None:
        parts.append(figure(timed, "Estimated against actual time of the journeys that were run; on the dotted line"
                                   " they are equal."))  # fmt: skip
    return section("Repeated, timed and paid for", *parts)


def _heat(shown: Shown) -> Markup:
    families = {str(case["id"]): str(case.get("family") or case["id"]) for case in shown.header.header.cases}
    maps = [heat_map(side.label, side.trials, families) for side in shown.sides]
    drawn = [markup(element("h3", side.label), figure(one)) for side, one in zip(shown.sides, maps, strict=True) if one]
    said = element("p", "Percent of the expectations that failed, by family and kind; grey where nothing is expected.",
                   class_="soft")  # fmt: skip
    return section("What fails where", said, drawn)


def _how(shown: Shown) -> Markup:
    """What was run: logs, versions, seeds."""
    rows: list[tuple[str, object]] = []
    for log in dict.fromkeys(side.log.path for side in shown.sides):
        header = next(side.log.header for side in shown.sides if side.log.path == log)
        versions = ", ".join(f"{name} {version}" for name, version in sorted(header.versions.items()))
        told = f"run {header.run_id} of {header.created[:19].replace('T', ' ')} UTC, seed {header.seed}"
        tried = "planned and executed" if header.execute else "planned only"
        rows.append((log.name, f"{told}; {tried}; cases {header.cases_digest[:12]}; {versions}"))
    return section("What was run", listing(rows))


def _panels(shown: Shown) -> Markup:
    """Every case with both arms' plans; the chosen one is shown beside the page, and all are printed at its end."""
    trials = {side.label: _by_case(side) for side in shown.sides}
    marks: list[Markup] = []
    for case in shown.header.header.cases:
        id = str(case["id"])
        marks.append(panel(case, shown.places[id], [(label, of.get(id, ())) for label, of in trials.items()]))
    return section("Cases", element("p", "Choose a case in the picture, or here.", class_="soft"), _index(shown), marks,
                   id="cases")  # fmt: skip


def _index(shown: Shown) -> Markup:
    links = [element("a", id, href=f"#{place}") for id, place in shown.places.items()]
    return element("p", list(itertools.chain.from_iterable((link, " ") for link in links)), class_="index")


def _by_case(side: Side) -> dict[str, Sequence[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in side.trials:
        found.setdefault(trial.id, []).append(trial)
    return {id: tuple(trials) for id, trials in found.items()}
