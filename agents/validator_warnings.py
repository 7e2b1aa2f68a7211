"""Warnings: what is legal in a plan, and unwise."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel

from .issues import Findings, as_list, as_mapping, shown
from .validator_shape import Step

TAKEN = ("add", "replace")
LISTED = 20
"""Issues of one kind about files; more of them say nothing new."""


def opened(value: object) -> Mapping[str, Any]:
    """A mapping, or a model as one; empty for anything else."""
    return dict(value) if isinstance(value, BaseModel) else as_mapping(value) or {}


def warn(
    plan: Mapping[str, Any], steps: Sequence[Step], found: Findings, facts: Mapping[str, Any],
    files: Sequence[Mapping[str, Any]],
) -> None:  # fmt: skip
    """What is legal and unwise."""
    taken = [file for file in files if file.get("action") in TAKEN]
    gone = [file for file in files if file.get("action") == "remove"]
    rejected = [file for file in files if file.get("action") == "reject"]
    if len(rejected) > max(2, len(taken)):
        found.warn(
            "mostly_rejected", None, f"{len(rejected)} of {len(rejected) + len(taken)} files are rejected",
            "see why before the others go in",
        )  # fmt: skip
    sources = facts.get("kb_sources")
    if isinstance(sources, int) and len(gone) > max(2, sources // 2):
        found.warn(
            "removes_most", None, f"{len(gone)} of the kb's {sources} sources are removed", "is it the right kb?"
        )
    if any(file.get("estimated") for file in taken):
        found.warn(
            "estimated", None, "some files were not read: their counts are estimates", "raise budget.plan_seconds"
        )
    _warn_of_habits(found, facts, files)
    _warn_of_conflicts(plan, found)
    _warn_of_kb(plan, steps, found, facts)


def _warn_of_habits(found: Findings, facts: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> None:
    """Kinds of files that were mostly rejected before: what to do about it is the person's to say."""
    here = [str(file.get("source")) for file in files if file.get("action") in (*TAKEN, "reject")]
    for said in as_list(facts.get("habits")) or ():
        habit = as_mapping(said) or {}
        folder, suffix = str(habit.get("folder")), str(habit.get("suffix"))
        if any(_kind(source) == (folder, suffix) for source in here):
            pattern = f"*{suffix}" if folder == "." else f"{folder}/*{suffix}"
            found.warn(
                "often_rejected", None,
                f"{habit.get('rejected')} of {habit.get('seen')} files {shown(pattern)} were rejected before"
                f" ({shown(habit.get('reason'))})",
                f"leave them out with --request 'not {pattern}', if they are no use",
            )  # fmt: skip


def _warn_of_conflicts(plan: Mapping[str, Any], found: Findings) -> None:
    """Going back past what another journey changed since."""
    told = as_mapping(opened(plan.get("resources")).get("going_back")) or {}
    for one in list(as_list(told.get("conflicts")) or ())[:LISTED]:
        named = as_mapping(one) or {}
        found.warn(
            "rollback_conflict",
            None,
            f"{shown(named.get('source'))} was changed since by {shown(named.get('changed_by'))}",
            "undo that one first, or set on_conflict",
        )


def _kind(source: str) -> tuple[str, str]:
    path = PurePosixPath(source)
    return str(path.parent), path.suffix.lower()


def _warn_of_kb(plan: Mapping[str, Any], steps: Sequence[Step], found: Findings, facts: Mapping[str, Any]) -> None:
    """A kb that will be made, where one is there whose name is nearly the same."""
    named, known = plan.get("kb"), as_list(facts.get("kbs"))
    if not isinstance(named, str) or known is None or named in known or not steps:
        return
    near = difflib.get_close_matches(named[:100], [str(name) for name in known[:1000]], n=1, cutoff=0.8)
    if near:
        found.warn(
            "new_kb", None, f"kb {shown(named)} is not there yet and will be made", f"did you mean {shown(near[0])}?"
        )
