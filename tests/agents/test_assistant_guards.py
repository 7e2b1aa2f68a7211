"""Law: what a person decides is about one call, and holds: whatever ids a model chooses, and however often it calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from talk_kit import diligent

from milepost import Milepost, Policy, UserContext
from milepost.agents import origins
from milepost.agents.assistant import MOST_TOOLS
from milepost.agents.fake_server import Call, Reply, calls, says
from milepost.agents.toolbox import Toolbox


def together(*made: tuple[str, str, dict[str, Any]]) -> Reply:
    """One answer with several calls, each with an id of its own choosing."""
    one = json.loads(calls({}).body)
    one["choices"][0]["message"]["tool_calls"] = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": json.dumps(args)}}
        for id, name, args in made
    ]
    return Reply(body=json.dumps(one).encode())


def applying(mp: Milepost, name: str) -> dict[str, Any]:
    """The arguments that apply a new plan of one file."""
    plan = mp.plan([(f"{name}.md", f"# {name}\n\nAll about {name}.\n".encode())], kb="hr")
    return {"plan_id": plan.plan_id, "digest": plan.digest}


def sources(mp: Milepost) -> set[str]:
    return {hit.source for hit in mp.search("all about it", kb="hr", k=20)} if mp.kb_list() else set()


@pytest.mark.parametrize(("decisions", "kept"), [(("approve", "reject"), "one"), (("reject", "approve"), "two")])
def test_each_decision_is_about_its_own_call(talk: Any, decisions: tuple[str, ...], kept: str) -> None:
    """Two calls under one id: rejecting one leaves the other, and a yes to one is none to the other."""
    chat = talk(lambda call: says("done") if call.messages[-1]["role"] == "tool" else wanted[0])
    two = [("same", "apply_plan", applying(chat.mp, name)) for name in ("one", "two")]
    wanted = [together(*two)]
    assert len(chat.say("go").asked) == 2
    chat.decide(*decisions)
    assert sources(chat.mp) == {f"{kept}.md"}


def test_a_call_that_nobody_was_asked_about_is_not_made(talk: Any) -> None:
    """One of two calls cannot be put into words: the yes is to the other alone, whatever id the two share."""
    told: list[str] = []

    def script(call: Call) -> Reply:
        if call.messages[-1]["role"] == "tool":
            told.extend(one["content"] for one in call.messages if one["role"] == "tool")
            return says("done")
        return together(("same", "apply_plan", {"plan_id": "plan_none", "digest": "0"}), ("same", "apply_plan", good))

    chat = talk(script)
    good = applying(chat.mp, "one")
    assert len(chat.say("go").asked) == 1
    chat.decide("approve")
    assert told[0].startswith("error: there is no plan")
    assert '"completed"' in told[1]


def test_a_no_holds_where_a_yes_was_given_elsewhere(talk: Any) -> None:
    """What somebody approved by its id before does not run against the no of the person who is asked now."""
    chat = talk(diligent)
    asked = chat.say("take everything into hr")
    plan_id = asked.asked[0]["args"]["plan_id"]
    acting = chat.mp.workspace.acting_as(chat.mp.workspace.user)
    acting.asks_always = True
    waiting = chat.mp._wait(Toolbox(acting).apply_plan(plan_id, asked.asked[0]["args"]["digest"]))
    chat.mp.approve(waiting.approval_id)
    assert "cancelled" in chat.decide("reject").text
    assert chat.chunks() == 0
    assert chat.mp.approvals() == []


def test_one_answer_with_very_many_calls_is_cut(talk: Any) -> None:
    """The budget counts calls, not answers: of a thousand in one answer a few are made, and the rest are told so."""
    told: list[str] = []

    def script(call: Call) -> Reply:
        if call.messages[-1]["role"] != "tool":
            return together(*((f"c{n}", "search_knowledge", {"query": f"x{n}", "kb": "hr"}) for n in range(200)))
        told.extend(one["content"] for one in call.messages if one["role"] == "tool")
        return says("enough")

    assert talk(script).say("go").text == "enough"
    assert len(told) == 200
    assert sum("calls were made for one message" in text for text in told) == 200 - MOST_TOOLS


def test_messages_are_marked_and_the_mark_stays_at_home(talk: Any) -> None:
    """Each message has its origin; the endpoint sees none; a question says what was read before it."""
    chat = talk(diligent)
    asked = chat.say("take everything into hr")
    assert asked.asked[0]["description"].endswith("The assistant had read before: names of files.")
    chat.mp.chat_note("rolled back")
    marks = [one["origin"] for one in messages(chat.mp)]
    assert marks == ["person", "model", "tool:plan_journey", "model", "milepost"]
    assert all("origin" not in one for call in chat.server.calls for one in call.messages)


def messages(mp: Milepost) -> list[dict[str, Any]]:
    """The messages of a conversation as they are kept."""

    async def read() -> list[dict[str, Any]]:
        async with mp.workspace._assistant(None) as graph:
            state = await graph.aget_state(mp.workspace._thread("default"))
            return list(state.values["messages"])

    return mp._wait(read())


def test_a_message_without_a_mark_is_not_trusted() -> None:
    """What nobody marked may come from anywhere; what the person said, and the model, brings nothing in."""
    assert origins.entered([{"role": "user", "content": "x"}]) == [origins.OTHER]
    assert origins.entered([origins.said("x"), origins.noted("y"), origins.spoken({"role": "assistant"})]) == []
    found = [origins.answered("1", name, "z") for name in ("search_knowledge", "plan_journey", "search_knowledge")]
    assert origins.entered(found) == ["texts of documents", "names of files"]


@pytest.mark.parametrize("words", ["undo the last journey in hr", "hide leave.md"])
def test_a_plan_that_goes_back_or_hides_is_asked_about(tmp_path: Any, words: str) -> None:
    """Under `approval = "destructive"`: going back by way of a plan is asked about as going back by a preview is."""
    with Milepost(tmp_path / "home", policy=Policy.rollback(approval="destructive"), embedder="fake") as mp:
        mp.ingest([("leave.md", b"# Leave\n\nSixteen weeks.\n")], kb="hr")
        box = Toolbox(mp.workspace)
        plan = mp._wait(box.plan_journey([], "hr", words))
        shown = mp._wait(box.show_plan(plan.plan_id)).text
        assert "leave.md" in shown
        assert mp._wait(box.apply_plan(plan.plan_id, plan.digest)).status == "awaiting_approval"
        assert mp.kb_list()[0].sources == 1


def test_who_is_asked_is_the_person_of_the_conversation(talk: Any) -> None:
    """Two people in a thread of one name: each has a conversation of their own, and no decision goes to the other's."""
    chat = talk(diligent)
    chat.say("take everything into hr")
    mp = chat.mp
    ben = mp.workspace.acting_as(UserContext(user="ben"))
    asked = mp._wait(ben.chat("take everything into legal", root=chat._folder))
    assert len(asked.asked) == 1
    mp._wait(ben.chat(decisions=["reject"], root=chat._folder))
    assert "completed" in chat.decide("approve").text
