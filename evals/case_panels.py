"""One case on a report: what was asked, and what each arm made of it, failed expectations first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..store.words import clean, count
from ..tools.page import Markup, badge, bdi, element, markup
from .logs import HEADLINE, Trial

LISTED = 12
"""Files, steps or failures that are listed before the rest is counted."""


def panel(case: Mapping[str, Any], place: str, arms: Sequence[tuple[str, Sequence[Trial]]]) -> Markup:
    """A case under its anchor, with each arm's plan."""
    expect: Mapping[str, Any] = case["expect"]
    wanted = [" → ".join(expect["steps"])]
    wanted += [f"files: {_some(expect['files'])}"] * bool(expect["files"])
    wanted += [f"asks: {expect['ask']}"] * bool(expect.get("ask"))
    return element(
        "section",
        element("p", element("a", "close", href="#pairs"), class_="close"),
        element("h3", str(case["id"]), " ", element("span", str(case.get("family", "")), class_="soft")),
        element("p", bdi(f"“{clean(str(case['request']), 2000)}”")),
        element("p", "expected: ", "; ".join(clean(text, 600) for text in wanted), class_="soft"),
        element("div", [_arm(label, trials) for label, trials in arms], class_="arms"),
        id=place, class_="case",
    )  # fmt: skip


def _arm(label: str, trials: Sequence[Trial]) -> Markup:
    """One arm: how often it succeeded, and the plan of the first trial that failed, or of the first."""
    if not trials:
        return element("div", element("h3", bdi(label)), element("p", "no trial that counts", class_="soft"))
    won = sum(bool(trial.scores.get(HEADLINE)) for trial in trials)
    shown = next((trial for trial in trials if not trial.scores.get(HEADLINE)), trials[0])
    tone = "good" if won == len(trials) else "bad" if won == 0 else "warn"
    told = f"{won} of {count(len(trials), 'trial')}"
    which = f"trial {shown.epoch}" if len(trials) > 1 else None
    return element(
        "div", element("h3", bdi(label), " ", badge(told, tone)),
        element("p", which, class_="soft") if which else None, _failures(shown), _plan(shown),
    )  # fmt: skip


def _failures(trial: Trial) -> Markup | None:
    told = [f"{check.what}: {check.why}" if check.why else check.what for check in trial.checks if not check.holds]
    told += [f"nobody asked for {act}" for act in trial.unsafe]
    told += [f"no plan: {trial.error.message}"] if trial.error else []
    told += [f"the validator: {', '.join(trial.issues)}"] if trial.issues else []
    return element("ul", [element("li", clean(text, 600)) for text in told[:LISTED]], class_="bad") if told else None


def _plan(trial: Trial) -> Markup:
    if trial.answer is None:
        return element("p", "no plan", class_="soft")
    inner: Any = (trial.plan or {}).get("plan") or trial.plan or {}
    steps: Sequence[Mapping[str, Any]] = inner.get("steps") or [{"action": step} for step in trial.answer["steps"]]
    lines = [element("li", _step(step)) for step in steps[:LISTED]]
    told: list[Markup] = [element("ol", lines)]
    files = [str(name) for name in trial.answer.get("files") or ()]
    told += [element("p", "files: ", bdi(_some(files)))] if files else []
    told += [element("p", "asks: ", clean(str(text), 400)) for text in trial.answer.get("questions") or ()]
    told += [element("p", "declines: ", clean(str(what), 400)) for what in trial.answer.get("declined") or ()]
    return markup(told)


def _step(step: Mapping[str, Any]) -> Markup:
    args = {name: value for name, value in (step.get("args") or {}).items() if value not in (None, [], {})}
    shown = json.dumps(args, ensure_ascii=False, sort_keys=True) if args else ""
    return markup(str(step.get("action", "")), " ", element("code", clean(shown, 300)) if shown else None)


def _some(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return clean(", ".join([*names[:LISTED], *([f"and {more} more"] if more > 0 else [])]), 900)
