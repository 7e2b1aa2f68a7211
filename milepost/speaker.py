"""What a conversation says: text for people, or one JSON event a line for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from .console import FORMAT_VERSION, Console
from .failure import HEADS, next_command
from .store.errors import MilepostError

if TYPE_CHECKING:
    from .desk import Desk
    from .progress import Listener
    from .store.plan import Plan
    from .store.records import Checkpoint, Event, Journey, KbInfo, Progress, RollbackResult, SearchHit


class Speaker:
    """Says everything twice over: as text, or with `--json` as an event `{"format_version", "event", ...}` a line."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._console = desk.console
        self._everything = desk.options.verbose

    def say(self, event: str, text: str, **data: Any) -> None:
        """One thing: its text for people, its data for programs (the text itself where there is no other)."""
        if self._console.json:
            told = {"format_version": FORMAT_VERSION, "event": event, **(data or {"text": text})}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
        else:
            self._console.say(text)

    def ask(self, question: str) -> None:
        """A question that waits; the next line may be its answer. On a terminal it is the next prompt."""
        if self._console.json or not self._console.interactive:
            self.say("question", f"{question} [y/N]", question=question)

    def fail(self, error: MilepostError) -> None:
        """An error, in the form of every error."""
        told = {"error": error.message, "cause": error.cause, "state": error.state, "next": next_command(error)}
        text = "\n".join(f"{head}: {told[head]}" for head in HEADS if told[head])
        rest = {key: told[key] for key in ("cause", "state", "next")}
        self.say("error", text, error={"code": error.code, "message": error.message} | rest)

    def plan(self, plan: Plan) -> None:
        from .shapes import plan_shape

        self.say("plan", plan.render(everything=self._everything), **plan_shape(plan, None))

    def journey(self, journey: Journey) -> None:
        from .render import journey_text
        from .shapes import journey_shape

        self.say("journey", journey_text(journey, everything=self._everything), **journey_shape(journey))

    def status(self, journey: Journey, timeline: Sequence[Event]) -> None:
        from .render import status_text
        from .shapes import journey_shape

        text = status_text(journey, timeline, everything=self._everything)
        self.say("status", text, **journey_shape(journey, timeline))

    def checkpoints(self, listed: Sequence[Checkpoint]) -> None:
        from .render import checkpoint_table
        from .shapes import dumps

        text = checkpoint_table(listed) if listed else "There are no checkpoints."
        self.say("checkpoints", text, checkpoints=dumps(listed))

    def menu(self, listed: Sequence[Checkpoint]) -> None:
        """Checkpoints with a number each; the next line may be one."""
        from .render import checkpoint_table
        from .shapes import dumps

        if not listed:
            self.say("menu", "There are no checkpoints to go back to.", checkpoints=[])
            return
        head, *rows = checkpoint_table(listed).split("\n")
        lines = [f"    {head}", *(f"{at:>2}  {row}" for at, row in enumerate(rows, 1))]
        self.say("menu", "\n".join([*lines, f"Go back to which? [1-{len(listed)}]"]), checkpoints=dumps(listed))

    def hits(self, hits: Sequence[SearchHit]) -> None:
        from .render import hits_text
        from .shapes import dumps

        text = hits_text(hits, self._console.width, everything=self._everything) if hits else "Nothing was found."
        self.say("results", text, results=dumps(hits))

    def kbs(self, listed: Sequence[KbInfo], meant: str | None) -> None:
        from .render import columns
        from .shapes import dumps

        rows = [("*" if one.name == meant else "", one.name, str(one.sources), str(one.chunks)) for one in listed]
        text = columns(("", "KB", "SOURCES", "CHUNKS"), rows) if rows else "There are no knowledge bases yet."
        self.say("kbs", text, kbs=dumps(listed))

    def rollback(self, result: RollbackResult) -> None:
        from .rollback_text import rollback_text
        from .shapes import dump

        self.say("rollback", rollback_text(result, everything=self._everything), rollback=dump(result))

    @contextmanager
    def progress(self) -> Generator[Listener]:
        """Progress of a journey: events with `--json`, else as the other commands show it."""
        if self._console.json:
            yield self._progress
        else:
            with self._desk.progress() as listener:
                yield listener

    @contextmanager
    def talking(self) -> Generator[Talk]:
        """An assistant's turn: its words as they come, and the progress of what it does; one at a time."""
        talk = Talk(self, self._console)
        try:
            yield talk
        finally:
            talk.end()

    def _progress(self, event: Progress) -> None:
        from .shapes import dump

        if event.kind in ("milestone", "warning"):
            self.say("progress", "", progress=dump(event))


class Talk:
    """What is heard while an assistant has its turn. With `--json` its words come whole, at the end."""

    def __init__(self, speaker: Speaker, console: Console) -> None:
        self._speaker = speaker
        self._console = console
        self._showing = ExitStack()
        self._listener: Listener | None = None
        self.heard = ""

    def words(self, piece: str) -> None:
        """Some words of the assistant's."""
        if not self._console.json:
            self._quiet()
            self._console.write(piece)
            self.heard += piece

    def progress(self, event: Progress) -> None:
        """How far a journey is."""
        if self._listener is None:
            self.end()
            self._listener = self._showing.enter_context(self._speaker.progress())
        self._listener(event)

    def end(self) -> None:
        """End the line, and what shows progress."""
        self._quiet()
        if self.heard and not self.heard.endswith("\n"):
            self.words("\n")

    def _quiet(self) -> None:
        self._listener = None
        self._showing.close()
