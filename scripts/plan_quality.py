"""Write docs/plan-quality.md, the project's page on its own planners, out of what logs of evaluations say.

`make plan-quality LOGS="a.jsonl b.jsonl"` reads logs (each is a run of its own) into docs/plan-quality.json, which is
checked in, and writes the page from that; without LOGS it writes the page again. No figure on the page is typed:
tests/house/test_plan_quality.py holds the page to the numbers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from milepost.evals.comparing import Evidence, evidence_of
from milepost.evals.comparison_text import escaped, markdown
from milepost.evals.inspect_logs import read_any_log
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


def run_of(path: Path) -> Run:
    """The numbers of one log."""
    log = read_any_log(path)
    header = log.header
    found, _ = evidence_of(log)
    arms = [arm.model_copy(update={"log": ""}) for arm in found.arms]
    return Run(
        created=header.created, cases=len(header.cases), cases_digest=header.cases_digest, execute=header.execute,
        after=header.after, versions=header.versions, kinds=sorted({arm.kind for arm in header.planners}),
        evidence=found.model_copy(update={"arms": arms}),
    )  # fmt: skip


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
    versions = ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))
    return [escaped(f"Cases {run.cases_digest[:12]}; {versions}."), ""]


def numbers() -> list[Run]:
    """What is checked in."""
    return [Run.model_validate(run) for run in json.loads(NUMBERS.read_text(encoding="utf-8"))["runs"]]


def main(logs: list[str]) -> None:
    """Read the logs, if any are named, and write the page."""
    if logs:
        runs = [run_of(Path(log)).model_dump(mode="json") for log in logs]
        NUMBERS.write_text(json.dumps({"runs": runs}, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page_of(numbers()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
