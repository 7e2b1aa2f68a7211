"""A plan in a file: what `plan -o` writes, and what `show`, `validate` and `apply` read."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any, cast

from .console import FORMAT_VERSION
from .store.errors import NotFound, PlanRejected, UsageError
from .store.places import is_file, is_folder
from .store.plan import Plan

MOST = 200_000_000
"""Bytes of a plan file, at most."""


def is_file_name(named: str) -> bool:
    """Whether an argument `ID|FILE` means a file: one that is there, or what only a path looks like."""
    return is_file(named) or named.endswith(".json") or "/" in named


def read_body(path: Path) -> Any:
    """The plan's JSON in a file, as it is: the plan alone, or what `plan --json` and `plan -o` write."""
    try:
        if path.stat().st_size > MOST:
            raise UsageError(f"{path} is too large for a plan file", cause=f"at most {MOST} bytes are read")
        body: Any = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f'there is no file "{path}"', next="milepost plan PATH --kb NAME -o FILE") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a plan file: it is not JSON", cause=str(error)) from None
    inner = cast("dict[str, Any]", body).get("plan") if isinstance(body, dict) else None
    return cast("Any", body if inner is None else inner)


def read_plan(path: Path) -> Plan:
    """The plan in a file; `PlanRejected` where what is in it is no plan, or was edited by hand."""
    body = read_body(path)
    try:
        plan = Plan.model_validate(body)
    except ValueError as error:
        raise PlanRejected(
            f"{path} does not hold a plan", cause=first_fault(error), next=f"milepost validate {shlex.quote(str(path))}"
        ) from None
    if plan.sealed().digest != plan.digest:
        raise PlanRejected(
            f"the plan in {path} was changed after it was made: its digest does not fit",
            cause="a plan is run exactly as it was made and approved; a changed one is a new plan",
            state="nothing was changed",
            next="milepost plan PATH --kb NAME",
        )
    return plan


def first_fault(error: ValueError) -> str:
    """The first thing that pydantic found, with its place."""
    faults = getattr(error, "errors", None)
    if faults is None:
        return str(error)
    first = faults(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place or 'the plan'}: {first['msg']}"


def write_plan(path: Path, shape: dict[str, Any]) -> None:
    """Write a plan's object to a file: whole, or not at all."""
    text = json.dumps({"format_version": FORMAT_VERSION, **shape}, indent=2) + "\n"
    write_whole(path, text, what="plan", next="milepost plan PATH --kb NAME -o FILE")


def write_whole(path: Path, text: str, *, what: str, next: str) -> None:
    """Write a text to a file as UTF-8, whole or not at all; `what` it is, and the command to `next` say it right."""
    if is_folder(path):
        suffix = ".json" if what == "plan" else ".html"
        raise UsageError(
            f"{path} is a folder; -o wants a file", instead=(str(path), str(path / f"{what}{suffix}")), next=next
        )
    if not is_folder(path.absolute().parent):
        raise NotFound(f'there is no folder "{path.absolute().parent}" for the {what} file', next=next)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        half.write_text(text, "utf-8")
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
