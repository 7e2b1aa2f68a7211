"""Law: a journey type of a user's own is planned, judged, approved and run like an ingest, by what it declares."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

from milepost import (
    ApprovalRequired,
    JourneyFailed,
    Milepost,
    NotFound,
    PlanRejected,
    Policy,
    Receipt,
    StepContext,
    Undo,
    UsageError,
    embed,
    expose,
    journey_type,
    parse,
    step,
    upload,
)
from milepost.tools.embedders import FakeEmbedder
from milepost.tools.user_steps import UserStep

SAID: list[Any] = []


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@step("mark", returns=["at"])
async def mark(ctx: StepContext, address: str, layer: str = "sites", size: int | None = None) -> Receipt:
    """Put one point on the map."""
    SAID.append((address, layer, size))
    return Receipt(target={"address": address}, post={"at": len(SAID), "address": address})


@mark.undoes
async def unmark(undo: Undo) -> None:
    SAID.append(("undo", undo.args["address"]))


@step("tell")
def tell(ctx: StepContext, at: int) -> Receipt:
    SAID.append(("tell", at))
    return Receipt(target={"at": at})


marking = journey_type("marking", steps=[mark])
telling = journey_type(
    "telling",
    steps=[mark, tell],
    template=[mark, {"action": "tell", "args": {"at": {"$ref": "mark", "field": "at"}}}],
)
loading = journey_type("loading", steps=[upload, parse, embed, expose, mark])


@pytest.fixture
def mp(tmp_path: Path) -> Iterator[Milepost]:
    SAID.clear()
    types = (marking, telling, loading)
    with Milepost(tmp_path / "home", policy="rollback", embedder=FakeEmbedder(16), journey_types=types) as opened:
        yield opened


def test_params_follow_from_the_signature() -> None:
    """Type, need, choices and items of each argument, as JSON schema has them; what JSON does not know may be all."""

    @step("every")
    def every(
        ctx: StepContext, a: str, b: int, c: float, d: bool, e: list[str], f: dict[str, Any], g: str | None,
        h: Literal["x", "y"], i: Colour, j: Path, k: Any, n: int = 3, *, m: tuple[int, ...] = (),
    ) -> None:  # fmt: skip
        """Take everything."""

    assert isinstance(every, UserStep)
    types = {name: spec["type"] for name, spec in every.params.items()}
    assert types == {
        "a": "string", "b": "integer", "c": "number", "d": "boolean", "e": "array", "f": "object",
        "g": ["string", "null"], "h": "string", "i": "string", "j": "string",
        "k": ["string", "number", "boolean", "array", "object", "null"], "n": "integer", "m": "array",
    }  # fmt: skip
    assert every.params["e"]["items"] == "string" and every.params["h"]["enum"] == ["x", "y"]
    assert every.params["i"]["enum"] == ["red", "blue"]
    assert [name for name, spec in every.params.items() if not spec["required"]] == ["n", "m"]
    assert every.typed({"i": "red", "j": "a/b", "m": [1]}) == {"i": Colour.RED, "j": Path("a/b"), "m": (1,)}
    with pytest.raises(JourneyFailed, match="argument 'm' of 'every' cannot be"):
        every.typed({"m": ["x"]})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: step("upload"), "a step of Milepost's own"),
        (lambda: step("two words"), "cannot be called 'two words'"),
        (lambda: step(tell), "cannot be called"),
        (lambda: step("a")(lambda: None), "takes no context"),
        (lambda: step("a")(lambda ctx, *more: None), "which a plan cannot name"),
        (lambda: step("a")(lambda ctx, **more: None), "which a plan cannot name"),
        (lambda: journey_type("data_ingest", steps=[mark]), "cannot be called"),
        (lambda: journey_type("empty", steps=[]), "has no steps"),
        (lambda: journey_type("twice", steps=[mark, mark]), "has two steps 'mark'"),
        (lambda: journey_type("odd", steps=["remove"]), "is no step that 'odd' can have"),
        (lambda: journey_type("more", steps=[mark], template=[tell]), "has the step 'tell', its steps do not"),
    ],
)
def test_what_cannot_be_declared(make: Any, said: str) -> None:
    """A wrong declaration is refused where it is made, in words."""
    with pytest.raises(UsageError, match=said):
        make()


def test_the_class_of_an_effect_follows_from_what_is_declared() -> None:
    """Irreversible until an undo is declared for the version that runs."""

    @step("a", version=2)
    def a(ctx: StepContext) -> None: ...

    assert (a.effect, a.handler) == ("irreversible", None)
    a.undoes(lambda undo: None, version=1)  # type: ignore[call-overload] # a lambda is a function, too
    assert a.effect == "irreversible"
    a.undoes(lambda undo: None)
    assert (a.effect, a.handler) == ("compensable", "undo_a")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"adress": "x"}, 'no step takes an argument "adress"; did you mean "address"?'),
        ({"address": 3}, '"address" of "mark" must be string, not integer'),
        ({}, '"mark" needs the argument "address"'),
        ({"address": "x", "size": "big"}, '"size" of "mark" must be integer or null, not string'),
    ],
)
def test_bad_arguments_are_named(mp: Milepost, args: dict[str, Any], said: str) -> None:
    """By the validator that judges every plan, before anything is saved."""
    with pytest.raises(PlanRejected) as refused:
        mp.plan([], journey_type="marking", args=args)
    assert said in refused.value.message and SAID == [] and mp.newest_plan() is None


def test_a_type_that_is_not_there(mp: Milepost) -> None:
    """The error names what there is; arguments of an ingest, files of a type that takes none are refused."""
    with pytest.raises(NotFound, match="there is no journey type 'markin'") as unknown:
        mp.plan([], journey_type="markin")
    assert unknown.value.cause == "did you mean 'marking'?"
    with pytest.raises(UsageError, match="an ingest takes no args"):
        mp.plan([], args={"a": 1})
    with pytest.raises(UsageError, match="takes no files"):
        mp.plan([("a.txt", b"a")], journey_type="marking", args={"address": "x"})
    with pytest.raises(UsageError, match="takes no kb"):
        mp.plan([], kb="hr", journey_type="marking", args={"address": "x"})
    with pytest.raises(UsageError, match="are no JSON"):
        mp.plan([], journey_type="marking", args={"address": {1, 2}})


def test_a_plan_shows_what_it_will_do(mp: Milepost) -> None:
    """Every step with its arguments; the same request has the same id, until a journey of the type ended."""
    plan = mp.plan([], journey_type="marking", args={"address": "Main Street 1"})
    assert '> mark                     address "Main Street 1"' in plan.render()
    assert (plan.kb, plan.steps[0].effect, plan.steps[0].observed) == (None, "compensable", False)
    assert mp.plan([], journey_type="marking", args={"address": "Main Street 1"}).plan_id == plan.plan_id
    journey = mp.apply(plan)
    assert [one.milestone_id for one in journey.checkpoints] == ["before_mark", "mark_complete"]
    assert mp.apply(plan).journey_id == journey.journey_id and len(SAID) == 1
    assert mp.plan([], journey_type="marking", args={"address": "Main Street 1"}).plan_id != plan.plan_id


def test_a_later_step_uses_an_earlier_result(mp: Milepost) -> None:
    """A reference is what the earlier step's receipt says is there now; a field that it does not have is refused."""
    plan = mp.plan([], journey_type="telling", args={"address": "x"})
    assert plan.steps[1].depends_on == ("mark",)
    mp.apply(plan, approve=True)
    assert SAID == [("x", "sites", None), ("tell", 1)]
    steps = (plan.steps[0], plan.steps[1].model_copy(update={"args": {"at": {"$ref": "mark", "field": "of"}}}))
    with pytest.raises(PlanRejected, match='"mark" returns no field "of"'):
        mp.apply(plan.model_copy(update={"steps": steps}).sealed(), approve=True)


def test_what_cannot_be_undone_waits_for_a_person(mp: Milepost) -> None:
    """The plan says so before it runs; only `never` in so many words lets it run without a yes."""
    plan = mp.plan([], journey_type="telling", args={"address": "x"})
    assert "! tell                     at from mark.at; cannot be undone" in plan.render()
    assert "1 of which cannot be undone" in plan.render()
    with pytest.raises(ApprovalRequired) as asked:
        mp.apply(plan)
    assert "the policy does not say" in asked.value.cause and SAID == []
    assert [one.plan_id for one in mp.approvals()] == [plan.plan_id]
    mp.approve(plan.plan_id)
    assert mp.apply(plan).status == "completed"


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        (None, True),
        ({"preset": "rollback", "approval": "never"}, False),
        (Policy.rollback(approval="never"), False),
        (Policy.rollback(), True),
        ({"preset": "rollback", "approval": "destructive"}, True),
    ],
)
def test_never_has_to_be_said(mp: Milepost, policy: Any, waits: bool) -> None:
    """A default is not a word; the same value given by anybody is, and is kept with the plan."""
    plan = mp.plan([], journey_type="telling", args={"address": "x"}, policy=policy)
    if waits:
        with pytest.raises(ApprovalRequired):
            mp.apply(plan)
    else:
        assert mp.apply(plan).status == "completed"


def test_a_plan_cannot_claim_an_undo(mp: Milepost) -> None:
    """An edited plan that calls an irreversible step undoable, to escape the question, is refused."""
    plan = mp.plan([], journey_type="telling", args={"address": "x"})
    steps = (plan.steps[0], plan.steps[1].model_copy(update={"effect": "compensable"}))
    with pytest.raises(PlanRejected, match="says that it can be undone"):
        mp.apply(plan.model_copy(update={"steps": steps}).sealed())
    assert SAID == []


def test_milepost_steps_and_own_ones_in_one_journey(mp: Milepost) -> None:
    """A type with upload takes files and a kb; going back undoes both, and the kb is as it was."""
    plan = mp.plan([("a.txt", b"a file for the map")], kb="maps", journey_type="loading", args={"address": "x"})
    assert [one.id for one in plan.steps] == ["upload", "parse", "embed", "expose", "mark"]
    journey = mp.apply(plan)
    assert journey.status == "completed" and mp.search("map", kb="maps") != [] and SAID == [("x", "sites", None)]
    digest = mp.kb_digest("maps").digest
    result = mp.undo(journey)
    assert result.success and mp.search("map", kb="maps") == [] and SAID[-1] == ("undo", "x")
    assert mp.resume(journey).status == "completed" and mp.kb_digest("maps").digest == digest


def test_a_chain_that_skips_a_step_is_refused(mp: Milepost) -> None:
    """Milepost's own steps need one another in a type of one's own, too."""
    journey_type("gap", steps=[upload, parse, expose])
    with pytest.raises(PlanRejected, match="embed"):
        mp.plan([("a.txt", b"a")], kb="maps", journey_type="gap")


MODULE = """
from pathlib import Path
from milepost import Receipt, journey_type, step

@step("touch")
def touch(ctx, path):
    Path(path).touch()
    return Receipt(target={"path": path}, post=True)

@touch.observes
def look(target):
    return True if Path(target["path"]).exists() else None

@touch.undoes
def remove(undo):
    Path(undo.args["path"]).unlink(missing_ok=True)

touching = journey_type("touching", steps=[touch])
"""


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Path]:
    """A module beside the home; what importing it left behind is taken back."""
    path = list(sys.path)
    (tmp_path / "own_journeys.py").write_text(MODULE, encoding="utf-8")
    yield tmp_path
    sys.path[:] = path
    sys.modules.pop("own_journeys", None)


def test_a_type_is_found_through_the_configuration(beside: Path) -> None:
    """milepost.toml names it as module:attribute, and the module may lie beside the home."""
    home = beside / "home"
    home.mkdir()
    (home / "milepost.toml").write_text('policy = "rollback"\njourney_types = ["own_journeys:touching"]\n')
    made = beside / "made"
    with Milepost(home) as mp:
        journey = mp.apply(mp.plan([], journey_type="touching", args={"path": str(made)}))
        assert made.exists() and mp.undo(journey).success and not made.exists()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("own_journeys", "is not module:attribute"),
        ("own_journeys:gone", "has no attribute 'gone'"),
        ("nothing_here:at_all", "No module named 'nothing_here'"),
        ("own_journeys:touch", "not what journey_type"),
    ],
)
def test_a_type_that_cannot_be_loaded(beside: Path, said: str, why: str) -> None:
    """The error says which one and why; work that needs no such type goes on."""
    with Milepost(beside / "home", journey_types=(said,), embedder=FakeEmbedder(16)) as mp:
        with pytest.raises(UsageError) as refused:
            mp.plan([], journey_type="touching", args={"path": "x"})
        assert why in f"{refused.value.message} {refused.value.cause}"
        assert mp.ingest([("a.txt", b"a")], kb="hr").status == "completed"


def test_a_plan_with_many_steps(mp: Milepost) -> None:
    """Steps of one action, as many as a plan may have, with ids of any kind; each is run once, in order."""
    steps = [
        {"id": f"step {n}" if n % 3 else f"plan{n}:|", "action": "mark", "args": {"address": str(n)}} for n in range(60)
    ]
    journey_type("many", steps=[mark], template=lambda args: steps)
    journey = mp.apply(mp.plan([], journey_type="many"))
    assert journey.status == "completed" and [said[0] for said in SAID] == [str(n) for n in range(60)]
    assert mp.undo(journey).success and [said[1] for said in SAID[60:]] == [str(n) for n in reversed(range(60))]


@pytest.mark.parametrize("at", [0, 2, 4])
def test_every_checkpoint_of_a_mixed_journey_is_a_place_to_return_to(mp: Milepost, at: int) -> None:
    """Wherever the own step stands: what came after a checkpoint is undone, what came before is kept."""
    template: list[Any] = [upload, parse, embed, expose]
    template.insert(at, mark)
    journey_type("mixed", steps=[upload, parse, embed, expose, mark], template=template)
    journey = mp.apply(
        mp.plan([("a.txt", b"a file for the map")], kb="maps", journey_type="mixed", args={"address": "x"})
    )
    digest, names = mp.kb_digest("maps").digest, [one.milestone_id for one in journey.checkpoints]
    for checkpoint in reversed(journey.checkpoints):
        SAID.clear()
        assert mp.rollback_to_checkpoint(checkpoint).success
        kept = names[: names.index(checkpoint.milestone_id) + 1]
        assert ("undo" in [said[0] for said in SAID]) == ("mark_complete" not in kept)
        assert (mp.search("map", kb="maps") != []) == ("expose_complete" in kept)
        assert mp.resume(journey).status == "completed" and mp.kb_digest("maps").digest == digest
        assert [said[0] for said in SAID] in ([], ["undo", "x"])


def test_a_whole_kb_taken_back_says_what_it_leaves(mp: Milepost) -> None:
    """What journeys did outside the kb is not the kb's past: it stays, is named, and is undone with its journey."""
    plan = mp.plan([("a.txt", b"a file for the map")], kb="maps", journey_type="loading", args={"address": "x"})
    journey = mp.apply(plan)
    back = mp.rollback(to=0, kb="maps")
    assert f"what {journey.journey_id} did outside the kb is not undone" in str(back.message)
    assert mp.status(journey).status == "completed" and SAID == [("x", "sites", None)]
    assert mp.undo(journey).success and mp.status(journey).status == "rolled_back" and SAID[-1] == ("undo", "x")


def test_a_type_is_found_through_an_entry_point(beside: Path) -> None:
    """An installed package names it in the group milepost.journey_types; nobody has to hand it over."""
    info = beside / "own_journeys-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-journeys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[milepost.journey_types]\ntouching = own_journeys:touching\n")
    program = (
        "from milepost import Milepost\n"
        "with Milepost('home', policy='rollback') as mp:\n"
        "    journey = mp.apply(mp.plan([], journey_type='touching', args={'path': 'made'}))\n"
        "    print(journey.status, mp.undo(journey).success)\n"
        "    print([one['detail'] for one in mp.doctor() if one['name'] == 'journey types'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(beside)}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=beside, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines() == ["completed True", "['touching']"], ran.stdout + ran.stderr
    assert not (beside / "made").exists()


def test_a_type_that_cannot_be_loaded_is_a_finding(beside: Path) -> None:
    """`doctor` says which, and why."""
    with Milepost(beside / "home", journey_types=("nothing_here:at_all",), embedder=FakeEmbedder(16)) as mp:
        mp.init()
        [finding] = [one for one in mp.doctor() if one["name"] == "journey types"]
        assert finding["ok"] is False and "nothing_here:at_all" in finding["detail"]


def test_the_proposals_planning_takes_own_types(mp: Milepost) -> None:
    """`generate_ai_plan` and `validate_plan` of the capability know the type; the arguments are in `requirements`."""
    mp.init()
    capability = mp.planning_capability

    async def plan() -> tuple[dict[str, Any], dict[str, Any]]:
        made = await capability.generate_ai_plan("marking", {"args": {"address": "x"}}, {})
        return made, await capability.validate_plan(made, {})

    made, judged = asyncio.run(plan())
    assert made["steps"][0]["action"] == "mark" and judged["valid"]
    assert mp.apply(made["plan_id"]).status == "completed"
