"""Law: the validator says what stands in a plan's way in the world it is for, and raises for nothing whatever."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.agents.fake_server import plain_plan
from milepost.agents.validator import validate_plan
from milepost.store.plan import Base, Plan, PlannedFile, PlanStep
from milepost.store.policy import Policy
from milepost.tools.registry import registry_dict

REGISTRY = registry_dict()
FILES = (
    PlannedFile(path="docs/a.md", source="a.md", sha256="a" * 64, action="add", chunks=1),
    PlannedFile(path="docs/b.md", source="b.md", sha256="b" * 64, action="skip", reason="excluded"),
)
WORLD: dict[str, Any] = {
    "files": ["a.md", "b.md"], "kbs": ["hr"], "kb_sources": 3, "kb_embedder": "e-1", "embedder": "e-1",
    "tenant": "default", "disk_free": 10_000, "roots": ["docs"], "held": [], "moved": [],
}  # fmt: skip


def plan(**more: Any) -> Plan:
    """A plan for one of two files, that validates."""
    steps = tuple(PlanStep(**step) for step in plain_plan(["a.md"], "hr")["steps"])
    said = {"kb": "hr", "files": FILES, "steps": steps, "base": Base(embedder="e-1"), "resources": {"disk_bytes": 10}}
    return Plan(**{**said, **more})


def with_step(number: int, **more: Any) -> tuple[PlanStep, ...]:
    steps = list(plan().steps)
    steps[number] = steps[number].model_copy(update=more)
    return tuple(steps)


def treated(number: int, **args: Any) -> Plan:
    """A plan under a policy, one of whose steps has these arguments more."""
    step = plan().steps[number]
    steps = with_step(number, args={**step.args, **args})
    return plan(steps=steps, policy=Policy.rollback().model_dump(mode="json"))


def lines(**more: Any) -> tuple[PlannedFile, ...]:
    return (FILES[0].model_copy(update=more), FILES[1])


REMOVE = PlanStep(id="remove", action="remove", args={"sources": ["old.md"], "kb": "hr"})
GONE = PlannedFile(path="old.md", source="old.md", action="remove")

ERRORS: dict[str, tuple[str, Plan, dict[str, Any]]] = {
    "a step for another kb": ("another_kb", plan(kb="law"), {"kbs": ["hr", "law"]}),
    "taking out of a kb that is none": ("unknown_kb", plan(kb="hs", steps=(REMOVE.model_copy(
        update={"args": {"sources": ["old.md"], "kb": "hs"}}),), files=(GONE,)), {}),
    "a name that cannot be a kb's": ("bad_kb_name", plan(kb=" hr ", steps=tuple(
        PlanStep(**step) for step in plain_plan(["a.md"], " hr ")["steps"])), {}),
    "another tenant's": ("not_permitted", plan(tenant="them"), {}),
    "another embedder in the kb": ("embedder_mismatch", plan(), {"kb_embedder": "e-2"}),
    "another embedder configured": ("embedder_mismatch", plan(), {"embedder": "e-2"}),
    "no room": ("no_space", plan(resources={"disk_bytes": 10_001}), {}),
    "an act that is excluded": ("excluded_act", plan(excludes=("expose",)), {}),
    "a file that is excluded": ("excluded_act", plan(steps=with_step(0, args={"files": ["a.md", "b.md"], "kb": "hr"})),
                                {}),
    "an excluded act with one source": ("excluded_act", plan(excludes=("remove:old.md",), steps=(REMOVE,),
                                                             files=(GONE,)), {}),
    "replacing where that is excluded": ("excluded_act", plan(excludes=("replace",), files=lines(action="replace")),
                                         {}),
    "a file of elsewhere": ("outside_root", plan(files=lines(path="/etc/passwd")), {}),
    "a file that climbs": ("outside_root", plan(files=lines(path="docs/../../x")), {}),
    "a folder with a like name": ("outside_root", plan(files=lines(path="docs2/a.md")), {}),
    "a file that changed": ("moved", plan(), {"moved": ["docs/a.md changed"]}),
    "a wrong milestone": ("wrong_milestone", plan(steps=with_step(0, milestone="expose_complete")), {}),
    "exposing at once what is held until a day": ("excluded_act", plan(excludes=("expose now",)), {}),
    "showing everybody what is for some": ("excluded_act", plan(excludes=("expose to everybody",)), {}),
    "a file that is taken and not uploaded": ("files_differ", plan(steps=with_step(0, args={"files": [], "kb": "hr"})),
                                              {}),
    "a source that a step removes and no line": ("files_differ", plan(steps=(*plan().steps, REMOVE)), {}),
    "another chunk size than the plan's": ("option_not_held", treated(2, chunk_size=200), {}),
    "pages that were not chosen": ("option_not_held", treated(1, pages="1-2"), {}),
    "sections that are in": ("option_not_held", treated(1, skip_sections=["annex"]), {}),
    "a mark that is on no chunk": ("option_not_held", treated(2, metadata={"customer": "ACME"}), {}),
    "an audience that nothing is marked for": ("option_not_held", treated(3, audience="legal"), {}),
    "a moment in words": ("value_not_allowed", treated(3, not_before="next Monday"), {}),
    "a loss made small": ("effect_understated", plan(files=lines(action="replace")), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_each_fault_has_its_code(name: str) -> None:
    """And it alone: the plan it was made from has none."""
    code, broken, more = ERRORS[name]
    policy = Policy.none() if code == "effect_understated" else Policy.rollback()
    assert validate_plan(plan(), REGISTRY, Policy.rollback(), WORLD).errors == []
    judged = validate_plan(broken, REGISTRY, policy, WORLD | more)
    assert {issue.code for issue in judged.errors} - {"unknown_source"} == {code}
    assert not judged.valid
    as_read = validate_plan(broken.model_dump(mode="json"), REGISTRY, policy, WORLD | more)
    assert as_read.errors == judged.errors


WARNINGS: dict[str, tuple[str, Plan, dict[str, Any]]] = {
    "hardly any room": ("little_space", plan(resources={"disk_bytes": 9_000}), {}),
    "mostly rejected": ("mostly_rejected", plan(files=(*FILES, *(PlannedFile(path=f"docs/{n}", source=f"{n}",
                        action="reject") for n in range(3)))), {}),
    "most of the kb goes": ("removes_most", plan(steps=(REMOVE,), files=(GONE,) * 3), {}),
    "counts that are guessed": ("estimated", plan(files=lines(estimated=True)), {}),
    "a kb named nearly like one": ("new_kb", plan(kb="handbock", steps=with_step(0, args={"files": ["a.md"]})[:1]),
                                   {"kbs": ["handbook"]}),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_legal_and_unwise_is_a_warning(name: str) -> None:
    """The sound plan has none."""
    code, unwise, more = WARNINGS[name]
    assert validate_plan(plan(), REGISTRY, Policy.rollback(), WORLD).warnings == []
    assert code in {issue.code for issue in validate_plan(unwise, REGISTRY, Policy.rollback(), WORLD | more).warnings}


def test_facts_that_are_not_given_are_not_asked_about() -> None:
    """The pure validator over a plan alone knows nothing of the world."""
    for _, broken, _ in ERRORS.values():
        codes = {issue.code for issue in validate_plan(broken, REGISTRY).errors}
        assert not codes & {"unknown_kb", "not_permitted", "embedder_mismatch", "no_space", "outside_root", "moved"}


def test_what_lies_under_a_root_is_inside() -> None:
    """However it is written; bytes that are held have no path, and a member is where its archive is."""
    for roots, path, more in (
        (["docs"], "./docs/a.md", {}),
        (["."], "a.md", {}),
        (["/data/"], "/data/x/a.md", {}),
        (["docs/a.md"], "docs/a.md", {}),
        ([], "a.md", {"held": ["a.md"]}),
    ):
        facts = WORLD | {"roots": roots} | more
        assert validate_plan(plan(files=lines(path=path)), REGISTRY, Policy.rollback(), facts).valid, path
    member = lines(path="docs/all.zip/a.md", archive="docs/all.zip")
    assert validate_plan(plan(files=member), REGISTRY, Policy.rollback(), WORLD).valid


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.binary(max_size=3),
    st.sampled_from(["a.md", "b.md", "hr", "upload", "expose", "remove", "excluded", "skip", "add", "$ref", ".."]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, part in inner for place in places(part, (*at, key)))]


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """The value with another one at a place."""
    if not at:
        return new
    key, *rest = at
    if isinstance(value, dict):
        return {**value, key: put(value[key], tuple(rest), new)}
    return [put(part, tuple(rest), new) if number == key else part for number, part in enumerate(value)]


SOUND = plan().model_dump(mode="json")
PLACES = places(SOUND)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A sound plan with up to three places spoiled; or anything at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    spoiled: Any = SOUND
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from(PLACES))
        try:
            spoiled = put(spoiled, at, draw(VALUES))
        except (KeyError, TypeError, IndexError):  # an earlier one took the place away
            continue
    return spoiled


def _never_raises(broken: Any) -> None:
    for facts in (None, WORLD):
        judged = validate_plan(broken, REGISTRY, Policy.none(), facts)
        assert judged.valid == (not judged.errors)
        judged.model_dump_json()


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_the_validator_never_raises(broken: Any) -> None:
    """Whatever a plan is, there is a verdict that can be written down."""
    _never_raises(broken)


@pytest.mark.nightly
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_the_validator_never_raises_ten_thousand_times(broken: Any) -> None:
    """As above."""
    _never_raises(broken)
