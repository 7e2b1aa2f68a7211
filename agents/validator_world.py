"""What the world says of a plan: the kb, the embedder, the disk, the roots, the owner; and what the request excludes.

Pure: the world comes as facts, and a fact that is not given is not asked about.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..store.errors import MilepostError
from ..store.policy import Policy
from .issues import Findings, as_list, as_mapping, shown
from .treatment import ONLY_WITH
from .validator_args import check_treatment
from .validator_shape import Step
from .validator_warnings import LISTED, TAKEN, opened, warn

_TIGHT = 0.8
"""Of the free disk; a plan that takes more is warned about."""


def check_world(
    plan: Mapping[str, Any],
    steps: Sequence[Step],
    registry: Mapping[str, Any],
    found: Findings,
    *,
    policy: Policy | None,
    facts: Mapping[str, Any],
    files: Sequence[Mapping[str, Any]],
) -> None:
    """Issues of what is there, whose it is, and what the request wants left alone."""
    _check_kb(plan, steps, registry, found, facts)
    _check_owner(plan, found, facts)
    _check_embedder(plan, found, facts)
    _check_disk(plan, found, facts)
    _check_excluded(plan, steps, found, files)
    if as_list(plan.get("files")) is not None:
        _check_lines(steps, found, files)
    if not steps or any(step.action == "upload" for step in steps):  # else no file is read
        _check_roots(files, found, facts)
    _check_moved(found, facts)
    _check_declared(plan, registry, found)
    check_treatment(opened(plan.get("policy")).get("chunk"), steps, found)
    if policy is not None and not policy.restorable:
        _check_loss(plan, files, found)
    warn(plan, steps, found, facts, files)


def _check_kb(
    plan: Mapping[str, Any], steps: Sequence[Step], registry: Mapping[str, Any], found: Findings,
    facts: Mapping[str, Any],
) -> None:  # fmt: skip
    """The plan's kb, and each step's: a name that can be one, the same one, there where something is taken out."""
    named = plan.get("kb")
    known = as_list(facts.get("kbs"))
    for step in steps:
        kb = step.args.get("kb")
        if not isinstance(kb, str):
            continue
        if isinstance(named, str) and kb != named:
            found.error(
                "another_kb", step.id, f"{shown(step.id)} is for kb {shown(kb)}, the plan for {shown(named)}",
                "a plan is for one knowledge base",
            )  # fmt: skip
        if known is not None and kb not in known and _takes_out(step, registry):
            found.error("unknown_kb", step.id, f"there is no kb {shown(kb)}", found.nearest(kb, [*map(str, known)]))
    if isinstance(named, str):
        from ..store.kb import check_name  # it knows embedders, which know numpy

        try:
            check_name(named)
        except MilepostError as wrong:
            found.error("bad_kb_name", None, wrong.message, wrong.cause or None)


def _takes_out(step: Step, registry: Mapping[str, Any]) -> bool:
    params = as_mapping((as_mapping(registry.get(step.action)) or {}).get("params")) or {}
    return any((as_mapping(param) or {}).get("among") == "sources" and name in step.args for name, param in
               params.items())  # fmt: skip


def _check_owner(plan: Mapping[str, Any], found: Findings, facts: Mapping[str, Any]) -> None:
    tenant = plan.get("tenant")
    if facts.get("tenant") is not None and tenant is not None and tenant != facts["tenant"]:
        found.error("not_permitted", None, "the plan is another tenant's", "plan it yourself")


def _check_embedder(plan: Mapping[str, Any], found: Findings, facts: Mapping[str, Any]) -> None:
    """The vectors of a kb come from one model: its own, the one the plan was made for, and the one at hand."""
    made_for = opened(plan.get("base")).get("embedder")
    if not isinstance(made_for, str):
        return
    for whose, name in (("the kb has vectors of", facts.get("kb_embedder")), ("configured is", facts.get("embedder"))):
        if name and made_for and name != made_for:
            found.error(
                "embedder_mismatch", None, f"the plan was made with {shown(made_for)}; {whose} {shown(name)}",
                "configure that embedder, or plan again",
            )  # fmt: skip


def _check_disk(plan: Mapping[str, Any], found: Findings, facts: Mapping[str, Any]) -> None:
    free, needed = facts.get("disk_free"), opened(plan.get("resources")).get("disk_bytes")
    if not isinstance(free, int) or not isinstance(needed, int):
        return
    if needed > free:
        found.error(
            "no_space", None, f"the plan needs about {needed} bytes of disk, {free} are free", "make room, or plan less"
        )
    elif needed > free * _TIGHT:
        found.warn("little_space", None, f"the plan takes about {needed} of {free} free bytes of disk", "make room")


def _check_excluded(
    plan: Mapping[str, Any], steps: Sequence[Step], found: Findings, files: Sequence[Mapping[str, Any]]
) -> None:
    """What the request excludes is part of the plan: acts in `excludes`, and files that are left out."""
    said = {one for one in as_list(plan.get("excludes")) or () if isinstance(one, str)}
    left = [file.get("source") for file in files if file.get("action") == "skip" and file.get("reason") == "excluded"]
    out = {name for name in left if isinstance(name, str)}
    hint = "leave it out of the plan"
    for step in steps:
        if step.action in said:
            found.error("excluded_act", step.id, f"the request excludes {shown(step.action)}", hint)
        for act, argument in ONLY_WITH.items() if step.action == "expose" else ():
            if act in said and argument not in step.args:
                found.error("excluded_act", step.id, f"the request excludes {shown(act)}", f"say {argument}")
        for name in _named(step):
            if f"{step.action}:{name}" in said or (name in out and step.action in ("upload", "parse", "embed")):
                found.error("excluded_act", step.id, f"the request excludes {shown(name)}", hint)
    for file in files:
        act = {"add": "upload", "replace": "replace", "remove": "remove"}.get(str(file.get("action")), "")
        if act and (act in said or f"{act}:{file.get('source')}" in said):
            found.error("excluded_act", None, f"the request excludes {act} of {shown(file.get('source'))}", hint)


def _check_lines(steps: Sequence[Step], found: Findings, files: Sequence[Mapping[str, Any]]) -> None:
    """What a step names is what the plan has lines for: the lines are what is done."""
    by_act: dict[str, set[str]] = {}
    for file in files:
        if isinstance(file.get("source"), str):
            by_act.setdefault(str(file.get("action")), set()).add(file["source"])
    for step in steps:
        named = set(_named(step))
        if step.action == "upload" and as_list(step.args.get("files")) is not None:
            differ = set().union(*(by_act.get(act, set()) for act in TAKEN)) - named
        elif step.action in ("remove", "hide"):
            differ = named - by_act.get(step.action, set())
        else:
            continue
        for name in sorted(differ)[:LISTED]:
            found.error(
                "files_differ",
                step.id,
                f"{shown(step.id)} and the plan's files do not say the same of {shown(name)}",
                "plan again",
            )


def _named(step: Step) -> Iterator[str]:
    for argument in ("files", "sources"):
        yield from (name for name in as_list(step.args.get(argument)) or () if isinstance(name, str))


def _check_roots(files: Sequence[Mapping[str, Any]], found: Findings, facts: Mapping[str, Any]) -> None:
    """What is read lies under what was given: a plan that names another place was not made here."""
    roots = as_list(facts.get("roots"))
    if roots is None:
        return
    within = _under([str(root) for root in roots])
    bad = [file for file in files if file.get("action") in TAKEN and not _inside(file, within, facts)]
    for file in bad[:LISTED]:
        found.error(
            "outside_root", None, f"{shown(file.get('path'))} is in none of the places given",
            "plan again, with the path of the file or of its folder",
        )  # fmt: skip


def _inside(file: Mapping[str, Any], within: Callable[[str], bool], facts: Mapping[str, Any]) -> bool:
    """Under a root, or held as bytes; a member of an archive is where its archive is."""
    if file.get("source") in (as_list(facts.get("held")) or ()):
        return True
    path = file.get("archive") or file.get("path")
    return isinstance(path, str) and within(path)


def _under(roots: Sequence[str]) -> Callable[[str], bool]:
    normal = [os.path.normpath(root) for root in roots if "\0" not in root]

    def within(path: str) -> bool:
        if "\0" in path:
            return False
        place = os.path.normpath(path)
        return any(place == root or place.startswith(f"{root.rstrip('/')}/") or _relative(place, root)
                   for root in normal)  # fmt: skip

    return within


def _relative(place: str, root: str) -> bool:
    """Anything that does not climb lies in the current folder, where that was given."""
    return root == "." and not place.startswith(("/", ".."))


def _check_moved(found: Findings, facts: Mapping[str, Any]) -> None:
    for sentence in list(as_list(facts.get("moved")) or ())[:LISTED]:
        found.error("moved", None, str(sentence)[:400], "plan again")


def _check_declared(plan: Mapping[str, Any], registry: Mapping[str, Any], found: Findings) -> None:
    """A step says of itself what its action is: the milestone, and an effect that is not made small."""
    for said in as_list(plan.get("steps")) or ():
        step = opened(said)
        spec = as_mapping(registry.get(str(step.get("action"))))
        name = step.get("id")
        if spec is None or not isinstance(name, str):
            continue
        milestone = step.get("milestone")
        own = () if spec.get("once") else (f"{name}_complete",)  # what a plan may have twice is told apart by its id
        if milestone is not None and milestone not in (spec.get("milestone"), *own):
            found.error(
                "wrong_milestone", name, f"{shown(name)} says it completes {shown(milestone)}",
                f"{shown(step.get('action'))} completes {shown(spec.get('milestone'))}",
            )  # fmt: skip
        if spec.get("effect") == "irreversible" and step.get("effect") not in (None, "irreversible"):
            found.error(
                "effect_understated",
                name,
                f"{shown(name)} says that it can be undone",
                "its action is irreversible",
            )


def _check_loss(plan: Mapping[str, Any], files: Sequence[Mapping[str, Any]], found: Findings) -> None:
    """Without rollback what is replaced or removed is gone, and the step that takes it away has to say so."""
    if not any(file.get("action") in ("replace", "remove") for file in files):
        return
    for said in as_list(plan.get("steps")) or ():
        step = opened(said)
        if step.get("action") in ("expose", "remove") and step.get("effect") not in (None, "irreversible"):
            found.error(
                "effect_understated", str(step.get("id"))[:64], "what it replaces or removes cannot come back",
                "rollback is off by policy: its effect is irreversible",
            )  # fmt: skip
