"""Law: a word that forbids or restricts does so as a verb; as a part of a name, or as a noun, it says nothing."""

from __future__ import annotations

import pytest

from milepost.agents.request_doubt import unsure_act
from milepost.agents.request_words import LEAVE_OUT, NO_EXPOSE, tokens

NAMES = tokens("people/parental-leave.md")


@pytest.mark.parametrize(
    "words",
    [
        "leave the annex",
        "all of it but leave the annex",
        "please leave out the annex",
        "add it, leave the rest",
        "it, not the annex",
    ],
)
def test_a_verb_leaves_out(words: str) -> None:
    assert LEAVE_OUT.search(words)


@pytest.mark.parametrize("words", ["add the parental leave page", "the leave policy", "sick leave forms"])
def test_a_noun_leaves_nothing_out(words: str) -> None:
    assert not LEAVE_OUT.search(words)


def test_what_is_to_be_left_out_of_the_bot_is_not_exposed() -> None:
    assert NO_EXPOSE.search("add it and leave the annex out of the bot")
    assert not NO_EXPOSE.search("take the parental leave page out of the bot")


@pytest.mark.parametrize("words", ["hide the parental leave page", "hide our leave policy", "hide leave.md"])
def test_a_name_that_is_meant_is_no_doubt(words: str) -> None:
    assert unsure_act(words)
    assert not unsure_act(words, names=NAMES)


@pytest.mark.parametrize(
    "words",
    ["hide parental things but leave the annex", "hide the pages, leave parental leave", "hide it unless it is"],
)
def test_another_word_stays_a_doubt(words: str) -> None:
    assert unsure_act(words, names=NAMES)
