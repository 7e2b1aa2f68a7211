"""Errors as people and programs meet them: at most four lines, or one object, and an exit code."""

from __future__ import annotations

import json
from typing import Any

from . import typed
from .console import Console
from .store.errors import MilepostError, UsageError
from .store.secrets import told, without_secrets
from .store.words import clean

HEADS = ("error", "cause", "state", "next")
UNCHANGED = "nothing was changed"
KEPT = "what was done before is kept; nothing half done can be seen"


class Interrupted(MilepostError):
    """A person pressed Ctrl-C."""

    code = "interrupted"
    exit_code = 130


class NoTerminal(UsageError):
    """A question could not be asked."""

    code = "no_terminal"


def no_terminal(question: str, *, state: str = "nothing was changed") -> NoTerminal:
    """The error for a question that nobody can be asked, with the same command and `--yes`."""
    return NoTerminal(
        f"this needs an answer, and there is no terminal to ask on: {question}",
        cause="--yes answers it",
        state=state,
        next=typed.same_command("--yes", without=("--no-input",)),
    )


def report(error: Exception, console: Console, *, debug: bool = False, usage_exit: int = 2) -> int:
    """Show an error on the right stream, in the right form; returns the exit code. Tracebacks are for `--debug`."""
    failed = as_failure(error)
    if debug:
        import traceback

        console.cry(without_secrets("".join(traceback.format_exception(error)).rstrip()))
    state = failed.state or (UNCHANGED if failed.exit_code in (2, 3, 4) else KEPT)
    told = {"error": failed.message, "cause": failed.cause, "state": state, "next": next_command(failed)}
    if console.json:
        rollback = {"rollback": _object(failed.facts["rollback"])} if "rollback" in failed.facts else {}
        console.give(rollback | {"error": {"code": failed.code, "message": failed.message} | _rest(told)})
    else:
        console.cry("\n".join(f"{head}: {_line(told[head])}" for head in HEADS if told[head]))
    return usage_exit if failed.exit_code == 2 else failed.exit_code


def next_command(failed: MilepostError) -> str:
    """The one command to copy: what was typed, corrected or added to where the error knows how, else the error's."""
    if failed.facts.get("instead") and (same := typed.corrected(*failed.facts["instead"])):
        return same
    if failed.facts.get("add"):
        return typed.same_command(*_filled(failed.facts["add"]))
    if failed.next:
        return typed.offered(failed.next)
    return typed.offered({2: _help(), 3: "milepost policy show"}.get(failed.exit_code, "milepost doctor"))


def _filled(words: list[str]) -> list[str]:
    return [typed.name_from_paths() if word == "NAME" else word for word in words]


def _help() -> str:
    """The help of the command that was typed."""
    plain = [word for word in typed.words() if word.isidentifier()][:1]
    return f"milepost {plain[0]} --help" if plain else "milepost --help"


def _object(fact: Any) -> Any:
    return json.loads(fact) if isinstance(fact, str) else fact


def _rest(told: dict[str, str]) -> dict[str, str]:
    return {head: told[head] for head in HEADS[1:]}


def _line(text: str) -> str:
    return clean(" ".join(text.split()), limit=1000)


def as_failure(error: Exception) -> MilepostError:
    """Any exception as an error that says what to do."""
    if isinstance(error, MilepostError):
        return error
    if hasattr(error, "format_message"):
        return _usage(error)
    if type(error).__name__ == "Abort":  # what the option parser makes of Ctrl-C
        return Interrupted("stopped by Ctrl-C", state=UNCHANGED, next=typed.same_command())
    return _refused(error) or MilepostError(
        f"something went wrong inside Milepost: {told(error)}",
        cause="this is a fault of Milepost's own; --debug shows where",
        next=typed.same_command("--debug", without=("--debug",)),
    )


def _refused(error: Exception) -> MilepostError | None:
    """What the system refused: at the home, or elsewhere."""
    from pathlib import Path

    from .store.trouble import as_trouble

    elsewhere = isinstance(error, OSError) and error.filename is not None
    trouble = None if elsewhere else as_trouble(error, Path(typed.value_of("--home") or ".milepost"))
    if trouble is not None or not isinstance(error, OSError):
        return trouble
    place = f" {error.filename}" if error.filename else " a file"
    return MilepostError(f"cannot use{place}: {error.strerror or error}")


def _usage(error: Any) -> UsageError:
    """What the option parser found, in our words; its classes are told apart by what they carry."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "milepost"
    said = str(error.format_message()).strip().rstrip(".")
    cause = ""
    if hasattr(error, "possibilities"):
        option = error.option_name
        if path == "milepost" and option in typed.VALUED and (moved := typed.after_command(option)):
            cause = "only what every command takes can stand before it"
            return UsageError(f"{option} stands after the command that it is for", cause=cause, next=moved)
        near = typed.nearest(option, error.possibilities or ())
        said = f"{path} has no option {option}"
        if near:
            return UsageError(f"{said}; did you mean {near}?", instead=(option, near), next=f"{path} --help")
    elif type(error).__name__ == "MissingParameter" and error.param is not None and error.param.opts[0].startswith("-"):
        missing = _missing(context) or [error.param]
        add = [word for each in missing for word in (each.opts[0], each.metavar or "VALUE")]
        return UsageError(f"{path} needs {' and '.join(add[::2])}", add=add, next=f"{path} --help")
    elif (given := _given(getattr(error, "param", None))) is not None:
        said, cause = (
            f"{given[0]} cannot be {given[1][:80]!r}",
            str(error.message).removeprefix("Value error, ").rstrip("."),
        )
    return UsageError(said[:1].lower() + said[1:], cause=cause, next=f"{path} --help")


def _missing(context: Any) -> list[Any]:
    """The options that the running command needs and was not given."""
    needed = [each for each in context.command.params if each.required] if context is not None else []
    return [each for each in needed if each.opts[0].startswith("-") and typed.value_of(each.opts[0]) is None]


def _given(parameter: Any) -> tuple[str, str] | None:
    """An option of the running command line with the value that it was given, if it was."""
    names: list[str] = list(parameter.opts) if parameter is not None else []
    values = {name: typed.value_of(name) for name in names if name.startswith("-")}
    return next(((name, value) for name, value in values.items() if value is not None), None)
