"""Write docs/plan-quality.md, the project's page on its own planners, out of what logs of evaluations say.

`make plan-quality LOGS="a.jsonl b.jsonl,c.jsonl"` reads logs (each is a run of its own; two with a comma between are
held against one another) into docs/plan-quality.json, which is checked in, and writes the page from that; without LOGS
it writes the page again. What a log does not have, as the machine, is in an `about.json` beside it. No figure on the
page is typed: tests/house/test_plan_quality.py holds the page to the numbers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import Field

from milepost.evals.comparing import Evidence, evidence_of
from milepost.evals.comparison_text import escaped, markdown
from milepost.evals.inspect_logs import read_any_log
from milepost.evals.worlds import PLANNING
from milepost.store.records import Record

DOCS = Path(__file__).resolve().parent.parent / "docs"
NUMBERS, PAGE = DOCS / "plan-quality.json", DOCS / "plan-quality.md"
HEAD = """\
# How good the plans are

What Milepost's planners make of its own cases (`evals/cases/`), by `milepost eval run`. This page is made from logs:
`make plan-quality LOGS="run.jsonl"` after a run. Success means that every expectation of a case holds: steps, files,
order, options, what must not be, and what has to be asked. Cases come in families of paraphrases, and intervals draw
families anew. Milepost's rules were written against these very cases, so the template's success on them says little
about requests that nobody has thought of."""
ARMS = {
    "template-fixed": "upload, parse, embed, expose for every file on offer; the request is not read",
    "template": "the rules that read the request (the parameterised template)",
    "ai": "the model, repaired by the validator, with the template to fall back on: what policy does",
    "ai-only": "the model and the validator, without the template",
    "ai-unvalidated": "the model's first answer, not validated",
}


class Run(Record):
    """One log: when, with what, and what it says."""

    created: str
    cases: int
    cases_digest: str
    execute: bool
    after: int
    versions: dict[str, str]
    kinds: list[str]
    evidence: Evidence
    cases_file: str = ""
    left: int = 0
    """Trials that were not run."""
    set: dict[str, str] = Field(default_factory=dict)
    """Keys of the policy that are not as evaluations usually have them; of two logs both values."""
    about: dict[str, str] = Field(default_factory=dict)
    page: str = ""
    """The whole report, where it is checked in beside the page (`eval report LOG -o docs/plan-quality-NAME.html`)."""


def run_of(path: Path, other: Path | None = None) -> Run:
    """The numbers of one log, or of two that are held against one another."""
    logs = [read_any_log(one) for one in (path, other) if one]
    header = logs[0].header
    found, _ = evidence_of(*logs)
    beside, page = path.with_name("about.json"), f"plan-quality-{path.stem}.html"
    about = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    arms = [arm.model_copy(update={"log": ""}) for arm in found.arms]
    return Run(
        created=header.created, cases=len(header.cases), cases_digest=header.cases_digest, execute=header.execute,
        after=header.after, versions=header.versions, kinds=sorted({arm.kind for arm in header.planners}),
        evidence=found.model_copy(update={"arms": arms}), cases_file=header.cases_file,
        left=sum(len(log.missing) for log in logs), set=_other_than_usual([log.header.policy for log in logs]),
        about={name: str(value) for name, value in about.items()}, page=page if (DOCS / page).exists() else "",
    )  # fmt: skip


def _other_than_usual(policies: list[dict[str, Any]]) -> dict[str, str]:
    usual = _flat(PLANNING.model_dump(mode="json"))
    chosen = [_flat(policy) for policy in policies]
    keys = sorted(key for key in usual if any(one.get(key) != usual[key] for one in chosen))
    return {key: " and ".join(dict.fromkeys(json.dumps(one.get(key)) for one in chosen)) for key in keys}


def _flat(policy: dict[str, Any], before: str = "") -> dict[str, Any]:
    """A policy with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in policy.items():
        flat |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return flat


def page_of(runs: list[Run]) -> str:
    """The page."""
    kinds = [kind for kind in ARMS if any(kind in run.kinds for run in runs)]
    lines = [HEAD, "", *(f"- `{kind}`: {ARMS[kind]}" for kind in kinds), ""]
    for run in runs:
        lines += [f"## {_title(run)}", "", *_said(run), markdown(run.evidence).rstrip(), ""]
    return "\n".join(lines).rstrip() + "\n"


def _title(run: Run) -> str:
    what = "planned and executed" if run.execute else "planned only"
    return f"{run.created[:10]}: {run.cases} cases, {what}{f', after {run.after} journeys' if run.after else ''}"


def _said(run: Run) -> list[str]:
    lines = [f"Cases {run.cases_file or 'of the project'} ({run.cases_digest[:12]}); {_listed(run.versions)}."]
    lines += [f"Policy other than usual: {_listed(run.set)}."] if run.set else []
    lines += [f"The model ran on: {_listed(run.about)}."] if run.about else []
    lines += [f"The run was stopped: {run.left} of its trials were not run."] if run.left else []
    link = (
        [f"[Every case, with both plans and what failed]({run.page}), as a page for a browser.", ""] if run.page else []
    )
    return [escaped(" ".join(lines)), "", *link]


def _listed(said: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(said.items()))


def numbers() -> list[Run]:
    """What is checked in."""
    return [Run.model_validate(run) for run in json.loads(NUMBERS.read_text(encoding="utf-8"))["runs"]]


def main(logs: list[str]) -> None:
    """Read the logs, if any are named, and write the page."""
    if logs:
        pairs = [[Path(one) for one in log.split(",")] for log in logs]
        runs = [run_of(*pair).model_dump(mode="json") for pair in pairs]
        NUMBERS.write_text(json.dumps({"runs": runs}, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page_of(numbers()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
