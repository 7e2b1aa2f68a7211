"""The slash commands of a conversation, each a method of `Conversation` of that name; and what waits for an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from .store.errors import UsageError

HELLO = frozenset({"help", "hello", "hi", "hey", "what can you do", "what can i say", ""})
"""What people say to find out what can be said."""
_LOOK = re.compile(r"(?:search(?: for)?|look up)\s+(?P<what>.+?)(?:\s+in\s+(?:kb\s+)?(?P<kb>[\w.-]+))?", re.IGNORECASE)


class SlashCommand(NamedTuple):
    """How a command is written, and what it does."""

    usage: str
    help: str


COMMANDS = {
    "help": SlashCommand("/help", "What can be said."),
    "ingest": SlashCommand("/ingest PATH", "Plan and apply; asked about where the policy asks."),
    "plan": SlashCommand("/plan PATH", "Make a plan and show it; /approve applies it."),
    "approve": SlashCommand("/approve", "Say yes to what waits."),
    "reject": SlashCommand("/reject", "Say no to what waits."),
    "edit": SlashCommand("/edit TEXT", "Plan what waits again, for these words instead; the new plan is asked about."),
    "status": SlashCommand("/status", "How the newest journey, or the one named, stands."),
    "checkpoints": SlashCommand("/checkpoints", "The checkpoints that one can go back to."),
    "undo": SlashCommand("/undo [ID]", "Take back the kb's last journey, or the one named; shown first."),
    "rewind": SlashCommand("/rewind", "Choose a checkpoint from a menu, see what going back would do, and do it."),
    "search": SlashCommand("/search TEXT", "What people would find."),
    "kb": SlashCommand("/kb NAME", "The knowledge base that is meant from now on; without a name the list."),
    "quit": SlashCommand("/quit", "End; what waits for an approval goes on waiting."),
}


def help_text() -> str:
    """What can be said."""
    lines = [f"  {command.usage:<18} {command.help}" for command in COMMANDS.values()]
    lines.append('  Anything else is a request in words, such as "add everything in docs to hr":')
    return "\n".join([*lines, "  a plan is made, shown, and waits for your yes."])


def looked_for(said: str, kbs: Collection[str]) -> tuple[str, str | None] | None:
    """What a sentence such as "search parental leave in hr" looks for, and in which of the kbs; None for any other."""
    match = _LOOK.fullmatch(said)
    if match is None:
        return None
    if match["kb"] in kbs:
        return match["what"], match["kb"]
    return said[match.start("what") :], None


def paths_in(rest: str) -> list[str]:
    """The paths after a command; `UsageError` without one."""
    from .agents.named_paths import words

    paths = words(rest)
    if not paths:
        raise UsageError("a path is missing", next="/ingest PATH")
    return paths


@dataclass(frozen=True)
class Pending:
    """What waits for an answer: the question, and what a yes, a no and other words do."""

    question: str
    yes: Callable[[], None]
    no: Callable[[], None]
    edit: Callable[[str], None] | None = None
