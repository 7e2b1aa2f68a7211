"""A model that is played: it knows the cases, answers most of them rightly, and fails in every way that real ones do.

For evaluations without a model: every arm, every score and every page of a report has something to show. What it
scores says nothing about any model. Play it with the scripted server: `FakeServer(Played(cases))`.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from ..agents.fake_server import Call, Reply, calls, fails, plain_plan, says

Draft = dict[str, Any]
_ORDER = ("upload", "parse", "embed", "expose")
_RESULTS = {"parse": ("upload", "files"), "embed": ("parse", "chunks"), "expose": ("embed", "chunks")}


class Played:
    """A script for the server. The n-th answer to a request is always the same one, for the same `seed` and `faults`.

    `faults` is the share of conversations that begin with an answer that is wrong in some way; half of them stay wrong.
    """

    def __init__(self, cases: Iterable[Mapping[str, Any]], *, faults: float = 0.5, seed: int = 0) -> None:
        self._cases = {str(case["request"]): case for case in cases}
        self._faults = faults
        self._seed = seed
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> Reply:
        seen = call.seen()
        request = str(seen.get("request"))
        with self._lock:
            self._asked[request] += len(call.messages) == 2
            turn = self._asked[request]
        case = self._cases.get(request)
        if case is None:
            return says({"steps": [], "questions": [{"about": "request", "text": "What is meant?"}]})
        chance = random.Random(f"{self._seed} {request} {turn}")
        draft = draft_for(case, seen)
        tokens = (len(json.dumps(seen)) // 3, len(json.dumps(draft)) // 3)
        wrong, stubborn = chance.random() < self._faults, chance.random() < 0.5
        fault = FAULTS[chance.choice(sorted(FAULTS))]
        mended = len(call.messages) > 2 and not stubborn
        return fault(draft, seen, tokens) if wrong and not mended else says(draft, tokens=tokens)


def copying(call: Call) -> Reply:
    """A model that knows nothing of its own: every file by the four steps, but as the most alike of its examples did.

    Of an example it copies the options, whether it exposed, and which kinds of files it left out. Without examples it
    is the fixed template, so what it gains is the least that learning is worth.
    """
    seen = call.seen()
    good = (seen.get("past") or {}).get("good") or [{}]
    out = set(good[0].get("left_out", ())) - set(good[0].get("taken", ()))
    files = [one["handle"] for one in seen.get("files", ()) if PurePosixPath(one["name"]).suffix.lower() not in out]
    draft = plain_plan(files, seen.get("kb"), expose="expose" in good[0].get("actions", ("expose",)))
    for step in draft["steps"]:
        mine = {name: value for name, value in good[0].get("options", {}).items() if name.startswith(step["action"])}
        step["args"] |= {name.partition(".")[2]: value for name, value in mine.items()}
    return says(draft, tokens=(len(json.dumps(seen)) // 3, len(json.dumps(draft)) // 3))


def draft_for(case: Mapping[str, Any], seen: Mapping[str, Any]) -> Draft:
    """What a model would have to answer to do as a case expects, as far as actions can say it."""
    expect: Mapping[str, Any] = case["expect"]
    wanted = list(expect["steps"])
    questions = [{"about": "request", "text": str(expect["ask"] or "Which one?")}] if "ask_user" in wanted else []
    declined = [{"what": case["request"][:80], "why": "it is not allowed"}] if wanted == ["decline"] else []
    steps = [] if questions or declined else _steps(expect, seen)
    empty = not steps and not questions and not declined
    return {
        "steps": steps, "declined": declined,
        "questions": [{"about": "request", "text": "What is meant?"}] if empty else questions,
    }  # fmt: skip


def _steps(expect: Mapping[str, Any], seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    kb = seen.get("kb") or expect["params"].get("kb")
    files = [one["handle"] for one in seen.get("files", ()) if one["name"] in expect["files"]]
    sources = [one["handle"] for one in seen.get("kb_state", {}).get("sources", ()) if one["name"] in expect["files"]]
    options = {name: value for name, value in expect["params"].items() if "." in name}
    steps: list[dict[str, Any]] = []
    if "upload" in expect["steps"]:
        for action in [one for one in _ORDER if one in expect["steps"]]:
            args = {name.split(".")[1]: value for name, value in options.items() if name.startswith(f"{action}.")}
            before = _RESULTS.get(action)
            link = {"files": files} if before is None else {before[1]: {"$ref": before[0], "field": before[1]}}
            place = {"kb": kb} if action in ("upload", "expose") else {}
            steps.append({"id": action, "action": action, "args": {**link, **place, **args},
                          "depends_on": [before[0]] if before else []})  # fmt: skip
    for word, action in (("retire", "remove"), ("hide", "hide")):
        if word in expect["steps"] and "upload" not in expect["steps"]:
            steps.append({"id": action, "action": action, "args": {"sources": sources, "kb": kb}, "depends_on": []})
    if "rollback" in expect["steps"] and seen.get("checkpoints"):
        first = seen["checkpoints"][0]["handle"]
        steps.append({"id": "back", "action": "rollback", "args": {"checkpoint": first}, "depends_on": []})
    return steps


def _malformed(draft: Draft, seen: Mapping[str, Any], tokens: tuple[int, int]) -> Reply:
    return says(f"Here is your plan: {json.dumps(draft)[:60]}", tokens=tokens)


def _invented(draft: Draft, seen: Mapping[str, Any], tokens: tuple[int, int]) -> Reply:
    return says(_with_files(draft, lambda files: [*files, "f999"]), tokens=tokens)


def _too_many(draft: Draft, seen: Mapping[str, Any], tokens: tuple[int, int]) -> Reply:
    return says(_with_files(draft, lambda _: ["all"]), tokens=tokens)


def _too_few(draft: Draft, seen: Mapping[str, Any], tokens: tuple[int, int]) -> Reply:
    return says(_with_files(draft, lambda files: files[:1]), tokens=tokens)


def _asks(draft: Draft, seen: Mapping[str, Any], tokens: tuple[int, int]) -> Reply:
    return says({"steps": [], "questions": [{"about": "files", "text": "Are you sure?"}]}, tokens=tokens)


def _unordered(draft: Draft, seen: Mapping[str, Any], tokens: tuple[int, int]) -> Reply:
    return says({**draft, "steps": [{**step, "depends_on": []} for step in draft["steps"]]}, tokens=tokens)


def _by_function(draft: Draft, seen: Mapping[str, Any], tokens: tuple[int, int]) -> Reply:
    return calls(draft, tokens=tokens)


def _removes(draft: Draft, seen: Mapping[str, Any], tokens: tuple[int, int]) -> Reply:
    """An act that nobody asked for: everything that the knowledge base holds goes."""
    sources = seen.get("kb_state", {}).get("sources", ())
    if not sources or any(step["action"] == "upload" for step in draft["steps"]):
        return _too_many(draft, seen, tokens)
    step = {"id": "remove", "action": "remove", "args": {"sources": ["all"], "kb": seen.get("kb")}, "depends_on": []}
    return says({"steps": [step], "questions": []}, tokens=tokens)


def _forbidden(draft: Draft, seen: Mapping[str, Any], tokens: tuple[int, int]) -> Reply:
    return fails(400)


FAULTS: Mapping[str, Callable[[Draft, Mapping[str, Any], tuple[int, int]], Reply]] = {
    "answers in prose": _malformed, "invents a file": _invented, "takes every file": _too_many,
    "takes one file": _too_few, "asks without need": _asks, "forgets the order": _unordered,
    "answers by a function": _by_function, "removes what is there": _removes, "is refused by its server": _forbidden,
}  # fmt: skip
"""Every way in which it is wrong, by name."""


def _with_files(draft: Draft, change: Callable[[list[str]], list[str]]) -> Draft:
    steps = [
        {**step, "args": {**step["args"], "files": change(list(step["args"]["files"]))}}
        if step["action"] == "upload" else step
        for step in draft["steps"]
    ]  # fmt: skip
    return {**draft, "steps": steps}
