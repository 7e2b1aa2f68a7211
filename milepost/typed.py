"""What was typed: the running command line, for messages that offer it again, completed or corrected.

A word in capitals (PATH, NAME) in a command that is offered is a blank; what was typed already fills it.
"""

from __future__ import annotations

import difflib
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .store.places import exists

CARRIED = ("--home", "--tenant", "--user")
"""Options without which another command would work elsewhere, or as somebody else."""

VALUED = frozenset({
    *CARRIED, "--policy", "--set", "--wait", "--kb", "--request", "--planner", "--on-file-error", "-o", "--out", "-k",
    "--arg", "--at", "--from", "--to", "--journey", "--on-conflict", "--type", "--find",
})  # fmt: skip
"""Options that are followed by a value."""

_SEVERAL = frozenset({"--set", "--arg", "--journey"})
"""Options that may be given more than once."""

_OFFER = re.compile(r"^((?:[A-Z].* with|If you change your mind|Next|next): )(milepost .+)$", re.MULTILINE)
_words: list[str] | None = None


def remember(words: Sequence[str]) -> None:
    """Take these as the words after `milepost`."""
    global _words
    _words = list(words)


def words() -> list[str]:
    """The words after `milepost`."""
    return list(sys.argv[1:] if _words is None else _words)


def same_command(*more: str, without: Sequence[str] = ()) -> str:
    """The command that is running, with further words; an option among them takes the place of what it was given."""
    given = [word for word in words() if word not in without]
    for option in VALUED.intersection(more) - _SEVERAL:
        while option in given[:-1]:
            del given[given.index(option) : given.index(option) + 2]
        given = [word for word in given if not word.startswith(f"{option}=")]
    at = given.index("--") if "--" in given else len(given)
    return shlex.join(["milepost", *given[:at], *more, *given[at:]])


def corrected(asked: str, *meant: str) -> str | None:
    """The command that is running, with one word (or a value after `=`) meant otherwise; None where it is not in it.

    A guess is never offered with its answer: `--yes` is left out.
    """
    given = [word for word in words() if word not in ("--yes", "-y")]
    found = [at for at, word in enumerate(given) if word == asked or word.endswith(f"={asked}")]
    if not found:
        return None
    at = found[-1]
    option = given[at].removesuffix(asked)  # as in --kb=hrr
    given[at : at + 1] = [option + meant[0], *meant[1:]]
    return shlex.join(["milepost", *given])


def after_command(option: str) -> str | None:
    """The command that is running, with an option that stands before its name moved to the end; None where it has
    no command after that."""
    given = words()
    at = next((at for at, word in enumerate(given) if word.partition("=")[0] == option), None)
    if at is None:
        return None
    size = 2 if given[at] in VALUED else 1
    rest = [*given[:at], *given[at + size :]]
    if not any(word.isidentifier() for word in given[at + size :]):
        return None
    return shlex.join(["milepost", *rest, *given[at : at + size]])


def nearest(option: str, known: Iterable[str]) -> str | None:
    """The option that was meant, by its letters alone: two dashes make none like another."""
    names = {each.lstrip("-"): each for each in known}
    near = difflib.get_close_matches(option.lstrip("-")[:80], names, n=1, cutoff=0.6)
    return names[near[0]] if near else None


def value_of(option: str) -> str | None:
    """The value that an option was given last, if it was."""
    return next(reversed(values_of(option)), None)


def values_of(option: str) -> list[str]:
    """Every value that an option was given, in order."""
    given, found = words(), list[str]()
    for word, after in zip(given, [*given[1:], None], strict=True):
        name, equals, value = word.partition("=")
        if name == option and (equals or after is not None):
            found.append(value if equals else str(after))
    return found


def paths() -> list[str]:
    """The files and folders typed after `plan` or `ingest`, where all are there."""
    given = words()
    plain = [
        word
        for before, word in zip(["", *given], given, strict=False)
        if before not in VALUED and not word.startswith("-")
    ]
    if not plain or plain[0] not in ("plan", "ingest") or not all(map(exists, plain[1:])):
        return []
    return plain[1:]


def offered(command: str) -> str:
    """A command as it is offered: its blanks filled as far as that is known, at the same home, as the same person."""
    if not command.startswith("milepost "):
        return command
    filled: list[str] = []
    for word in shlex.split(command):
        known = {"PATH": paths(), "NAME": [kb] if (kb := value_of("--kb")) else []}.get(word)
        filled += known or [word]
    for option in CARRIED:
        value = value_of(option)
        if value is not None and option not in filled:
            filled += [option, value]
    return shlex.join([*filled, *_policy(filled)])


def _policy(filled: list[str]) -> list[str]:
    """The policy that a plan was made under, which `apply` has to be run under, too; of others the embedder only."""
    sets = values_of("--set")
    if "--policy" in filled or "--set" in filled:
        return []
    if filled[1] != "apply":
        return [word for one in sets if one.startswith("embedder=") for word in ("--set", one)]
    preset, on_file_error = value_of("--policy"), value_of("--on-file-error")
    sets += [f"on_file_error={on_file_error}"] if on_file_error else []
    return [*(["--policy", preset] if preset else []), *(word for one in sets for word in ("--set", one))]


def offering(text: str) -> str:
    """A text in which the commands that lines end with are offered so."""
    return _OFFER.sub(lambda found: f"{found[1]}{offered(found[2])}", text)


def name_from_paths() -> str:
    """A name for a kb after the first path typed, or the blank."""
    stem = Path(paths()[0]).resolve().stem if paths() else ""
    return re.sub(r"[^\w]+", "-", stem.lower()).strip("-") or "NAME"
