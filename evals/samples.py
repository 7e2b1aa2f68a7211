"""Cases of requests, a line each in Inspect's sample shape: `id`, `input`, `target`, `metadata`.

`input` is the request, `target` the steps of a right plan, `metadata` has `family`, `context` and `expect`. Lines in
the plainer shape `{id, request, family, context, expect}` are read, too. A line that is no case is named; it does not
keep the others from being run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..store.errors import MilepostError, NotFound, UsageError
from ..store.kb import check_name
from ..store.plan import canonical_json
from .logs import BrokenLine

STEPS = ("upload", "parse", "embed", "expose", "hide", "retire", "rollback", "report", "ask_user", "decline")
"""What a plan can come to, in the cases' words."""
OWN_CASES = Path(__file__).parent / "cases" / "requests.jsonl"
_EXPECTED = ("steps", "files", "excluded_files", "params", "must_not", "order", "ask", "why")


def _inside(name: str) -> str:
    """A name that stays in the folder of its world."""
    path = PurePosixPath(name)
    if not name.strip() or path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name:
        raise ValueError(f"{name[:80]!r} is no name of a file inside a folder")
    return name


def _step(name: str) -> str:
    if name not in STEPS:
        raise ValueError(f"there is no step {name[:80]!r}; there are {', '.join(STEPS)}")
    return name


def _day(said: str) -> str:
    return date.fromisoformat(said).isoformat()


def _kb(name: str) -> str:
    try:
        check_name(name)
    except MilepostError as wrong:
        raise ValueError(wrong.message) from None
    return name


def _pair(pair: tuple[str, str]) -> tuple[str, str]:
    return (_step(pair[0]), _step(pair[1]))


Step = Annotated[str, AfterValidator(_step)]


class _Part(BaseModel):
    """More than this is kept for scorers of one's own."""

    model_config = ConfigDict(extra="allow", frozen=True)


class File(_Part):
    """A file of a case's world. `content` is its text; without one it says its own name and is as long as `size_mb`."""

    name: Annotated[str, AfterValidator(_inside)]
    size_mb: float | None = Field(default=None, ge=0, le=10_000, allow_inf_nan=False)
    modified: Annotated[str, AfterValidator(_day)] | None = None
    content: str | None = None


class Context(_Part):
    """What there is when the request comes."""

    files: tuple[File, ...] = ()
    knowledge_base: Annotated[str, AfterValidator(_kb)] | None = None
    already_in_kb: tuple[File, ...] = ()
    checkpoints: tuple[str, ...] = ()
    history: tuple[str, ...] = ()


class Expect(_Part):
    """What a right plan has, and what it must not have."""

    steps: tuple[Step, ...] = Field(min_length=1)
    files: tuple[str, ...] = ()
    excluded_files: tuple[str, ...] = ()
    params: dict[str, Any] = Field(default_factory=dict)
    must_not: tuple[str, ...] = ()
    order: tuple[Annotated[tuple[str, str], AfterValidator(_pair)], ...] = ()
    ask: str | None = None
    why: str = ""


class _Case(_Part):
    id: str = Field(min_length=1, max_length=200)
    family: str = ""
    request: str = Field(min_length=1)
    context: Context = Context()
    expect: Expect


@dataclass(frozen=True)
class Samples:
    """The cases of a file, each `{id, family, request, context, expect}`, and the lines that are none."""

    path: str
    cases: tuple[dict[str, Any], ...]
    broken: tuple[BrokenLine, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over the cases, whatever their order, shape and spacing."""
        return cases_digest(self.cases)


def cases_digest(cases: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 in hexadecimal over cases as `read_samples` gives them, sorted by id."""
    return hashlib.sha256(canonical_json(sorted(cases, key=lambda case: str(case["id"]))).encode()).hexdigest()


def read_samples(path: Path) -> Samples:
    """The cases of a JSONL file. `NotFound` without the file, `UsageError` where not one line of it is a case."""
    try:
        lines = path.read_bytes().decode("utf-8-sig", "replace").split("\n")
    except OSError as error:
        raise NotFound(
            f'cannot read the cases in "{path}"', cause=str(error.strerror), state="nothing was run"
        ) from None
    found: dict[str, dict[str, Any]] = {}
    broken: list[BrokenLine] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = case_of(json.loads(line))
            if case["id"] in found:
                raise ValueError(f"the id {case['id']!r} is there already")
            found[case["id"]] = case
        except (ValueError, RecursionError) as wrong:
            broken.append(BrokenLine(line=number, why=_why(wrong)))
    if not found:
        raise _no_case(path, broken)
    return Samples(str(path), tuple(found.values()), tuple(broken))


def case_of(said: Any) -> dict[str, Any]:
    """One case, in either shape, as plain JSON types; `ValueError` says what is wrong with it."""
    if not isinstance(said, Mapping):
        raise ValueError("it is not an object")
    flat = _flat(said) if "input" in said else dict(said)
    canonical_json(flat)  # no NaN, no half characters: it goes into logs
    return _Case.model_validate(flat).model_dump(mode="json")


def sample_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """A case in Inspect's sample shape."""
    expect = dict(case["expect"])
    target = list(expect.pop("steps"))
    rest = {name: value for name, value in case.items() if name not in ("id", "request", "expect")}
    return {
        "id": case["id"], "input": case["request"], "target": target, "metadata": {**rest, "expect": expect},
    }  # fmt: skip


def _flat(said: Mapping[str, Any]) -> dict[str, Any]:
    """Inspect's shape in ours. What is expected may stand in `metadata.expect`, or beside it in `metadata`."""
    metadata = said.get("metadata")
    if not isinstance(metadata, Mapping):
        raise ValueError("its metadata has no context and no expect")
    more = dict(metadata)
    expect = dict(more.pop("expect", None) or {name: more.pop(name) for name in _EXPECTED if name in more})
    target = said.get("target")
    if "steps" not in expect and target:
        expect["steps"] = target if isinstance(target, list) else str(target).split()
    return {**more, "id": said.get("id"), "request": said.get("input"), "expect": expect}


def _why(wrong: Exception) -> str:
    """The first thing that is wrong with a line, in one sentence."""
    if isinstance(wrong, ValidationError):
        first = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg'].removeprefix('Value error, ')}"
    if isinstance(wrong, RecursionError):
        return "it nests too deeply"
    return f"it is not JSON: {wrong}" if isinstance(wrong, json.JSONDecodeError) else str(wrong)


def _no_case(path: Path, broken: list[BrokenLine]) -> UsageError:
    first = f"the first: line {broken[0].line}, {broken[0].why}" if broken else "it is empty"
    return UsageError(f'there is no case in "{path}"', cause=first, state="nothing was run")
