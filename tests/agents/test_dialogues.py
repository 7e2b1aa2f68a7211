"""Law: a conversation ends in what the person decided, whatever turns they or the model take on the way.

The model is a script behind an OpenAI-compatible server, met by the real client. After every turn it is looked at what
the person was asked and told, what the model was told, and what people find.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dialogue_cases import DIALOGUES
from dialogues import Dialogue, Playing, Turn
from talk_kit import Talk

from milepost import JourneyFailed, UsageError, UserContext
from milepost.agents import FakeServer


class Stage:
    """A dialogue in progress."""

    def __init__(self, dialogue: Dialogue, home: Path, folder: Path, server: FakeServer) -> None:
        self._dialogue, self._home, self._folder, self._server = dialogue, home, folder, server
        self._open()
        for names in dialogue.given:
            self._talk.mp.ingest([folder / f"{name}.md" for name in names.split()], kb="hr", approve=True)

    def _open(self) -> None:
        self._talk = Talk(self._home, self._folder, self._server, self._dialogue.policy)

    def play(self, turn: Turn) -> None:
        self._happens(turn.before)
        mp = self._talk.mp
        acting = mp.workspace.acting_as(UserContext(user=turn.by))
        said: dict[str, Any] = {"decisions": turn.decides} if turn.decides else {"text": turn.words}
        heard, shown = "", ""
        asked: tuple[str, ...] = ()
        try:
            reply = mp._wait(acting.chat(**said, root=self._folder))
            heard, asked = reply.text, tuple(one["name"] for one in reply.asked)
            shown = "\n".join(one["description"] for one in reply.asked)
        except (JourneyFailed, UsageError) as failed:
            heard = f"{failed.message} {failed.state}"
        told = json.dumps(self._server.calls[-1].messages, ensure_ascii=False).replace('\\"', '"')
        assert asked == turn.asks, (heard, told)
        assert turn.shows in shown
        assert turn.hears in heard, (heard, told)
        assert turn.told in told
        if turn.has is not None:
            assert self._sources() == turn.has

    def _happens(self, what: str) -> None:
        mp = self._talk.mp
        if what == "change":
            (self._folder / "leave.md").write_text("# leave\n\nAll of this is new.\n", encoding="utf-8")
        elif what == "others change":
            ben = mp.workspace.acting_as(UserContext(user="ben"))
            mp._wait(ben.ingest([("leave.md", b"# leave\n\nBy ben.\n"), ("travel.md", b"# t\n\nToo.\n")], kb="hr"))
        elif what == "undo":
            mp.rollback(last=True, kb="hr")
            mp.chat_note("rolled back the last journey")
        elif what == "restart":
            mp.close()
            self._open()
            assert len(self._talk.mp.chat_waiting()) == 1

    def _sources(self) -> set[str]:
        mp = self._talk.mp
        if "hr" not in {kb.name for kb in mp.kb_list()}:
            return set()
        return {hit.source for hit in mp.search("everybody should know new", kb="hr", k=20)}

    def close(self) -> None:
        self._talk.mp.close()


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
def test_dialogue(dialogue: Dialogue, tmp_path: Path, folder: Path) -> None:
    """Each turn comes out as it should, and the model was asked for all of its moves and no more."""
    (tmp_path / "secret.md").write_text("# Secret\n\nNot for here.\n", encoding="utf-8")
    if dialogue.name == "a broken file is named":
        (folder / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing of a PDF")
    playing = Playing(dialogue.moves)
    with FakeServer(playing) as server:
        stage = Stage(dialogue, tmp_path / "home", folder, server)
        try:
            for turn in dialogue.turns:
                stage.play(turn)
        finally:
            stage.close()
    assert playing.left == []


def test_there_are_enough() -> None:
    """At least thirty, each under a name of its own."""
    assert len({one.name for one in DIALOGUES}) == len(DIALOGUES) >= 30
