"""Reading a run's log: each line checked, what is wrong named with its line, and a half line at the end forgiven."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ..store.errors import NotFound, UsageError
from .logs import FORMAT_VERSION, Closing, Header, Line, Log, Trial


def read_log(path: Path) -> Log:
    """Read a log; the same trial twice (it was tried again after an infrastructure error) counts as the last says.

    `NotFound` where there is no file, `UsageError` naming the line for what is no log, or one of another version.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFound(
            f'cannot read the log "{path}"', cause=str(error.strerror), next="milepost eval run --out FILE"
        ) from None
    whole = data[: data.rfind(b"\n") + 1]
    first, *others = whole.decode("utf-8", "replace").split("\n")
    header = _header(first, path)
    trials: dict[tuple[str, str, int], Trial] = {}
    closing: Closing | None = None
    for at, line in enumerate(others, 2):
        said = _object(line, path, at) if line.strip() else {}
        if said.get("kind") == "trial":
            trial = _known(_checked(said, Trial, path, at), header, path, at)
            trials[trial.key] = trial
        elif said.get("kind") == "end":
            closing = _checked(said, Closing, path, at)
    return Log(path, header, tuple(trials.values()), closing, len(whole) != len(data), len(whole))


def _header(line: str, path: Path) -> Header:
    said = _object(line, path, 1)
    version = str(said.get("format_version", ""))
    if said.get("kind") != "run" or not version:
        raise _no_log(path, "its first line is not the header of a run")
    if version.split(".")[0] != FORMAT_VERSION.split(".", maxsplit=1)[0]:
        raise UsageError(
            f'the log "{path}" has format {version}, and this Milepost reads {FORMAT_VERSION}',
            cause="it was written by another version", state="nothing was changed",
        )  # fmt: skip
    return _checked(said, Header, path, 1)


def _known(trial: Trial, header: Header, path: Path, at: int) -> Trial:
    """The trial, where it is one of the run's."""
    planners = {arm.name for arm in header.planners}
    if trial.planner not in planners or trial.id not in {str(case["id"]) for case in header.cases}:
        raise _no_log(path, f"line {at} is about {trial.planner} and {trial.id}, and the header knows one of them not")
    return trial


L = TypeVar("L", bound=Line)


def _checked(said: Mapping[str, Any], kind: type[L], path: Path, at: int) -> L:
    try:
        return kind.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _no_log(path, f"line {at}, {where}: {first['msg']}") from None


def _object(line: str, path: Path, at: int) -> dict[str, Any]:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise _no_log(path, f"line {at} is not JSON") from None
    if not isinstance(said, dict):
        raise _no_log(path, f"line {at} is not an object")
    return said


def _no_log(path: Path, cause: str) -> UsageError:
    return UsageError(f'"{path}" is not the log of an evaluation', cause=cause, state="nothing was changed")
