"""Law: however a model's server fails, there is a labelled plan within the deadline and the budget."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from ai_kit import asked
from planner_kit import EMBEDDER, USER, World
from pydantic import SecretStr

from milepost import AsyncMilepost, Milepost
from milepost.agents.ai_calls import retry_after
from milepost.agents.chat_model import ModelEndpoint
from milepost.agents.fake_server import FAULTS, FakeServer, everything, fails, hangs, plain_plan, says
from milepost.store.plan import Plan
from milepost.store.policy import Policy

ONCE = {"400", "401", "403", "429, Retry-After 3600", "a refusal"}
"""Faults after which asking again cannot help."""
SECONDS = 1.0
AROUND = 4.0
"""Seconds that planning two small files may take besides on a busy machine; a call that was missed would hang on."""


def impatient(**more: Any) -> Policy:
    return Policy.full(approval="never", ai={"deadline_seconds": SECONDS, **more})


@pytest.fixture
def files(world: World) -> World:
    world.write("a.md", "# A\n\nText.\n")
    world.write("b.md", "# B\n\nMore text.\n")
    return world


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_in_a_labelled_plan_within_the_deadline(files: World, fault: str) -> None:
    """A fallback with a reason in one line; asked once where asking again cannot help."""
    _ends_well(files, fault)


ANSWERED = {
    "not JSON", "fenced JSON of another form", "NaN", "10 MB", "empty content", "a refusal",
    "an unknown finish_reason",
}  # fmt: skip
"""Faults of the model's own; of the others its server, or the way there, is the cause."""
TOGETHER = 10


@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_a_hundred_times(files: World, fault: str) -> None:
    """As above, ten at a time through one home; afterwards it has no journey and no kb."""
    policy = Policy.full(approval="never", ai={"deadline_seconds": 0.5})

    async def once(milepost: AsyncMilepost, turn: asyncio.Semaphore) -> float:
        async with turn:
            began = time.monotonic()
            _is_fallback(await milepost.plan([files.docs], kb="hr", save=False))
            return time.monotonic() - began

    async def often(server: FakeServer) -> list[float]:
        model = ModelEndpoint("scripted", base_url=server.url)
        milepost = AsyncMilepost(files.home_path, policy=policy, embedder=EMBEDDER, user=USER, chat_model=model)
        async with milepost:
            await milepost.init()
            turn = asyncio.Semaphore(TOGETHER)
            took = await asyncio.gather(*(once(milepost, turn) for _ in range(100)))
            assert await milepost.journeys() == []
            return took

    with FakeServer([FAULTS[fault]()]) as server:
        took = asyncio.run(often(server))
    assert len(took) == 100
    assert max(took) < 0.5 + AROUND * TOGETHER
    print(f"{fault}: 100 of 100 ended in the template's plan, the slowest after {max(took):.1f} s")


def _ends_well(files: World, fault: str) -> None:
    began = time.monotonic()
    with asked(files, [FAULTS[fault]()], policy=impatient()) as (plan, server, milepost):
        assert time.monotonic() - began < SECONDS + AROUND
        _is_fallback(plan)
        assert (len(server.calls) == 1) == (fault in ONCE or fault == "429, Retry-After 1"), plan.origin
        assert (plan.origin.failure != "service") == (fault in ANSWERED), plan.origin
        assert milepost.journeys() == []


def _is_fallback(plan: Plan) -> None:
    assert (plan.origin.planner, plan.summary.add) == ("fallback", 2)
    assert plan.origin.reason
    assert "\n" not in plan.origin.reason


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - ONCE))
def test_a_fault_that_passes_is_no_fault(files: World, fault: str) -> None:
    """The call after it is answered: the plan is the model's."""

    def script(call: Any) -> Any:
        served.append(call)
        return FAULTS[fault]() if len(served) == 1 else everything(call)

    served: list[Any] = []
    with asked(files, script, policy=Policy.full(approval="never", ai={"deadline_seconds": 8.0})) as (plan, _, _m):
        assert plan.origin.planner == "ai", plan.origin.reason
        assert plan.origin.calls == 2


def test_retry_after_is_honoured_up_to_the_deadline(files: World) -> None:
    """The second call comes no earlier than asked for."""
    times: list[float] = []

    def script(call: Any) -> Any:
        times.append(time.monotonic())
        return fails(429, retry_after=1) if len(times) == 1 else everything(call)

    with asked(files, script) as (plan, _, _m):
        assert plan.origin.planner == "ai"
    assert times[1] - times[0] >= 1.0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("2", 2.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("nan", None), ("1e999", None), (None, None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("21 Smarch", None)],
)  # fmt: skip
def test_a_retry_after_header_is_read_in_every_form(said: str | None, seconds: float | None) -> None:
    """A number, a date that is past, nonsense, none."""

    class Said(Exception):
        def __init__(self) -> None:
            headers = {} if said is None else {"retry-after": said}
            self.response = type("Response", (), {"headers": headers, "status_code": 429})()

    assert retry_after(Said()) == seconds


def test_the_budget_is_looked_at_before_each_call(files: World) -> None:
    """Of calls, failed ones included; of tokens, those of the prompt that would go among them."""
    for budget, made, word in (
        ({"max_model_calls": 0}, 0, "max_model_calls"),
        ({"max_model_calls": 2}, 2, "max_model_calls"),
        ({"max_model_tokens": 100}, 0, "max_model_tokens"),
        ({"max_model_tokens": 20_000}, 1, "max_model_tokens"),
    ):
        policy = Policy.full(approval="never", budget=budget)
        with asked(files, [says("no", tokens=(19_000, 500))], policy=policy) as (plan, server, _):
            _is_fallback(plan)
            assert (len(server.calls), word in str(plan.origin.reason)) == (made, True)


def test_the_answers_length_is_bounded_by_what_is_left(files: World) -> None:
    """The server is told how many tokens the answer may have."""
    policy = Policy.full(approval="never", budget={"max_model_tokens": 9_000})
    with asked(files, everything, policy=policy) as (_, server, _m):
        assert 0 < server.calls[0].body["max_completion_tokens"] < 9_000


@pytest.mark.parametrize(("asked_for", "told"), [({}, 6_000), ({"max_answer_tokens": 384}, 384)])
def test_the_answers_length_is_bounded_by_policy(files: World, asked_for: dict[str, int], told: int) -> None:
    """By `ai.max_answer_tokens`, where the budget leaves more."""
    with asked(files, everything, policy=Policy.full(approval="never", ai=asked_for)) as (_, server, _m):
        assert server.calls[0].body["max_completion_tokens"] == told


def test_an_answer_cut_at_its_length_is_an_attempt_and_is_mended(files: World) -> None:
    """OpenAI's client raises it; it is not asked for again as if the server had failed, and its tokens are counted."""
    cut = says('{"steps": [{"id": "up', finish_reason="length", tokens=(700, 384))
    whole = says(plain_plan(["f1", "f2"], "hr"))
    with asked(files, [cut, whole], policy=Policy.full(approval="never")) as (plan, server, _):
        assert (plan.origin.planner, plan.origin.attempts, plan.origin.calls) == ("ai", 2, 2)
        assert plan.origin.output_tokens == 384 + 20
        assert "length limit" in server.calls[1].messages[-1]["content"]
        assert "response_format" in server.calls[1].body


CANARY = "sk-CANARY-5f1d"


@pytest.mark.parametrize("reply", [fails(401, message=f"bad key {CANARY}"), fails(500, message=CANARY), hangs()])
def test_the_key_is_nowhere(files: World, capfd: pytest.CaptureFixture[str], reply: Any) -> None:
    """Sent to the server; in no file of the home, no output, no plan, although the server repeats it in its error."""
    with FakeServer([reply]) as server:
        model = ModelEndpoint("scripted", SecretStr(CANARY), server.url)
        with Milepost(files.home_path, policy=impatient(), embedder=EMBEDDER, user=USER, chat_model=model) as milepost:
            plan = milepost.plan([files.docs], kb="hr")
            milepost.apply(plan, approve=True)
            assert server.calls[0].headers["authorization"] == f"Bearer {CANARY}"
            assert CANARY not in f"{plan!r} {plan.render()} {model!r}"
    assert CANARY not in "".join(capfd.readouterr())
    for path in (one for one in Path(files.home_path).rglob("*") if one.is_file()):
        assert CANARY.encode() not in path.read_bytes(), path
