"""A conversation at a desk: one line in, and what came of it out. Slash commands do what the commands do.

A sentence is a request for a plan. Whatever changes data is shown first and waits for a yes; what is asked stands until
it is answered, and an answer is `y`, `/approve`, `n` or `/reject`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .failure import as_failure
from .left_over import left_over
from .rollback_text import in_the_way
from .slash import COMMANDS, HELLO, Pending, help_text, looked_for, paths_in
from .store.errors import UsageError
from .store.words import short_id

if TYPE_CHECKING:
    from .desk import Desk
    from .half_said import HalfSaid
    from .speaker import Speaker
    from .store.plan import Plan
    from .store.records import Checkpoint

MENU = 20
YES = frozenset({"y", "yes"})
NO = frozenset({"n", "no"})


class Conversation:
    """What was said so far, as far as it matters: the kb that is meant, what waits, what was left open, the menu."""

    def __init__(self, desk: Desk, speaker: Speaker, kb: str | None) -> None:
        self._desk = desk
        self._speaker = speaker
        self._kb = kb
        self._pending: Pending | None = None
        self._menu: list[Checkpoint] = []
        self._open: HalfSaid | None = None
        self.over = False

    def begin(self) -> None:
        """Tell what an earlier conversation left: a question that waits, journeys that did not end."""
        try:
            if not self._desk.options.yes:  # it answers what is asked from now on
                self._asked(self._desk.mp.chat_waiting())
            for said in left_over(self._desk.mp, planned=self._pending is None):
                self._speaker.say("text", said)
        except Exception as error:  # a home that does not open is told of when it is needed, too
            self._speaker.fail(as_failure(error))

    def hear(self, line: str) -> None:
        """Take one line; an error is told, and nothing of the conversation is lost."""
        said = line.strip()
        try:
            self._take(said)
        except KeyboardInterrupt:
            self._speaker.say("text", "Stopped. What was done so far is kept; /status says how it stands.")
        except Exception as error:  # whatever it was: the conversation goes on
            self._speaker.fail(as_failure(error))

    @property
    def asking(self) -> str | None:
        """The question that waits."""
        return self._pending.question if self._pending else None

    def _take(self, said: str) -> None:
        if said.startswith("/"):
            name, _, rest = said[1:].partition(" ")
            self._command(name.lower())(rest.strip())
        elif said.lower() in YES | NO or (self._pending and not said):
            self._answer(said.lower() in YES)
        elif self._menu and said.isdecimal():
            self.rewind(said)
        elif said:
            self._request(said)

    def _command(self, name: str) -> Callable[[str], None]:
        if name not in COMMANDS:
            from .store.policy import did_you_mean

            raise UsageError(f"there is no /{name[:80]}{did_you_mean(name, COMMANDS)}", next="/help")
        work: Callable[[str], None] = getattr(self, name)
        return work

    # answers

    def approve(self, _: str) -> None:
        """Say yes to what waits."""
        self._answer(True)

    def reject(self, _: str) -> None:
        """Say no to what waits."""
        self._answer(False)

    def _answer(self, yes: bool) -> None:
        pending, self._pending = self._pending, None
        if pending is None:
            raise UsageError("nothing waits for an answer", next="/plan PATH")
        pending.yes() if yes else pending.no()

    def edit(self, rest: str) -> None:
        """Plan what waits again, for other words; the new plan is asked about."""
        edit = self._pending.edit if self._pending else None
        if edit is None or not rest:
            missing = "no plan waits that could be edited" if rest else "the words are missing that say what is wanted"
            raise UsageError(missing, next="/edit TEXT" if edit else "/plan PATH")
        self._pending = None
        edit(rest)

    def _ask(
        self, question: str, yes: Callable[[], None], no: Callable[[], None], edit: Callable[[str], None] | None = None
    ) -> None:
        self._pending = Pending(question, yes, no, edit)
        if self._desk.options.yes:
            self._answer(True)
        else:
            self._speaker.ask(question)

    # plans

    def ingest(self, rest: str) -> None:
        """Plan and apply; asked about where the policy asks."""
        plan = self._made(paths_in(rest), None)
        if plan.questions:
            return
        if self._desk.policy.approval == "never" and plan.origin.planner != "ai":
            self._apply(plan, approve=False)
        else:
            self._ask_about(plan)

    def plan(self, rest: str) -> None:
        """Make a plan and show it; /approve applies it."""
        plan = self._made(paths_in(rest), None)
        if not plan.questions:
            self._ask_about(plan)

    def _request(self, said: str) -> None:
        """Words: for the assistant, where there is a model; else a request that the planner reads."""
        if self._desk.mp.workspace.chat_model is not None:
            self._talk(said)
        elif said.lower().strip(" ?!.") in HELLO:
            self.help("")
        elif wanted := looked_for(said, [kb.name for kb in self._desk.mp.kb_list()]):
            self._speaker.hits(self._desk.mp.search(wanted[0], kb=wanted[1] or self._named_kb()))
        else:
            self._plan_for(said)

    def _talk(self, said: str | None, decisions: Sequence[str | dict[str, Any]] | None = None) -> None:
        """The assistant's turn: its words and its progress as they come, then what it asks."""
        with self._speaker.talking() as talk:
            words = None if self._desk.console.json else talk.words
            reply = self._desk.mp.chat(said, decisions=decisions, kb=self._kb, on_words=words,
                                       on_progress=talk.progress)  # fmt: skip
        if reply.text and not talk.heard.rstrip().endswith(reply.text.rstrip()):
            self._speaker.say("assistant", reply.text)
        self._asked(reply.asked)

    def _asked(self, asked: Sequence[dict[str, Any]], decided: tuple[str | dict[str, Any], ...] = ()) -> None:
        """Show what the assistant wants to do, one after the other, and put the question to each."""
        if len(decided) == len(asked):
            if decided:
                self._talk(None, decided)
            return
        one = asked[len(decided)]
        self._speaker.say("proposal", one["description"], proposal=one)

        def decide(decision: str | dict[str, Any]) -> None:
            self._asked(asked, (*decided, decision))

        def edit(words: str) -> None:
            action = {"name": one["name"], "args": {**one["args"], "request": words}}
            decide({"type": "edit", "edited_action": action})

        which = f" ({len(decided) + 1} of {len(asked)})" if len(asked) > 1 else ""
        self._ask(f"{one['name'].replace('_', ' ').capitalize()}{which}?", lambda: decide("approve"),
                  lambda: decide("reject"), edit if "request" in one["args"] else None)  # fmt: skip

    def _plan_for(self, said: str) -> None:
        """A sentence: files that it names by path are on offer, the planner reads the rest; or an answer."""
        from .agents.named_paths import spoken
        from .half_said import HINT, HalfSaid

        before, self._open = self._open, None
        heard, kb = (before.answered(said) if before else None) or (spoken(said), self._kb)
        plan = self._made(heard.paths, heard.request, kb)
        self._open = HalfSaid.of(heard, plan)
        if self._open:
            self._speaker.say("text", "/search TEXT looks for something." if said.endswith("?") else HINT)
        elif _does_something(plan):
            self._ask_about(plan)

    def _made(self, paths: list[str], request: str | None, kb: str | None = None) -> Plan:
        self._pending, kb = None, self._named_kb() if request is None else kb or self._kb
        plan = self._desk.mp.plan(paths, kb=kb, request=request)
        self._kb = plan.kb or self._kb
        self._speaker.plan(plan)
        return plan

    def _ask_about(self, plan: Plan) -> None:
        def declined() -> None:
            self._desk.mp.reject(plan.plan_id) if self._asked_for(plan) else None
            self._speaker.say("text", "Nothing was applied.")

        def edited(words: str) -> None:
            self._desk.mp.reject(plan.plan_id) if self._asked_for(plan) else None
            made = self._made(list(plan.paths), words)
            if _does_something(made):
                self._ask_about(made)

        self._ask(f"Apply {short_id(plan.plan_id)}?", lambda: self._apply(plan, approve=True), declined, edited)

    def _asked_for(self, plan: Plan) -> bool:
        return any(one.plan_id == plan.plan_id for one in self._desk.mp.approvals())

    def _apply(self, plan: Plan, *, approve: bool) -> None:
        with self._speaker.progress() as listener:
            journey = self._desk.mp.apply(plan, approve=approve, on_progress=listener)
        self._speaker.journey(journey)

    def _named_kb(self) -> str:
        if self._kb is None:
            raise UsageError("no knowledge base is named yet", next="/kb NAME")
        return self._kb

    # looking

    def status(self, rest: str) -> None:
        """How the newest journey, or the one named, stands."""
        mp = self._desk.mp
        journey = mp.status(mp.expand(rest) if rest else None)
        self._speaker.status(journey, mp.timeline(journey.journey_id))

    def checkpoints(self, rest: str) -> None:
        """The checkpoints that one can go back to."""
        mp = self._desk.mp
        self._speaker.checkpoints(mp.checkpoints(mp.expand(rest) if rest else None))

    def search(self, rest: str) -> None:
        """What people would find."""
        if not rest:
            raise UsageError("there is nothing to search for", next="/search TEXT")
        self._speaker.hits(self._desk.mp.search(rest, kb=self._named_kb()))

    def kb(self, rest: str) -> None:
        """The knowledge base that is meant from now on; without a name the list."""
        if rest:
            self._kb = rest
            self._speaker.say("kb", f"From now on: kb {rest}.", name=rest)
        else:
            self._speaker.kbs(self._desk.mp.kb_list(), self._kb)

    def help(self, _: str) -> None:
        """What can be said."""
        self._speaker.say("help", help_text())

    def quit(self, _: str) -> None:
        """End; what waits goes on waiting in `milepost approvals`."""
        self.over = True

    # going back

    def undo(self, rest: str) -> None:
        """Take back the kb's last journey, or the one named, after showing what goes."""
        mp = self._desk.mp
        target: dict[str, Any] = {"journey": mp.expand(rest)} if rest else {"last": True, "kb": self._named_kb()}
        self._go_back(target)

    def rewind(self, rest: str) -> None:
        """Choose a checkpoint from a menu, see what going back would do, and do it."""
        if rest.isdecimal() and self._menu:
            if not 1 <= int(rest) <= len(self._menu):
                raise UsageError(f"there is no {rest} in the menu", next="/rewind")
            chosen = self._menu[int(rest) - 1].checkpoint_id
            self._menu = []
            self._go_back({"checkpoint": chosen})
        elif rest:
            self._go_back({"checkpoint": self._desk.mp.expand(rest)})
        else:
            listed = self._desk.mp.checkpoints()
            self._menu = [one for one in listed if self._kb is None or one.kb == self._kb][-MENU:]
            self._speaker.menu(self._menu)

    def _go_back(self, target: dict[str, Any]) -> None:
        mp = self._desk.mp
        preview = mp.rollback(**target, dry_run=True)
        self._speaker.rollback(preview)
        if preview.already_there:
            return
        if preview.conflicts and self._desk.policy.on_conflict == "refuse":
            raise in_the_way(preview)

        def back() -> None:
            done = mp.rollback(**target)
            self._speaker.rollback(done)
            mp.chat_note(f"rolled back to {done.checkpoint_id}")

        self._ask("Roll back?", back, lambda: self._speaker.say("text", "Nothing was rolled back."))


def _does_something(plan: Plan) -> bool:
    """Whether there is anything to say yes to: a question, or an answer, is none."""
    return not plan.questions and any(step.action != "report" for step in plan.steps)
