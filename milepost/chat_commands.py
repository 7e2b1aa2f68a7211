"""The command that is a conversation: `chat`, on a terminal with history and completion, or one message a line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .desk import Desk
from .everywhere import command

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completion

    from .conversation import Conversation

PANEL = "Assistants"
app = typer.Typer()


@command(app, "chat", panel=PANEL)
def chat(
    desk: Desk,
    kb: Annotated[
        str | None, typer.Option("--kb", metavar="NAME", help="The knowledge base that is meant.", show_default=False)
    ] = None,
) -> int:
    """Talk: say what is wanted, see the plan, approve it, take it back.

    Through a pipe each line is a message; with --json each answer is an event, one a line.
    """
    from .conversation import Conversation
    from .speaker import Speaker

    speaker = Speaker(desk)
    conversation = Conversation(desk, speaker, kb)
    terminal = desk.console.interactive and not desk.console.json
    if terminal:
        speaker.say("text", "Say what you want, or /help. Nothing is changed before you have seen it.")
    conversation.begin()
    listen = _prompting(desk, conversation) if terminal else _reading()
    for line in listen:
        conversation.hear(line)
        if conversation.over:
            break
    return 0


def _reading() -> Iterable[str]:
    """The lines of a pipe, as they come."""
    return iter(sys.stdin.readline, "")


def _prompting(desk: Desk, conversation: Conversation) -> Iterable[str]:
    """Lines typed at a prompt, with history and completion; Ctrl-C drops the line, Ctrl-D ends."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import InMemoryHistory

    class Words(Completer):
        def get_completions(self, document: Document, complete_event: Any) -> Iterable[Completion]:
            return completions(document.text_before_cursor, lambda: [kb.name for kb in desk.mp.kb_list()])

    session: PromptSession[str] = PromptSession(history=InMemoryHistory(), completer=Words())
    while True:
        try:
            yield session.prompt(f"{conversation.asking} [y/N] " if conversation.asking else "> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def completions(typed: str, kbs: Callable[[], list[str]]) -> Iterable[Completion]:
    """What may follow: slash commands, names of kbs after `/kb`, paths after `/ingest` and `/plan`."""
    from prompt_toolkit.completion import Completion

    from .slash import COMMANDS

    name, space, rest = typed.partition(" ")
    if not space:
        for known, one in COMMANDS.items():
            if name and f"/{known}".startswith(name):
                yield Completion(f"/{known}", start_position=-len(name), display_meta=one.help)
    elif name == "/kb":
        yield from (Completion(kb, start_position=-len(rest)) for kb in kbs() if kb.startswith(rest))
    elif name in ("/ingest", "/plan"):
        word = rest.rpartition(" ")[2]
        yield from (Completion(path, start_position=-len(word)) for path in _paths(word))


def _paths(word: str) -> list[str]:
    folder = Path(word).parent if not word.endswith("/") else Path(word)
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    named = (f"{entry}/" if entry.is_dir() else str(entry) for entry in entries if not entry.name.startswith("."))
    return [path for path in named if path.startswith(word)][:50]
