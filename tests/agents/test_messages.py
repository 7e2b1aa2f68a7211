"""Law: a conversation's messages are read by an endpoint and by LangGraph's clients alike, whoever wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from milepost.agents.messages import joined, mended

CALL = {"id": "c1", "type": "function", "function": {"name": "show_plan", "arguments": '{"plan_id": "p"}'}}
ASKS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWER = {"role": "tool", "tool_call_id": "c1", "content": "yes"}


@pytest.mark.parametrize(
    "words",
    [
        {"role": "user", "content": "go"},
        {"type": "human", "content": "go", "id": "mine"},
        {"type": "human", "content": [{"type": "text", "text": "go"}]},
        {"role": "system", "content": "go"},
        HumanMessage("go"),
        ("user", "go"),
        "go",
    ],
    ids=str,
)
def test_whatever_a_client_sends_is_a_persons_words(words: Any) -> None:
    """In any of LangChain's forms, one alone or in a list; a system's message is nobody's but the person's, too."""
    for given in (words, [words]):
        [one] = joined([], given)
        assert (one["role"], one["type"], one["content"], one["origin"]) == ("user", "human", "go", "person")
        assert one["id"] and json.loads(json.dumps(one)) == one


def test_a_call_has_both_spellings() -> None:
    """The endpoint's `function`, and LangChain's `name` and `args`; what is no JSON has no arguments."""
    for said in (ASKS, AIMessage("", tool_calls=[{"id": "c1", "name": "show_plan", "args": {"plan_id": "p"}}])):
        [call] = joined([], [said])[0]["tool_calls"]
        assert (call["name"], call["args"]) == ("show_plan", {"plan_id": "p"})
        assert json.loads(call["function"]["arguments"]) == {"plan_id": "p"}
    broken = {**CALL, "function": {"name": "show_plan", "arguments": "{no"}}
    assert joined([], [{**ASKS, "tool_calls": [broken]}])[0]["tool_calls"][0]["args"] == {}


def test_an_endpoint_finds_an_answer_behind_every_call() -> None:
    """Also where the person said something else instead; an answer to nothing is left out, as are our own keys."""
    said = joined([], [ASKS, {"role": "user", "content": "no"}, ANSWER, ASKS, ANSWER])
    sent = mended(said, "not done")
    assert [(one["role"], one["content"]) for one in sent] == [
        ("assistant", None), ("tool", "not done"), ("user", "no"), ("assistant", None), ("tool", "yes")
    ]  # fmt: skip
    assert {key for one in sent for key in one} == {"role", "content", "tool_calls", "tool_call_id"}
