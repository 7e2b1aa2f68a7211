"""From a model's draft to a plan: handles become names, the files are compared, and what the model chose stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..store.errors import MilepostError
from ..store.kb import check_name
from ..store.plan import Declined, Origin, Plan, PlannedFile, PlanStep, Question
from ..store.policy import Policy
from ..tools.services import Services
from .ai_answers import Draft, DraftStep
from .ai_facts import Handles
from .ai_groups import ALL, expanded
from .ai_schema import MAX_TEXT
from .comparison import leaving, planned
from .drafting import PlanRequest, Tell, realised
from .inputs import Input
from .issues import Issue, as_list, shown
from .kb_state import KbState
from .template import made_step
from .treatment import chunking
from .validator import validate_plan
from .validator_args import is_reference
from .validator_graph import ordered
from .wished_policy import NO_OCR
from .wishes import Wishes


@dataclass(frozen=True)
class Offer:
    """What a draft may use: the request, its inputs, the handles that were given, and the actions."""

    request: PlanRequest
    inputs: Sequence[Input]
    handles: Handles
    registry: Mapping[str, Any]
    excludes: tuple[str, ...] = ()
    """Acts that the request does not want, as rules read it: no model may plan them."""
    careful: Policy | None = None
    """The policy that the request leaves, as rules read it; the request's own where that is None."""

    @property
    def policy(self) -> Policy:
        """The policy that the plan is made under, but for how its steps have the files read."""
        return self.careful or self.request.policy


def problems(draft: Draft, offer: Offer) -> list[Issue]:
    """Everything that is wrong with a draft, in the model's own words: steps by id, files by handle."""
    if not draft.steps:
        return [] if draft.questions or draft.declined else [_EMPTY]
    draft, found = _single(draft, offer)
    if found:
        return found
    facts = {group: {*offer.handles.group(group), ALL} for group in ("files", "sources", "checkpoints")}
    steps = [step.model_dump() for step in plain(draft.steps, offer.registry)]
    said = {"steps": steps, "excludes": list(offer.excludes)}
    judged = validate_plan(said, for_kb(offer), offer.request.policy, facts)
    others = (_about_kb, _about_files, _about_ids, _about_treatment)
    return [*judged.errors, *(issue for about in others for issue in about(draft, offer))]


_EMPTY = Issue(
    code="empty_plan", message="there are neither steps nor questions", hint="plan the request, or ask what is missing"
)


def to_plan(services: Services, draft: Draft, offer: Offer, *, origin: Origin, on_progress: Tell | None) -> Plan:
    """The plan that a draft without problems stands for. Raises what planning files raises."""
    draft, _ = _single(draft, offer)
    steps = plain(draft.steps, offer.registry)
    kb = _kb(draft, offer)
    chosen = set(_chosen(steps, "upload", offer))
    wishes = Wishes(
        kb=kb,
        policy=_policy(steps, offer),
        expose=any(step.action == "expose" for step in steps),
        taken=[one for one in offer.inputs if one.source in chosen],
        left_out=[_left_out(one) for one in offer.inputs if one.source not in chosen],
        act="ingest" if any(step.action == "upload" for step in steps) else "stop",
        questions=tuple(Question(about=one.about, text=one.text) for one in draft.questions),
        declined=(*(Declined(**one.model_dump()) for one in draft.declined), *_not_there(steps)),
    )
    unseen = tuple(pair for pair in offer.request.unseen if pair[0] in chosen)

    def made(files: Sequence[PlannedFile]) -> Sequence[PlanStep]:
        gone = any(file.action in ("replace", "remove") for file in files)
        called = _called(offer.inputs, files)
        return [
            _made(step, offer, called, loses=gone and step.action in ("expose", "remove")) for step in in_order(steps)
        ]

    def going(state: KbState) -> list[PlannedFile]:
        named = {name: step.action for step in steps for name in _sources(step, offer) if step.action in _LEAVING}
        lines = {name: leaving(state.sources[name]) for name in named if name in state.sources}
        return [
            line.model_copy(update={"action": "hide"}) if named[name] == "hide" else line
            for name, line in lines.items()
        ]

    return realised(
        services, replace(offer.request, unseen=unseen), offer.inputs, wishes, origin=origin, steps=made, going=going,
        on_progress=on_progress, excludes=offer.excludes,
    )  # fmt: skip


_LEAVING = ("remove", "hide")


def _single(draft: Draft, offer: Offer) -> tuple[Draft, list[Issue]]:
    """The draft with single files, where it was told of groups; and what is wrong with what it says of those."""
    return (draft, []) if offer.handles.groups is None else expanded(draft, offer.handles.groups)


def _policy(steps: Sequence[DraftStep], offer: Offer) -> Policy:
    """With the files read, cut up and marked as the steps say."""
    return offer.policy.model_copy(update={"chunk": chunking(_args(steps), offer.policy.chunk)})


def _args(steps: Sequence[DraftStep]) -> dict[str, dict[str, Any]]:
    return {step.action: step.args for step in steps}


def _not_there(steps: Sequence[DraftStep]) -> list[Declined]:
    """What a step wishes and nobody can do."""
    return [NO_OCR] if _args(steps).get("parse", {}).get("ocr") else []


def _called(inputs: Sequence[Input], files: Sequence[PlannedFile]) -> dict[str, str]:
    """The source that each input becomes, by its own name: another one where both are kept."""
    by_path = {file.path: file.source for file in files}
    return {one.source: by_path.get(one.path, one.source) for one in inputs}


def _made(step: DraftStep, offer: Offer, called: Mapping[str, str], *, loses: bool) -> PlanStep:
    params: Mapping[str, Any] = offer.registry[step.action].get("params") or {}
    groups = {name: str(params.get(name, {}).get("among")) for name in step.args}
    args = {name: offer.handles.resolve(groups[name], value) for name, value in step.args.items()}
    for name, value in args.items():
        if groups[name] == "files" and not is_reference(value):
            args[name] = [called.get(one, one) for one in value]
    return made_step(step.action, args, tuple(step.depends_on), offer.policy, loses=loses, id=step.id)


def plain(steps: Sequence[DraftStep], registry: Mapping[str, Any]) -> list[DraftStep]:
    """The steps without arguments that are null and need not be there: how strict schemas leave one out."""

    def kept(step: DraftStep) -> dict[str, Any]:
        params: Mapping[str, Any] = (registry.get(step.action) or {}).get("params") or {}
        optional = {name for name, param in params.items() if not param.get("required")}
        return {name: value for name, value in step.args.items() if value is not None or name not in optional}

    return [step.model_copy(update={"args": kept(step)}) for step in steps]


def in_order(steps: Sequence[DraftStep]) -> list[DraftStep]:
    """What a step depends on before it: the order of a draft's list means nothing."""
    by_id = {step.id: step for step in steps}
    return [by_id[name] for name in ordered({step.id: step.depends_on for step in steps})]


def for_kb(offer: Offer) -> Mapping[str, Any]:
    """The registry in which the kb that was named is the only one."""
    if offer.request.kb is None:
        return offer.registry
    only = {"enum": [offer.request.kb]}
    return {
        action: {
            **spec,
            "params": {name: {**param, **(only if name == "kb" else {})} for name, param in spec["params"].items()},
        }
        for action, spec in offer.registry.items()
    }


def _kbs(draft: Draft) -> list[str]:
    return list(dict.fromkeys(str(step.args["kb"]) for step in draft.steps if isinstance(step.args.get("kb"), str)))


def _kb(draft: Draft, offer: Offer) -> str | None:
    named = _kbs(draft)
    return offer.request.kb or (named[0] if named else None)


def _about_kb(draft: Draft, offer: Offer) -> Iterator[Issue]:
    named = _kbs(draft)
    if offer.request.kb is None and len(named) > 1:
        said = " and ".join(shown(name) for name in named[:3])
        yield Issue(code="several_kbs", message=f"the steps are for {said}", hint="a plan is for one knowledge base")
    for name in named if offer.request.kb is None else ():
        try:
            check_name(name)
        except MilepostError as wrong:
            yield Issue(code="value_not_allowed", message=wrong.message, hint=wrong.cause or None)


def _about_files(draft: Draft, offer: Offer) -> Iterator[Issue]:
    """Only files that are uploaded can be parsed, and all of them are: what a step says is what happens."""
    chosen = set(_chosen(draft.steps, "upload", offer))
    for step in draft.steps:
        listed = as_list(step.args.get("files"))
        if step.action != "upload" and listed is not None and set(_names(step, "files", "files", offer)) != chosen:
            yield Issue(
                code="files_differ",
                step=step.id,
                message=f"{shown(step.id)} names other files than are uploaded",
                hint='use the uploading step\'s result: {"$ref": its id, "field": "files"}',
            )
        for name in sorted(chosen & set(_sources(step, offer))) if step.action in _LEAVING else ():
            yield Issue(
                code="contradiction",
                step=step.id,
                message=f"{shown(name, 90)} is put in and taken out by one plan",
                hint="do one of the two",
            )


def _about_treatment(draft: Draft, offer: Offer) -> Iterator[Issue]:
    """Whether the files can be read, cut up and marked as the steps say, and when they may go live."""
    args = _args(plain(draft.steps, offer.registry))
    if args.get("expose", {}).keys() & {"after", "not_before"} == {"after"}:
        yield Issue(
            code="missing_argument", message='"expose" says "after" and not "not_before"', hint="say the moment in both"
        )
    try:
        chunking(args, offer.policy.chunk)
    except ValueError as bad:
        yield Issue(code="value_not_allowed", message=str(bad)[:MAX_TEXT], hint="leave the argument out, or mend it")


def _about_ids(draft: Draft, offer: Offer) -> Iterator[Issue]:
    for step in draft.steps:
        if step.id != step.action and step.id in offer.registry:
            yield Issue(
                code="misleading_id",
                step=step.id,
                message=f"{shown(step.id)} is the name of another action than {shown(step.action)}",
                hint="call the step by its own action, or by another name",
            )


def _chosen(steps: Sequence[DraftStep], action: str, offer: Offer) -> list[str]:
    return [name for step in steps if step.action == action for name in _names(step, "files", "files", offer)]


def _sources(step: DraftStep, offer: Offer) -> list[str]:
    return _names(step, "sources", "sources", offer)


def _names(step: DraftStep, argument: str, group: str, offer: Offer) -> list[str]:
    value = step.args.get(argument)
    listed = as_list(value)
    if listed is None or is_reference(value):
        return []
    return [name for name in offer.handles.resolve(group, list(listed)) if isinstance(name, str)]


def _left_out(one: Input) -> PlannedFile:
    return planned(one, "skip", reason="excluded", detail="the plan leaves it out")
