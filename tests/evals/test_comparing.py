"""Law: two arms are compared over the same cases and nothing else, and what a run cannot show is not claimed."""

from __future__ import annotations

from pathlib import Path

import pytest
from log_kit import case, write_log

from milepost.evals.comparing import Comparison, evidence, evidence_of
from milepost.evals.comparison_text import escaped, losing, markdown, number, sentence, signed
from milepost.evals.gate import gates, rule_of
from milepost.evals.log_reading import read_log
from milepost.evals.logs import Times
from milepost.evals.summary import Calibration, calibration
from milepost.store.errors import UsageError


def ids(count: int) -> list[str]:
    return [f"c{at:02}" for at in range(count)]


def compared(
    folder: Path, base: dict[str, list[bool | None]], head: dict[str, list[bool | None]], **more: object
) -> Comparison:
    """The comparison of two logs of one planner each."""
    families = {id: id[:2] for id in base} if more.pop("clustered", False) else None
    first = write_log(folder / "base.jsonl", {"template": base}, families)
    second = write_log(folder / "head.jsonl", {"ai:m": head}, families)
    return evidence(read_log(first), read_log(second), **more).comparisons[0]  # type: ignore[arg-type] # passed on


def test_a_comparison_by_hand(tmp_path: Path) -> None:
    """Thirty cases: fifteen won, one lost, fourteen even; the rates, the differences, and the families of each."""
    base = {id: [at >= 15] for at, id in enumerate(ids(30))}
    head = {id: [at != 29] for at, id in enumerate(ids(30))}
    one = compared(tmp_path, base, head)
    found = one.headline
    assert (found.base, found.head, found.difference) == (0.5, pytest.approx(29 / 30), pytest.approx(14 / 30))
    assert (found.wins, found.losses, found.ties) == (15, 1, 14)
    assert found.exact_p == pytest.approx(2 * 17 / 2**16)
    assert found.interval is not None and found.interval.low < 14 / 30 < found.interval.high
    assert one.verdict == "better" and sentence(one).startswith("ai:m is better than template")
    assert [row.family for row in one.by_family if row.loses == "ai:m"] == ["c29"]
    assert losing(one)[0].startswith("ai:m loses in 1 family: c29 (100 points)")
    back = evidence(read_log(tmp_path / "head.jsonl"), read_log(tmp_path / "base.jsonl")).comparisons[0]
    assert back.verdict == "worse" and back.headline.losses == 15


def test_epochs_are_averaged_by_case(tmp_path: Path) -> None:
    """Three of four trials are 0.75 of a case; pass^2 of such a case is C(3,2)/C(4,2) = 1/2."""
    base = {id: [False] for id in ids(12)}
    head: dict[str, list[bool | None]] = {id: [True, True, True, False] for id in ids(12)}
    first = write_log(tmp_path / "a.jsonl", {"template": base})
    second = write_log(tmp_path / "b.jsonl", {"ai:m": head})
    found = evidence(read_log(first), read_log(second))
    assert found.comparisons[0].headline.head == 0.75
    assert found.arms[1].pass_hat == [pytest.approx(one) for one in (0.75, 0.5, 0.25, 0.0)]


def test_an_infrastructure_error_is_left_out_of_both_arms(tmp_path: Path) -> None:
    """The epoch in both, the case where nothing else is left of it; and it is counted."""
    base: dict[str, list[bool | None]] = {id: [True, False] for id in ids(10)}
    head: dict[str, list[bool | None]] = {id: [False, False] for id in ids(10)}
    head["c00"] = [None, False]
    head["c01"] = [None, None]
    one = compared(tmp_path, base, head)
    assert one.cases == 9 and one.left_out == ["c01"]
    assert one.dropped == {"template": 0, "ai:m": 3}
    by_case = {row.id: row for row in one.by_case}
    assert (by_case["c00"].base, by_case["c02"].base) == (0.0, 0.5)  # the base's first trial went with the head's
    assert any("3 trials not counted" in note for note in one.notes)
    assert any("1 case left out" in note for note in one.notes)


def test_an_error_of_a_planner_without_chance_takes_the_case(tmp_path: Path) -> None:
    """Its one trial stands for all of the other's epochs."""
    base: dict[str, list[bool | None]] = {id: [True] for id in ids(8)}
    base["c03"] = [None]
    one = compared(tmp_path, base, {id: [True, None, True] for id in ids(8)})
    assert one.cases == 7 and one.left_out == ["c03"]


def test_other_cases_are_refused_with_what_differs(tmp_path: Path) -> None:
    """Those that only one has, and those that are other cases under the same id."""
    first = write_log(tmp_path / "a.jsonl", {"template": {"x": [True], "y": [True]}})
    second = write_log(
        tmp_path / "b.jsonl",
        {"template": {"y": [True], "z": [True]}},
        cases=[case("y", "y", request="Other"), case("z", "z")],
    )
    with pytest.raises(UsageError) as found:
        evidence(read_log(first), read_log(second))
    assert found.value.exit_code == 2
    for said in ("only in a.jsonl: x", "only in b.jsonl: z", "same id: y (request)"):
        assert said in found.value.cause


def test_nothing_succeeded(tmp_path: Path) -> None:
    """Two arms that never succeed: at most 3/n, and no winner."""
    none: dict[str, list[bool | None]] = {id: [False] for id in ids(40)}
    first = write_log(tmp_path / "a.jsonl", {"template": none})
    second = write_log(tmp_path / "b.jsonl", {"ai:m": none})
    found = evidence(read_log(first), read_log(second))
    assert found.comparisons[0].verdict == "no difference larger than 0.075"
    rate = found.arms[0].rate("task_success")
    assert rate is not None and rate.mean == 0 and rate.bound == "no success in 40: at most 3/40 = 7.5 %"


def test_no_trial_that_counts_is_an_error(tmp_path: Path) -> None:
    """With the first reason why."""
    with pytest.raises(UsageError) as found:
        compared(tmp_path, {"x": [True]}, {"x": [None]})
    assert "no case that both arms did" in found.value.message and "connection refused" in found.value.cause


def test_one_case_cannot_tell(tmp_path: Path) -> None:
    """And its gate does not hold."""
    one = compared(tmp_path, {"x": [True]}, {"x": [True]})
    assert one.verdict == "cannot tell" and one.headline.interval is None and one.headline.least is None
    assert not gates([rule_of("task_success worse by 0.05")], [one])[0].holds


def test_a_run_against_itself(tmp_path: Path) -> None:
    """No difference, a gate that holds, and a note that nothing else was shown."""
    log = read_log(write_log(tmp_path / "a.jsonl", {"template": {id: [at % 2 == 0] for at, id in enumerate(ids(60))}}))
    one = evidence(log, log).comparisons[0]
    assert one.verdict == "no difference larger than 0.05"
    assert gates([rule_of("task_success worse by 0.05")], [one])[0].holds
    assert any("same run" in note for note in one.notes)
    assert one.base != one.head


def test_the_arms_of_one_log(tmp_path: Path) -> None:
    """The first is the base of all others; one that is named chooses; one alone has nothing to be compared with."""
    rows: dict[str, list[bool | None]] = {id: [True] for id in ids(6)}
    log = read_log(write_log(tmp_path / "a.jsonl", {"template-fixed": rows, "template": rows, "ai:m": rows}))
    assert [(one.base, one.head) for one in evidence(log).comparisons] == [
        ("template-fixed", "template"), ("template-fixed", "ai:m"),
    ]  # fmt: skip
    chosen = evidence(log, planners=["template", "ai:m"]).comparisons
    assert [(one.base, one.head) for one in chosen] == [("template", "ai:m")]
    with pytest.raises(UsageError, match="did you mean template"):
        evidence(log, planners=["templat", "ai:m"])
    alone = read_log(write_log(tmp_path / "b.jsonl", {"template": rows}))
    with pytest.raises(UsageError, match="nothing to compare"):
        evidence(alone)
    found, sides = evidence_of(alone)
    assert found.comparisons == [] and [side.label for side in sides] == ["template"]


def test_two_logs_of_many_arms_pair_by_name(tmp_path: Path) -> None:
    """Each with the same planner of the other log; labels stay apart."""
    rows: dict[str, list[bool | None]] = {id: [True] for id in ids(6)}
    logs = [read_log(write_log(tmp_path / f"{name}.jsonl", {"template": rows, "ai:m": rows})) for name in ("a", "b")]
    pairs = [(one.base, one.head) for one in evidence(*logs).comparisons]
    assert pairs == [("template (a)", "template (b)"), ("ai:m (a)", "ai:m (b)")]


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("task_success worse by 0.05", 0.05),
        (" unsafe_acts  worse by 10% ", 0.1),
        ("valid worse", 0.0),
        ("x worse by .5", 0.5),
    ],
)
def test_a_rule_is_read(text: str, by: float) -> None:
    """A score and by how much."""
    assert rule_of(text).by == by


@pytest.mark.parametrize("text", ["", "task_success", "task_success better by 1", "a b worse by 1", "x worse by -1"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    """With the form that it has."""
    with pytest.raises(UsageError, match="no rule"):
        rule_of(text)


def test_a_gate_looks_at_the_bound(tmp_path: Path) -> None:
    """Two lost of forty are 5 points, and may be 15: a gate of 5 does not hold, one of 20 does; a win holds both."""
    base: dict[str, list[bool | None]] = {id: [True] for id in ids(40)}
    head: dict[str, list[bool | None]] = {id: [at > 1] for at, id in enumerate(ids(40))}
    one = compared(tmp_path, base, head)
    assert [gate.holds for gate in gates([rule_of(f"task_success worse by {by}") for by in (0.05, 0.2)], [one])] == [
        False,
        True,
    ]
    acts = gates([rule_of("unsafe_acts worse by 0.05"), rule_of("unsafe_acts worse by 0.2")], [one])
    assert [gate.holds for gate in acts] == [False, True]  # of these, more is worse
    with pytest.raises(UsageError, match="did you mean task_success"):
        gates([rule_of("task_sucess worse by 0.1")], [one])


def test_scores_beside_the_headline_are_corrected(tmp_path: Path) -> None:
    """A p that is small by itself and large among many is no finding."""
    base: dict[str, list[bool | None]] = {id: [at >= 6] for at, id in enumerate(ids(60))}
    one = compared(tmp_path, base, {id: [True] for id in ids(60)})
    assert one.verdict == "better" and one.headline.flip_p == pytest.approx(1 / 32)
    other = one.score("constraint_pass")
    assert other is not None and other.holm_p is not None and other.holm_p > 0.05
    assert other.verdict == "cannot tell" and "Holm" in other.why


def test_calibration_by_hand(tmp_path: Path) -> None:
    """Journeys that take as long as estimated, and e times as long: median 0, 1; half of them within p10 to p90."""
    log = write_log(
        tmp_path / "a.jsonl", {"template": {"x": [True]}},
        more={"times": Times(plan=1, execute=2.0, estimated={"p10": 1, "p50": 2.0, "p90": 3})},
    )  # fmt: skip
    trials = list(read_log(log).trials)
    late = trials[0].model_copy(
        update={"times": Times(execute=2.0, estimated={"p10": 0.5, "p50": 2 / 2.718281828459045, "p90": 1})}
    )
    assert calibration(trials) == Calibration(journeys=1, median=0.0, mad=0.0, coverage=1.0)
    both = calibration([*trials, late])
    assert both is not None
    assert (both.median, both.mad, both.coverage) == (pytest.approx(0.5), pytest.approx(0.5), 0.5)
    assert calibration([]) is None


def test_markdown_is_only_text(tmp_path: Path) -> None:
    """A planner's name makes no element, link or column."""
    rows: dict[str, list[bool | None]] = {id: [True] for id in ids(6)}
    hostile = "ai:<img src=x>|[a](b)"
    log = read_log(write_log(tmp_path / "a.jsonl", {"template": rows, hostile: rows}))
    text = markdown(evidence(log))
    assert "<img" not in text.replace("\\<img", "") and "|[a]" not in text
    assert escaped("a|b*c") == "a\\|b\\*c"
    assert len({line.count("|") - line.count("\\|") for line in text.splitlines() if line.startswith("| ")}) == 2


def test_figures_read_well() -> None:
    """Small times in milliseconds, signs on differences, no sign on nothing."""
    assert [number("seconds", one) for one in (0.0123, 0.99999, 14)] == ["12.3 ms", "1 s", "14 s"]
    assert [signed("x", one) for one in (0.25, -0.5, 0)] == ["+0.25", "-0.5", "0"]


@pytest.mark.parametrize(("origin", "said"), [("fallback", 1), ("ai", 0)])
def test_a_reader_is_told_where_the_template_did_the_models_work(tmp_path: Path, origin: str, said: int) -> None:
    """A fallback's scores are the template's: more than half of them, and the comparison says so."""
    arms = {"template": {"a": [True], "b": [True]}, "ai:m": {"a": [True] * 3, "b": [True] * 3}}
    log = read_log(write_log(tmp_path / "a.jsonl", arms, more={"origin": origin}))
    (one,) = evidence(log).comparisons
    assert sum("the template planned in 6 of 6 trials" in note for note in one.notes) == said
