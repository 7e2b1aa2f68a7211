"""Law: a plan made to fit its registry is valid; each way to break it gives its code; nothing raises."""

from __future__ import annotations

import copy
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from milepost.agents.issues import CODES
from milepost.agents.validator import MAX_STEPS, Validation, validate_plan
from milepost.store.plan import Plan, PlanStep
from milepost.store.policy import Policy
from milepost.tools.registry import REGISTRY, registry_dict

Registry = dict[str, Any]
RawPlan = dict[str, Any]


def codes(judged: Validation) -> set[str]:
    """The errors' codes."""
    return {issue.code for issue in judged.errors}


def template() -> RawPlan:
    """The plan that the template planner makes for one file."""
    steps: list[dict[str, Any]] = [
        {"id": "upload", "action": "upload", "args": {"files": ["a.md"], "kb": "hr"}, "depends_on": []},
        {
            "id": "parse",
            "action": "parse",
            "args": {"files": ref("upload", "files")},
            "depends_on": ["upload"],
        },
        {
            "id": "embed",
            "action": "embed",
            "args": {"chunks": ref("parse", "chunks")},
            "depends_on": ["parse"],
        },
        {
            "id": "expose",
            "action": "expose",
            "args": {"chunks": ref("embed", "chunks"), "kb": "hr"},
            "depends_on": ["embed"],
        },
    ]
    return {"steps": steps}


def ref(step: str, field: str | None = None) -> dict[str, Any]:
    """A reference to another step's result."""
    return {"$ref": step, "field": field}


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=5),
    "integer": st.integers(),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    "boolean": st.booleans(),
    "array": st.lists(st.integers(), max_size=3),
    "object": st.dictionaries(st.text("abc", max_size=3), st.integers(), max_size=2),
    "null": st.none(),
}
WRONG: dict[str, Any] = {
    "string": 7, "integer": 1.5, "number": True, "boolean": 1, "array": "x", "object": [], "null": 0,
}  # fmt: skip
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_ -", min_size=1, max_size=12)


@st.composite
def params(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments that an action takes."""
    made: dict[str, Any] = {}
    for name in draw(st.lists(NAMES, unique=True, max_size=4)):
        kind = draw(st.sampled_from(sorted(VALUES)))
        made[name] = {"type": kind, "required": draw(st.booleans())}
        if draw(st.integers(0, 4)) == 0:
            made[name]["enum"] = draw(st.lists(VALUES[kind], min_size=1, max_size=3))
    return made


@st.composite
def registries(draw: st.DrawFn) -> Registry:
    """Registries of other people: any names, any types."""
    actions = draw(st.lists(NAMES, unique=True, min_size=1, max_size=5))
    return {
        action: {"params": draw(params()), "returns": draw(st.lists(NAMES, unique=True, max_size=3))}
        for action in actions
    }


@st.composite
def valid_plans(draw: st.DrawFn) -> tuple[RawPlan, Registry]:
    """A registry and a plan that fits it by construction, its steps in any order."""
    registry = draw(registries())
    steps: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 8))):
        action = draw(st.sampled_from(sorted(registry)))
        earlier = [step["id"] for step in steps]
        needed = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        returns = {step["id"]: registry[step["action"]]["returns"] for step in steps}
        args: dict[str, Any] = {}
        for name, param in registry[action]["params"].items():
            if not param["required"] and draw(st.booleans()):
                continue
            if needed and draw(st.booleans()):
                target = draw(st.sampled_from(needed))
                args[name] = ref(target, draw(st.sampled_from([None, *returns[target]])))
            else:
                args[name] = draw(st.sampled_from(param["enum"]) if "enum" in param else VALUES[param["type"]])
        steps.append({"id": f"s{number}", "action": action, "args": args, "depends_on": needed})
    return {"steps": draw(st.permutations(steps))}, registry


Break = Callable[[RawPlan, Registry, random.Random], bool]
"""Breaks a plan in place; False where this plan has nothing to break that way."""


def pick(plan: RawPlan, chance: random.Random, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """One of the steps that are as wanted."""
    found = [step for step in plan["steps"] if wanted(step)]
    return chance.choice(found) if found else None


def unknown_action(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    chance.choice(plan["steps"])["action"] = "no such action!"
    return True


def missing_dependency(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    chance.choice(plan["steps"])["depends_on"].append("step_99")
    return True


def self_dependency(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    step = chance.choice(plan["steps"])
    step["depends_on"].append(step["id"])
    return True


def duplicate_step_id(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    plan["steps"].append(copy.deepcopy(chance.choice(plan["steps"])))
    return True


def cycle(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    step = pick(plan, chance, lambda step: bool(step["depends_on"]))
    if step is None:
        return False
    needed = chance.choice(step["depends_on"])
    next(other for other in plan["steps"] if other["id"] == needed)["depends_on"].append(step["id"])
    return True


def missing_argument(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    for step in plan["steps"]:
        for name, param in registry[step["action"]]["params"].items():
            if param["required"]:
                del step["args"][name]
                return True
    return False


def unknown_argument(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    chance.choice(plan["steps"])["args"]["no such argument!"] = 1
    return True


def wrong_argument_type(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    step = pick(plan, chance, lambda step: bool(step["args"]))
    if step is None:
        return False
    name = chance.choice(sorted(step["args"]))
    step["args"][name] = WRONG[registry[step["action"]]["params"][name]["type"]]
    return True


def value_not_allowed(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    step = pick(plan, chance, lambda step: "x" in step["args"] or bool(step["args"]))
    if step is None:
        return False
    name = chance.choice(sorted(step["args"]))
    registry[step["action"]]["params"][name] = {"type": "string", "required": False, "enum": ["only this"]}
    step["args"][name] = "something else"
    return True


def dangling_reference(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    step = pick(plan, chance, lambda step: bool(step["args"]))
    if step is None:
        return False
    step["args"][chance.choice(sorted(step["args"]))] = ref("var99")
    return True


def references(plan: RawPlan) -> list[tuple[dict[str, Any], str]]:
    """Every argument that is a reference."""
    return [
        (step, name)
        for step in plan["steps"]
        for name, value in step["args"].items()
        if isinstance(value, dict) and "$ref" in value
    ]


def undeclared_dependency(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    found = references(plan)
    if not found:
        return False
    step, name = chance.choice(found)
    step["depends_on"].remove(step["args"][name]["$ref"])
    return True


def unknown_result_field(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    found = references(plan)
    if not found:
        return False
    step, name = chance.choice(found)
    step["args"][name]["field"] = "no such field!"
    return True


def empty_plan(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    plan["steps"] = []
    return True


def malformed_reference(plan: RawPlan, registry: Registry, chance: random.Random) -> bool:
    found = references(plan)
    if not found:
        return False
    step, name = chance.choice(found)
    step["args"][name] = chance.choice([{"$ref": 3}, {"$ref": "s0", "field": 3}, {"$ref": "s0", "also": 1}])
    return True


BREAKS: list[Break] = [
    unknown_action, missing_dependency, self_dependency, duplicate_step_id, cycle, missing_argument,
    unknown_argument, wrong_argument_type, value_not_allowed, dangling_reference, undeclared_dependency,
    unknown_result_field, empty_plan, malformed_reference,
]  # fmt: skip


@given(valid_plans())
def test_a_plan_that_fits_its_registry_is_valid(made: tuple[RawPlan, Registry]) -> None:
    """Whatever the registry and the list's order: no error, no warning, and the plan is left as it was."""
    plan, registry = made
    before = copy.deepcopy((plan, registry))
    judged = validate_plan(plan, registry)
    assert judged == Validation(valid=True), judged
    assert (plan, registry) == before


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
def test_each_way_to_break_a_plan_gives_its_code(broken: Break) -> None:
    """A valid plan, broken in one way, is rejected with that way's code, at a step, with a message."""

    @settings(max_examples=20, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
    @given(valid_plans(), st.randoms(use_true_random=False))
    def check(made: tuple[RawPlan, Registry], chance: random.Random) -> None:
        plan, registry = copy.deepcopy(made)
        assume(broken(plan, registry, chance))  # some plans have nothing that could be broken in this way
        judged = validate_plan(plan, registry)
        assert not judged.valid
        found = [issue for issue in judged.errors if issue.code == broken.__name__]
        assert found, judged
        known = {step["id"] for step in plan["steps"]} | {None}
        assert all(issue.message and issue.step in known for issue in found)

    check()


@given(valid_plans(), st.lists(st.sampled_from(BREAKS), min_size=2, max_size=4, unique=True), st.randoms())
def test_all_issues_come_at_once(made: tuple[RawPlan, Registry], ways: list[Break], chance: random.Random) -> None:
    """A judgement does not stop at the first fault: of independent breaks each one is reported."""
    plan, registry = copy.deepcopy(made)
    independent = {"unknown_argument", "missing_dependency", "self_dependency", "duplicate_step_id"}
    done = {way.__name__ for way in ways if way.__name__ in independent and way(plan, registry, chance)}
    assert done <= codes(validate_plan(plan, registry))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "action", "args", "depends_on", "steps", "$ref", "field", "files", "kb"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=300)
@given(JSON, st.sampled_from([{}, registry_dict()]))
def test_whatever_a_model_returns_nothing_raises(plan: Any, registry: Registry) -> None:
    """Any value at all gets issues; none of random JSON is a valid plan by accident unless it has steps."""
    judged = validate_plan(plan, registry, Policy.full(), {"files": ["a"], "sources": []})
    assert judged.valid == (not judged.errors)
    assert json.dumps(judged.model_dump())
    assert judged.errors or plan["steps"]


class Odd:
    """Something that JSON does not have."""


@pytest.mark.parametrize(
    "plan",
    [
        None, [], "plan", 7, {"steps": None}, {"steps": {}}, {"steps": [None]}, {"steps": ["x"]},
        {"steps": [{}]}, {"steps": [{"id": 1, "action": "a"}]}, {"steps": [{"id": "", "action": "a"}]},
        {"steps": [{"id": "x" * 65, "action": "a"}]}, {"steps": [{"id": "\ud800", "action": "a"}]},
        {"steps": [{"id": "a\nb", "action": "a"}]}, {"steps": [{"id": "s", "action": None}]},
        {"steps": [{"id": "s"}]}, {"steps": [{"id": "s", "action": "a", "args": []}]},
        {"steps": [{"id": "s", "action": "a", "args": {1: 2}}]},
        {"steps": [{"id": "s", "action": "a", "depends_on": "s0"}]},
        {"steps": [{"id": "s", "action": "a", "depends_on": [1]}]},
    ],
)  # fmt: skip
def test_what_has_not_the_form_of_a_plan_is_malformed(plan: Any) -> None:
    """Each wrong form is the issue malformed_plan, never an exception."""
    assert "malformed_plan" in codes(validate_plan(plan, {"a": {"params": {}, "returns": []}}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Odd(), b"x", {1, 2}])
def test_what_json_does_not_have_is_a_wrong_type(value: Any) -> None:
    """NaN and Python's own types are no values, at any depth and under any declared type."""
    registry = {"a": {"params": {"x": {"type": "any"}}, "returns": []}}
    for held in (value, [value], {"k": [value]}):
        plan = {"steps": [{"id": "s", "action": "a", "args": {"x": held}}]}
        assert codes(validate_plan(plan, registry)) == {"wrong_argument_type"}


def test_types_are_those_of_json_schema() -> None:
    """A bool is no integer and no number, an integer is a number, 3.0 is an integer, null only null."""
    table = {
        "integer": ([3, 3.0, -1], [True, 3.5, "3", None]),
        "number": ([3, 3.5], [True, "3", None, float("nan")]),
        "boolean": ([True, False], [0, 1, "true"]),
        "string": (["", "x"], [1, None, ["x"]]),
        "array": ([[], [1]], ["x", {}]),
        "object": ([{}, {"a": 1}], [[], "x"]),
        "null": ([None], [0, "", False]),
    }
    for kind, (good, bad) in table.items():
        registry = {"a": {"params": {"x": {"type": kind, "required": True}}, "returns": []}}
        for value, wanted in [*((value, True) for value in good), *((value, False) for value in bad)]:
            plan = {"steps": [{"id": "s", "action": "a", "args": {"x": value}}]}
            assert validate_plan(plan, registry).valid == wanted, (kind, value)


def test_several_types_items_and_enums() -> None:
    """A type may be a list, an array's items are checked, and true is not among [1, 0]."""
    registry = {
        "a": {
            "params": {
                "maybe": {"type": ["string", "null"]},
                "names": {"type": "array", "items": "string"},
                "flag": {"enum": [1, 0]},
            },
            "returns": [],
        }
    }

    def judge(**args: Any) -> set[str]:
        return codes(validate_plan({"steps": [{"id": "s", "action": "a", "args": args}]}, registry))

    assert judge(maybe=None, names=["x"], flag=1) == set()
    assert judge(maybe=3) == judge(names=["x", 3]) == {"wrong_argument_type"}
    assert judge(flag=True) == {"value_not_allowed"}
    registry["a"]["params"]["names"]["items"] = {"type": "string"}
    assert judge(names=[3]) == {"wrong_argument_type"}


def test_references_inside_values_are_checked() -> None:
    """A reference in a list or an object is one all the same."""
    registry = {"a": {"params": {"x": {"type": "array"}}, "returns": ["y"]}}
    plan: RawPlan = {
        "steps": [
            {"id": "one", "action": "a", "args": {}},
            {"id": "two", "action": "a", "args": {"x": [{"deep": ref("one", "z")}, ref("gone")]}},
        ]
    }
    assert codes(validate_plan(plan, registry)) == {
        "undeclared_dependency", "unknown_result_field", "dangling_reference",
    }  # fmt: skip


def test_the_template_is_valid_without_a_warning() -> None:
    """The built-in four steps fit the built-in registry, as a dict and as a Plan, under every preset."""
    plan = template()
    typed = Plan(steps=tuple(PlanStep.model_validate(step) for step in plan["steps"]))
    for policy in (None, Policy.none(), Policy.rollback(), Policy.full()):
        for form in (plan, typed):
            assert validate_plan(form, REGISTRY, policy, {"files": {"a.md"}}) == Validation(valid=True)


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
def test_each_break_of_the_template_gives_its_code(broken: Break) -> None:
    """The same breaks, on the built-in registry."""
    plan, registry = template(), registry_dict()
    for seed in range(5):
        plan, registry = template(), registry_dict()
        assert broken(plan, registry, random.Random(seed))
        assert broken.__name__ in codes(validate_plan(plan, registry))


def test_order_is_what_the_registry_declares() -> None:
    """Expose before embed is refused, also where the list has it behind; through other steps is enough."""
    plan = template()
    plan["steps"][3] = {
        "id": "expose",
        "action": "expose",
        "args": {"sources": ["a.md"], "kb": "hr"},
        "depends_on": ["parse"],
    }
    issues = validate_plan(plan, REGISTRY).errors
    assert [(issue.code, issue.step) for issue in issues] == [("wrong_order", "expose")]
    assert issues[0].hint == 'let "expose" depend on "embed"'
    assert validate_plan({"steps": [plan["steps"][3] | {"depends_on": []}]}, REGISTRY).valid


def test_expose_needs_something_to_expose() -> None:
    """Neither chunks nor sources is a missing argument."""
    plan = {"steps": [{"id": "e", "action": "expose", "args": {"kb": "hr"}}]}
    assert codes(validate_plan(plan, REGISTRY)) == {"missing_argument"}


def test_an_action_that_is_there_twice_is_refused() -> None:
    """Exposing twice in one plan is refused at the second."""
    plan = template()
    plan["steps"].append(plan["steps"][3] | {"id": "again"})
    assert [(issue.code, issue.step) for issue in validate_plan(plan, REGISTRY).errors] == [
        ("repeated_action", "again")
    ]


def test_facts_say_what_is_there() -> None:
    """Files, sources and checkpoints that are not on offer are named; without facts nothing is asked."""
    plan = template()
    judged = validate_plan(plan, REGISTRY, facts={"files": ["b.md", "a.mdx"]})
    assert codes(judged) == {"unknown_file"} and judged.errors[0].hint == 'did you mean "a.mdx"?'
    removing = {"steps": [{"id": "r", "action": "remove", "args": {"sources": ["x"], "kb": "hr"}}]}
    assert codes(validate_plan(removing, REGISTRY, facts={"sources": []})) == {"unknown_source"}
    back = {"steps": [{"id": "r", "action": "rollback", "args": {"checkpoint": "checkpoint_1"}}]}
    assert codes(validate_plan(back, REGISTRY, facts={"checkpoints": ["checkpoint_12"]})) == {"unknown_checkpoint"}
    assert validate_plan(removing, REGISTRY).valid and validate_plan(back, REGISTRY).valid


def test_the_policy_forbids_by_key() -> None:
    """A rollback under a policy without it, and more files than the budget, name the key."""
    back = {"steps": [{"id": "r", "action": "rollback", "args": {"checkpoint": "c"}}]}
    judged = validate_plan(back, REGISTRY, Policy.none())
    assert codes(judged) == {"policy_forbids"} and "enable_rollback" in judged.errors[0].message
    assert validate_plan(back, REGISTRY, Policy.rollback()).valid
    assert validate_plan(back, REGISTRY, Policy(orchestration="saga")).valid
    files = [{"action": "add", "bytes": 10, "chunks": 3}, {"action": "skip", "bytes": 10, "chunks": 3}]
    plan = template() | {"files": files}
    assert validate_plan(plan, REGISTRY, Policy(budget={"max_files": 1, "max_bytes": 10, "max_chunks": 3})).valid
    judged = validate_plan(plan, REGISTRY, Policy(budget={"max_files": 0, "max_bytes": 9, "max_chunks": 2}))
    assert [issue.code for issue in judged.errors] == ["over_budget"] * 3


def test_handlers_and_effects() -> None:
    """An unregistered handler is an error; an irreversible step only a warning."""
    plan = template()
    plan["steps"][0]["rollback_handler"] = "delete_uploaded_file"
    assert validate_plan(plan, REGISTRY) == Validation(valid=True)
    plan["steps"][0]["rollback_handler"] = "os.system"
    assert codes(validate_plan(plan, REGISTRY)) == {"handler_unknown"}
    assert validate_plan(plan, REGISTRY, facts={"handlers": ["os.system"]}).valid
    registry = {"pay": {"params": {}, "returns": [], "effect": "irreversible"}}
    judged = validate_plan({"steps": [{"id": "p", "action": "pay"}]}, registry)
    assert judged.valid and [issue.code for issue in judged.warnings] == ["irreversible_step"]


def test_hints_say_what_was_meant() -> None:
    """A misspelt action, argument or field gets the nearest, cases aside."""
    plan = template()
    plan["steps"][1]["action"] = "PARSE"
    plan["steps"][0]["args"]["fils"] = []
    plan["steps"][3]["args"]["chunks"] = ref("embed", "chunk")
    hints = {issue.code: issue.hint for issue in validate_plan(plan, REGISTRY).errors}
    assert hints["unknown_action"] == 'did you mean "parse"?'
    assert hints["unknown_argument"] == 'did you mean "files"?'
    assert hints["unknown_result_field"] == 'did you mean "chunks"?'


def test_a_ring_is_told_as_one() -> None:
    """A long ring is one issue with the way around, and steps outside it are left alone."""
    steps: list[dict[str, Any]] = [{"id": f"s{n}", "action": "a", "depends_on": [f"s{(n + 1) % 5}"]} for n in range(5)]
    steps.append({"id": "after", "action": "a", "depends_on": ["s0"]})
    judged = validate_plan({"steps": steps}, {"a": {"params": {}, "returns": []}})
    assert [issue.code for issue in judged.errors] == ["cycle"]
    assert "s0 -> s1 -> s2 -> s3 -> s4 -> s0" in judged.errors[0].message


@pytest.mark.parametrize("kind", ["chain", "ring", "same", "unknown", "dense"])
def test_a_huge_plan_is_refused_soon(kind: str) -> None:
    """10,000 steps, in a chain, a ring, or each wrong, are judged within seconds and without recursion."""
    count = 10_000

    def depends(n: int) -> list[str]:
        if kind == "dense":
            return [f"s{m}" for m in range(max(0, n - 50), n)]
        return [f"s{(n + 1) % count}"] if kind == "ring" else [f"s{n - 1}"] if n else []

    steps = [
        {
            "id": "same" if kind == "same" else f"s{n}",
            "action": f"action{n}" if kind == "unknown" else "expose",
            "args": {"kb": "hr", "sources": ["x"]},
            "depends_on": depends(n),
        }
        for n in range(count)
    ]
    start = time.process_time()
    judged = validate_plan({"steps": steps}, REGISTRY, Policy(), {"sources": []})
    assert time.process_time() - start < 10
    expected = {"ring": "cycle", "same": "duplicate_step_id", "unknown": "unknown_action"}
    assert {"too_many_steps", expected.get(kind, "repeated_action")} <= codes(judged)


def test_the_most_steps_are_allowed() -> None:
    """Exactly the limit is valid, one more is not."""
    registry = {"a": {"params": {}, "returns": []}}
    steps = [{"id": f"s{n}", "action": "a"} for n in range(MAX_STEPS + 1)]
    assert validate_plan({"steps": steps[:-1]}, registry).valid
    assert codes(validate_plan({"steps": steps}, registry)) == {"too_many_steps"}


def test_hostile_values_stay_out_of_messages() -> None:
    """Control characters, megabytes and bottomless values give short, printable messages."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    loop: list[Any] = []
    loop.append(loop)
    steps = [
        {"id": "s", "action": "\x1b[2J" + "x" * 1_000_000, "args": {"a" * 1_000_000: deep, "\ud800": loop}},
        {
            "id": "t",
            "action": "upload",
            "args": {"files": deep, "kb": 10**10_000},
            "depends_on": ["\x00" * 100_000],
        },
    ]
    judged = validate_plan({"steps": steps}, REGISTRY)
    assert not judged.valid
    for issue in judged.errors:
        assert len(issue.message) < 300 and issue.message.isprintable()
        assert issue.hint is None or (len(issue.hint) < 900 and issue.hint.isprintable())


def test_validation_has_the_proposals_keys() -> None:
    """The dump is the proposal's result, with issues as INTERFACE names their fields."""
    dumped = validate_plan({"steps": []}, REGISTRY).model_dump()
    assert dumped.keys() == {"valid", "errors", "warnings"}
    assert dumped["errors"][0].keys() == {"code", "step", "message", "hint"}


def test_every_code_is_documented_and_no_other() -> None:
    """The reference page is the table of codes, and the code gives no code that is not in it."""
    root = Path(__file__).parents[2]
    page = (root / "docs" / "reference" / "validator-codes.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE))
    assert rows == CODES
    files = [*(root / "agents").glob("validator*.py"), *(root / "agents").glob("ai_*.py")]
    source = "".join(file.read_text("utf-8") for file in files)
    used = set(re.findall(r'(?:error|warn)\(\s*"(\w+)"', source)) | set(re.findall(r'"(unknown_\w+)"', source))
    used |= set(re.findall(r'code="(\w+)"', source))
    assert used == CODES.keys()


def test_the_import_is_light() -> None:
    """Validating needs neither chromadb nor langgraph nor numpy."""
    code = (
        "import sys, milepost.agents.validator, milepost.tools.registry\n"
        "assert not {'numpy', 'chromadb', 'langgraph', 'langchain_core'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
