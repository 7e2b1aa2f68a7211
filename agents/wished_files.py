"""Which of the files on offer a request means: those it chooses, those it leaves out, those it is unsure of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..store.plan import PlannedFile, Question
from .comparison import planned
from .inputs import Input
from .request import Constraints
from .request_newest import newest_of
from .selection import FileFacts, day_of, verdict


@dataclass(frozen=True)
class Chosen:
    """Inputs by what becomes of them; `unsure` has a warning by source."""

    taken: list[Input] = field(default_factory=list)
    left_out: list[PlannedFile] = field(default_factory=list)
    unsure: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)


def facts_of(one: Input, language: str | None = None) -> FileFacts:
    """What a request can speak of."""
    return FileFacts(one.source, one.size, day_of(one.mtime_ns), one.mtime_ns / 1e9, one.sha256, language)


def chosen(said: Constraints, inputs: Sequence[Input], facts: Sequence[FileFacts]) -> Chosen:
    """Choose among the inputs; `facts` are theirs, in the same order.

    Where none of them fits, the folders that were given count as a part of the names: "everything in docs".
    """
    found = _judged(said, inputs, facts, facts)
    if found.taken or not inputs:
        return found
    placed = [_in_its_folder(one, fact) for one, fact in zip(inputs, facts, strict=True)]
    again = _judged(said, inputs, facts, placed)
    return again if again.taken else found


def _in_its_folder(one: Input, fact: FileFacts) -> FileFacts:
    given = one.path.removesuffix(one.source) if one.data is None else ""
    return replace(fact, name=f"{Path(given).name}/{fact.name}") if given else fact


def _judged(
    said: Constraints, inputs: Sequence[Input], facts: Sequence[FileFacts], called: Sequence[FileFacts]
) -> Chosen:
    """Choose among the inputs by the names in `called`."""
    found = Chosen()
    meant: list[FileFacts] = []
    for one, fact, seen in zip(inputs, facts, called, strict=True):
        judged = verdict(seen, said.clauses)
        out = judged.left_out or _about(said, seen)
        if out is not None:
            found.left_out.append(planned(one, "skip", reason="excluded", detail=out))
            continue
        meant.append(fact)
        if judged.unsure:
            found.unsure[one.source] = judged.unsure
    kept = _newest(said, meant, found)
    for one in inputs:
        if one.source in kept:
            found.taken.append(one)
        elif any(fact.name == one.source for fact in meant):
            detail = "the request asks for the newest only"
            found.left_out.append(planned(one, "skip", reason="excluded", detail=detail))
    if not found.taken and not found.questions:
        found.questions.append(_none(inputs))
    return found


def _about(said: Constraints, file: FileFacts) -> str | None:
    """Why a file is left out or held for what its name says it is about."""
    for topic in said.topics:
        if topic.in_name(file.words):
            return f"the request leaves out what is about {topic.said}"
    for topic in said.topics:
        if topic.likely(file.words):
            return f"held: it may be about {topic.said}, which the request leaves out; name it to have it taken"
    return None


def _newest(said: Constraints, meant: Sequence[FileFacts], found: Chosen) -> set[str]:
    names = {file.name for file in meant}
    if said.newest is None:
        return names
    top = newest_of(meant, said.newest.count)
    if top is None:
        listed = ", ".join(sorted(names)[:10])
        found.questions.append(Question(about="files", text=f"which of these is the newest? {listed}"))
        return set()
    return {file.name for file in top}


def _none(inputs: Sequence[Input]) -> Question:
    if inputs:
        return Question(about="files", text=f"none of the {len(inputs)} files fits; which ones are meant?")
    return Question(about="files", text="which files? Give their paths, or the folder that holds them.")
