"""A plan in the words that the cases use: what it would do to which files, with which options, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

_WORDS = {"remove": "retire"}
"""What actions are called in the cases."""
_LINKS = frozenset({"files", "kb", "chunks", "sources"})
"""Arguments that say which files: they are judged as files, not as options."""
_TOUCHING = {"retire": ("remove",), "hide": ("hide",)}


@dataclass(frozen=True)
class Answer:
    """What a plan comes to. `targets` has the files that each step is about, `params` its options by dotted name."""

    steps: tuple[str, ...]
    before: frozenset[tuple[str, str]] = frozenset()
    """Pairs of steps of which the first is sure to end before the second begins."""
    targets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    params: Mapping[str, Any] = field(default_factory=dict)
    questions: tuple[str, ...] = ()
    declined: Mapping[str, str] = field(default_factory=dict)
    """By what is declined: the policy's key that stands against it, or nothing."""
    policy: Mapping[str, Any] = field(default_factory=dict)
    restorable: bool = False
    valid: bool = True


def answer_of(plan: Mapping[str, Any], *, valid: bool = True, names: Mapping[str, str] | None = None) -> Answer:
    """Translate a plan as JSON has it; `names` gives ids of checkpoints their names in the case."""
    lines = _lines(plan)
    steps = _steps(plan, lines)
    policy: Mapping[str, Any] = plan.get("policy") or {}
    taken = lines["add"] | lines["replace"]
    if plan.get("dry_run") or "retire" in steps or "hide" in steps or "expose" in steps or "embed" in steps:
        files = taken or lines["remove"] | lines["hide"]
    else:
        files = frozenset[str]()
    restorable = bool(policy.get("enable_rollback") or policy.get("orchestration") == "saga")
    return Answer(
        steps=steps,
        before=_before(plan, steps),
        targets=_targets(steps, lines, taken),
        files=files,
        params=_params(plan, lines, steps, names or {}),
        questions=tuple(f"{one['about']}: {one['text']}" for one in plan.get("questions") or ()),
        declined={one["what"]: one.get("policy_key", "") for one in plan.get("declined") or ()},
        policy=policy,
        restorable=restorable,
        valid=valid,
    )


def _lines(plan: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """The plan's files by what happens to them, each by its name on offer (a copy is kept under another name)."""
    found: dict[str, set[str]] = {action: set() for action in ("add", "replace", "remove", "hide", "skip", "reject")}
    for file in plan.get("files") or ():
        source, name = file["source"], PurePosixPath(file.get("path") or file["source"]).name
        kept_beside = file["action"] == "add" and not source.endswith(name)
        offered = str(PurePosixPath(source).with_name(name)) if kept_beside else source
        found.setdefault(file["action"], set()).add(offered)
    return {action: frozenset(names) for action, names in found.items()}


def _steps(plan: Mapping[str, Any], lines: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Actions in the cases' words; what goes with a publish is a step of its own there, just before it."""
    steps: list[str] = []
    for step in plan.get("steps") or ():
        word = _word(step)
        if word == "expose" and (lines["replace"] or lines["remove"]):
            steps.append("retire")
        steps.append(word)
    if plan.get("questions"):
        steps.append("ask_user")
    if not steps and plan.get("declined"):
        steps.append("decline")
    return tuple(steps)


def _word(step: Mapping[str, Any]) -> str:
    action = str(step["action"])
    return _WORDS.get(action, action)


def _before(plan: Mapping[str, Any], steps: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Order by dependencies, those of dependencies included; what goes with a publish comes when the publish does."""
    needs: dict[str, set[str]] = {}
    words: dict[str, str] = {}
    for step in plan.get("steps") or ():
        words[step["id"]] = _word(step)
        direct = set(step.get("depends_on") or ())
        needs[step["id"]] = direct.union(*(needs.get(one, set()) for one in direct))
    pairs = {(words[first], words[then]) for then, those in needs.items() for first in those if first in words}
    if "retire" in steps and "expose" in steps:
        pairs |= {(first, "retire") for first, then in pairs if then == "expose"}
    return frozenset(pairs)


def _targets(
    steps: Sequence[str], lines: Mapping[str, frozenset[str]], taken: frozenset[str]
) -> dict[str, frozenset[str]]:
    gone = lines["remove"] | (lines["replace"] if "retire" in steps else frozenset())
    about = {"retire": gone, "hide": lines["hide"]}
    return {step: about.get(step, taken) for step in set(steps) - {"rollback", "report", "ask_user", "decline"}}


def _params(
    plan: Mapping[str, Any], lines: Mapping[str, frozenset[str]], steps: Sequence[str], names: Mapping[str, str]
) -> dict[str, Any]:
    params: dict[str, Any] = dict(plan.get("asked") or {})
    back: list[str] = []
    for step in plan.get("steps") or ():
        for name, value in (step.get("args") or {}).items():
            if step["action"] == "rollback" and name == "checkpoint":
                back.append(names.get(value, value))
            elif name not in _LINKS:
                params[f"{step['action']}.{name}"] = value
    if back:
        params["rollback.to"] = back[0] if len(back) == 1 else back
        params["rollback.scope"] = plan.get("kb")
    gone = sorted(lines["remove"] or (lines["replace"] if "retire" in steps else ()))
    if gone:
        params["retire.target"] = gone[0] if len(gone) == 1 else gone
    if plan.get("kb"):
        params["kb"] = plan["kb"]
    if plan.get("dry_run"):
        params["dry_run"] = True
    return params
