"""Many files, told to a model in groups: by folder, type and state; and the rules by which it chooses among them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from .ai_answers import Draft, DraftStep
from .ai_files import KnownFile, shortened
from .ai_schema import MAX_GROUPS
from .issues import Issue, as_list, as_mapping, shown
from .selection import FileFacts, matching
from .validator_args import has_type

ALL = "all"
_EXAMPLES = 3
_LANGUAGES = 5
_MOST_RULES = 20

RULE: Mapping[str, Mapping[str, Any]] = {
    "group": {"type": "string", "among": "files"},
    "name": {"type": "string"},
    "type": {"type": "string"},
    "language": {"type": "string"},
    "since": {"type": "string"},
    "before": {"type": "string"},
    "larger": {"type": "integer"},
    "smaller": {"type": "integer"},
    "out": {"type": "boolean"},
}
"""What a rule may say. All that it says has to hold of a file; with `out` such files are left out."""
PARAMS: Mapping[str, Mapping[str, Any]] = {
    "which": {
        "type": "array",
        "items": {"type": "object", "properties": RULE},
        "description": "rules for the files of these groups: those that fit one, and none with `out`; a rule says what"
        " has to hold: group, name (a pattern), type, language, since and before (dates), larger and smaller (bytes)",
    },
    "newest": {"type": "integer", "description": "only so many of them, those changed last"},
}
"""What `upload` takes besides, where files are told in groups."""

_HOLDS: Mapping[str, Callable[[KnownFile, Any], bool]] = {
    "name": lambda file, said: bool(matching(said).test(FileFacts(file.name, file.size))),
    "type": lambda file, said: file.type == said,
    "language": lambda file, said: file.language == said,
    "since": lambda file, said: file.modified is not None and file.modified >= date.fromisoformat(said),
    "before": lambda file, said: file.modified is not None and file.modified < date.fromisoformat(said),
    "larger": lambda file, said: file.size > said,
    "smaller": lambda file, said: file.size < said,
}


@dataclass(frozen=True)
class Group:
    """Files of one folder (and what is below it), one type and one state, by their places in the list of all."""

    folder: str | None
    """None: what is left of several folders."""
    type: str | None
    state: str | None
    members: tuple[int, ...]


@dataclass(frozen=True)
class Groups:
    """All files, and the groups that a model is told of, by handle."""

    files: Sequence[KnownFile]
    groups: Mapping[str, Group] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Sequence[KnownFile]) -> Groups:
        """At most `MAX_GROUPS` groups; the deeper their folders the better."""
        found = _grouped(files)
        return cls(files, {f"g{number}": group for number, group in enumerate(found, 1)})

    def told(self) -> list[dict[str, Any]]:
        """Each group's facts, as JSON types."""
        return [self._told(handle, group) for handle, group in self.groups.items()]

    def _told(self, handle: str, group: Group) -> dict[str, Any]:
        files = [self.files[at] for at in group.members]
        days = sorted(file.modified for file in files if file.modified is not None)
        sizes = [file.size for file in files]
        spoken = Counter(file.language for file in files if file.language)
        names = sorted({PurePosixPath(file.name).name for file in files})
        return {
            "handle": handle,
            "folder": None if group.folder is None else shortened(group.folder),
            "type": group.type, "state": group.state, "files": len(files),
            "bytes": [min(sizes), max(sizes)],
            "modified": [str(days[0]), str(days[-1])] if days else None,
            "languages": dict(sorted(spoken.most_common(_LANGUAGES))),
            "names": [shortened(name, 25, 15) for name in names[:: max(1, len(names) // _EXAMPLES)][:_EXAMPLES]],
        }  # fmt: skip

    def chosen(self, args: Mapping[str, Any]) -> tuple[list[int], list[Issue]]:
        """The places of the files that an upload's arguments mean, in order, and what is wrong with those."""
        wrong = [*self._wrong(args)]
        if wrong:
            return [], wrong
        handles = as_list(args.get("files")) or []
        rules = [as_mapping(rule) or {} for rule in as_list(args.get("which")) or ()]
        wanted, unwanted = [r for r in rules if not r.get("out")], [r for r in rules if r.get("out")]
        places = [
            at
            for at in sorted({at for handle in handles for at in self._members(str(handle))})
            if (not wanted or any(self._fits(at, rule) for rule in wanted))
            and not any(self._fits(at, rule) for rule in unwanted)
        ]
        newest = args.get("newest")
        if newest is not None:
            places = sorted(sorted(places, key=self._age)[: int(newest)])
        return places, [] if places or not handles else [self._nothing(handles, rules)]

    def _members(self, handle: str) -> Sequence[int]:
        return range(len(self.files)) if handle == ALL else self.groups[handle].members

    def _age(self, place: int) -> tuple[int, str]:
        file = self.files[place]
        return -file.modified.toordinal() if file.modified else 0, file.name

    def _fits(self, place: int, rule: Mapping[str, Any]) -> bool:
        said = {name: value for name, value in rule.items() if value is not None and name != "out"}
        group = said.pop("group", ALL)
        return place in self._members(group) and all(_HOLDS[name](self.files[place], one) for name, one in said.items())

    def _wrong(self, args: Mapping[str, Any]) -> Iterator[Issue]:
        """Handles that were not given, and rules that say nothing or what cannot be read."""
        for handle in as_list(args.get("files")) or ():
            if handle != ALL and handle not in self.groups:
                yield Issue(code="unknown_file", message=f"there is no group {shown(handle)}", hint=self._hint())
        rules = as_list(args.get("which")) or ()
        if len(rules) > _MOST_RULES:
            yield _not_allowed(f"there are {len(rules)} rules", f"at most {_MOST_RULES}")
        for rule in rules:
            yield from self._wrong_in(as_mapping(rule) or {})
        if (newest := args.get("newest")) is not None and not (has_type(newest, "integer") and newest >= 1):
            yield _not_allowed(f"newest cannot be {shown(newest)}", "a whole number from 1")

    def _wrong_in(self, rule: Mapping[str, Any]) -> Iterator[Issue]:
        said = {name: value for name, value in rule.items() if value is not None}
        if not said.keys() - {"out"}:
            yield _not_allowed("a rule of `which` says nothing", f"it says one of {', '.join(RULE)}")
        for name in said.keys() - RULE.keys():
            yield _not_allowed(f"a rule of `which` cannot say {shown(name)}", f"it says one of {', '.join(RULE)}")
        for name in RULE.keys() & said.keys():
            kind = RULE[name]["type"]
            if not has_type(said[name], kind):
                yield _not_allowed(f"{name} of a rule cannot be {shown(said[name])}", f"its type is {kind}")
            elif name in ("since", "before") and not _is_day(said[name]):
                yield _not_allowed(f"{name} of a rule cannot be {shown(said[name])}", "a date, as 2026-05-31")
            elif name == "group" and said[name] != ALL and said[name] not in self.groups:
                yield Issue(code="unknown_file", message=f"there is no group {shown(said[name])}", hint=self._hint())

    def _hint(self) -> str:
        return f"groups are {next(iter(self.groups), 'none')} to {[*self.groups, 'none'][len(self.groups) - 1]}, or all"

    def _nothing(self, handles: Sequence[Any], rules: Sequence[Mapping[str, Any]]) -> Issue:
        inside = {at for handle in handles for at in self._members(str(handle))}
        fits = [sum(self._fits(at, rule) for at in inside) for rule in rules]
        counts = ", ".join(f"rule {number}: {count}" for number, count in enumerate(fits, 1))
        return Issue(
            code="nothing_chosen",
            message="no file fits what `upload` says",
            hint=f"of {len(inside)} files in these groups fit {counts}" if rules else "the groups are empty",
        )


def expanded(draft: Draft, groups: Groups) -> tuple[Draft, list[Issue]]:
    """The draft with the files that its groups and rules mean, by the handles of single files; and what is wrong."""
    found: list[Issue] = []

    def step_of(step: DraftStep) -> DraftStep:
        if step.action not in ("upload", "parse") or as_list(step.args.get("files")) is None:
            return step
        places, wrong = groups.chosen(step.args)
        found.extend(issue.model_copy(update={"step": step.id}) for issue in wrong)
        kept = {name: value for name, value in step.args.items() if step.action != "upload" or name not in PARAMS}
        return step.model_copy(update={"args": {**kept, "files": [file_handle(place) for place in places]}})

    return draft.model_copy(update={"steps": [step_of(step) for step in draft.steps]}), found


def file_handle(place: int) -> str:
    """The handle of a file, by its place in the list of all."""
    return f"f{place + 1}"


def with_rules(registry: Mapping[str, Any]) -> dict[str, Any]:
    """The registry as it is told where files are in groups: `upload` chooses by rules, too."""
    upload = registry.get("upload")
    if upload is None:
        return dict(registry)
    return {**registry, "upload": {**upload, "params": {**upload["params"], **PARAMS}}}


def _not_allowed(message: str, hint: str) -> Issue:
    return Issue(code="value_not_allowed", message=message, hint=hint)


def _is_day(said: str) -> bool:
    try:
        date.fromisoformat(said)
    except ValueError:
        return False
    return True


def _grouped(files: Sequence[KnownFile]) -> list[Group]:
    depth = max((len(PurePosixPath(file.name).parts) - 1 for file in files), default=0)
    found = _at(files, depth)
    while len(found) > MAX_GROUPS and depth:
        depth -= 1
        found = _at(files, depth)
    if len(found) <= MAX_GROUPS:
        return found
    found.sort(key=lambda group: -len(group.members))
    rest = sorted(at for group in found[MAX_GROUPS - 1 :] for at in group.members)
    return [*found[: MAX_GROUPS - 1], Group(None, None, None, tuple(rest))]


def _at(files: Sequence[KnownFile], depth: int) -> list[Group]:
    """Groups by folders of that depth at most, in the order of folder, type and state."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place, file in enumerate(files):
        folder = "/".join(PurePosixPath(file.name).parts[:-1][:depth])
        found[folder, file.type or "", file.state].append(place)
    return [Group(key[0], key[1] or None, key[2], tuple(found[key])) for key in sorted(found)]
