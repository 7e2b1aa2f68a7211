"""An old log scored again: the same plans by the cases that it has, and by the scorers there are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..store.errors import UsageError
from .judging import judged_again
from .log_files import new_file
from .log_reading import read_log
from .logs import Closing, Header, Log, Trial, as_line
from .own_scorers import scorers_of


@dataclass(frozen=True)
class Rescored:
    """A log scored again. `changed` are the trials that got another score, by key, with the names of those scores."""

    log: Log
    changed: dict[tuple[str, str, int], tuple[str, ...]]


def eval_score(log: Path | str, *, out: Path | str | None = None, scorers: Sequence[str] = ()) -> Rescored:
    """Score a log again, with `scorers` of one's own besides; where `out` is named, the new log is written there.

    The old log stays as it is, and an `out` that is there already is refused.
    """
    old = read_log(Path(log))
    names = tuple(dict.fromkeys((*old.header.scorers, *scorers)))
    own = scorers_of(names)
    trials = tuple(judged_again(old.header, trial, own) for trial in old.trials)
    pairs = zip(old.trials, trials, strict=True)
    changed = {new.key: moved for was, new in pairs if (moved := _moved(was, new))}
    again = Log(Path(log), old.header.model_copy(update={"scorers": names}), trials, old.closing)
    if out is not None:
        again = _written(again, Path(out))
    return Rescored(again, changed)


def _moved(was: Trial, new: Trial) -> tuple[str, ...]:
    names = {*was.scores, *new.scores}
    return tuple(sorted(name for name in names if was.scores.get(name) != new.scores.get(name)))


def _written(log: Log, out: Path) -> Log:
    if out.resolve() == log.path.resolve():
        raise UsageError(f'"{out}" is the log itself, and a log is never overwritten', state="nothing was written")
    lines: list[Header | Trial | Closing] = [log.header, *log.trials, *([log.closing] if log.closing else [])]
    new_file(out, "".join(map(as_line, lines)))
    return read_log(out)
