"""Cases: lines of JSON that say what is asked and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from ..store.errors import NotFound, UsageError

CODES_ELSEWHERE = {"unknown_tool": "unknown_action"}
"""What our codes are called in foreign conformance suites."""


class ConformanceCase(NamedTuple):
    """A plan, the registry it is to be judged by, and the code it must get (None: it is valid)."""

    id: str
    plan: dict[str, Any]
    registry: dict[str, Any]
    code: str | None


def load_cases(path: Path) -> Iterator[dict[str, Any]]:
    """The objects in a JSONL file, empty lines passed over; `UsageError` with the line that is none."""
    try:
        lines = path.open(encoding="utf-8")
    except OSError as error:
        raise NotFound(f'cannot read the cases in "{path}": {error.strerror}') from None
    with lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _object(line, f"{path}, line {number}")


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        case: Any = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}") from None
    if not isinstance(case, dict):
        raise UsageError(f"{where} is not an object")
    return cast("dict[str, Any]", case)


def conformance_case(line: str | Mapping[str, Any]) -> ConformanceCase:
    """A case of a foreign suite in our words: `tools` is the registry, a step's `tool` its action."""
    case = _object(line, "the case") if isinstance(line, str) else line
    plan: dict[str, Any] = dict(case["plan"])
    plan["steps"] = [_step(step) for step in plan.get("steps", [])]
    code: str | None = case.get("code")
    return ConformanceCase(
        str(case.get("id", "")), plan, dict(case["tools"]), CODES_ELSEWHERE.get(code, code) if code else None
    )


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    return {("action" if key == "tool" else key): value for key, value in step.items()}
