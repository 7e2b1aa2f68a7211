"""Errors as people and programs meet them: at most four lines, or one object, and an exit code."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

from .console import Console
from .store.errors import MilepostError, UsageError
from .store.words import clean

HEADS = ("error", "cause", "state", "next")


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
        next=same_command("--yes"),
    )


def same_command(*more: str, without: tuple[str, ...] = ()) -> str:
    """The command that is running, with further options: what `next:` can offer to copy."""
    given = [word for word in sys.argv[1:] if word not in without]
    at = given.index("--") if "--" in given else len(given)
    return shlex.join(["milepost", *given[:at], *more, *given[at:]])


def report(error: Exception, console: Console, *, debug: bool = False, usage_exit: int = 2) -> int:
    """Show an error on the right stream, in the right form; returns the exit code. Tracebacks are for `--debug`."""
    failed = as_failure(error)
    if debug:
        import traceback

        console.cry("".join(traceback.format_exception(error)).rstrip())
    told = {"error": failed.message, "cause": failed.cause, "state": failed.state, "next": failed.next}
    if console.json:
        rollback = {"rollback": _object(failed.facts["rollback"])} if "rollback" in failed.facts else {}
        console.give(rollback | {"error": {"code": failed.code, "message": failed.message} | _rest(told)})
    else:
        console.cry("\n".join(f"{head}: {_line(told[head])}" for head in HEADS if told[head]))
    return usage_exit if failed.exit_code == 2 else failed.exit_code


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
    if isinstance(error, OSError):
        place = f" {error.filename}" if error.filename else ""
        return MilepostError(
            f"cannot use{place or ' a file'}: {error.strerror or error}",
            state="nothing half done can be seen",
            next="milepost doctor",
        )
    if type(error).__module__ == "sqlite3":
        from .store.errors import StoreDamaged

        return StoreDamaged(f"the record cannot be used: {error}", next="milepost doctor")
    return MilepostError(
        f"something went wrong inside Milepost: {type(error).__name__}: {error}",
        cause="this is a fault of Milepost's own",
        next=f"{same_command('--debug')} shows where",
    )


def _usage(error: Any) -> UsageError:
    """What the option parser found, in our words; its classes are told apart by what they carry."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "milepost"
    said = str(error.format_message()).strip().rstrip(".")
    cause = ""
    if hasattr(error, "possibilities"):
        near = f"; did you mean {error.possibilities[0]}?" if error.possibilities else ""
        said = f"{path} has no option {error.option_name}{near}"
    elif (given := _given(getattr(error, "param", None))) is not None:
        said, cause = (
            f"{given[0]} cannot be {given[1][:80]!r}",
            str(error.message).removeprefix("Value error, ").rstrip("."),
        )
    return UsageError(said[:1].lower() + said[1:], cause=cause, next=f"{path} --help")


def _given(parameter: Any) -> tuple[str, str] | None:
    """An option of the running command line with the value that it was given, if it was."""
    names: list[str] = list(parameter.opts) if parameter is not None else []
    for word, after in zip(sys.argv[1:], [*sys.argv[2:], ""], strict=False):
        name, equals, value = word.partition("=")
        if name in names and name.startswith("-"):
            return name, value if equals else after
    return None
