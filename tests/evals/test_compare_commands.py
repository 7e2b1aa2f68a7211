"""Law: `eval compare` and `eval report` say what the logs say, on the right stream, with the exit code promised."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from log_kit import case, write_log

from milepost.cli import main
from milepost.evals.logs import Held, Times
from milepost.tools.page import PASSIVE

Cli = Callable[..., tuple[int, str, str]]
IDS = [f"c{at:02}" for at in range(40)]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line in a folder with logs: `good` is better than `base`, `small` has one case."""
    monkeypatch.chdir(tmp_path)
    families = {id: f"family {int(id[1:]) // 2}" for id in IDS}
    write_log(tmp_path / "base.jsonl", {"template": {id: [at % 2 == 0] for at, id in enumerate(IDS)}}, families)
    write_log(tmp_path / "good.jsonl", {"ai:m": {id: [True, at != 0] for at, id in enumerate(IDS)}}, families)
    write_log(tmp_path / "small.jsonl", {"template": {"x": [True]}})

    def run(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(words)
        out, err = capfd.readouterr()
        return code, out, err

    return run


def test_the_verdict_comes_first(cli: Cli) -> None:
    """Then the cases, the scores, the tests, the families and the arms; nothing on stderr."""
    code, out, err = cli("eval", "compare", "base.jsonl", "good.jsonl")
    assert (code, err) == (0, "")
    assert out.startswith("Verdict: ai:m is better than template in task success")
    for said in ("40 cases in 20 families", "20/1/19", "McNemar", "could have seen (80 % power)", "ai:m loses in 0 fam",
                 "template loses in 20 families", "k = 2"):  # fmt: skip
        assert said in " ".join(out.split()), said
    assert max(map(len, out.splitlines())) <= 80


def test_one_object(cli: Cli) -> None:
    """With `--json` the verdict is at the top, and every number below it."""
    code, out, _ = cli("eval", "compare", "base.jsonl", "good.jsonl", "--json")
    given = json.loads(out)
    assert code == 0 and given["format_version"] == "1.0" and given["verdict"] == "better"
    assert given["comparisons"][0]["headline"]["wins"] == 20 and given["gates"] == []


def test_a_gate_that_holds_and_one_that_fails(cli: Cli) -> None:
    """Exit 0 and 3; the failure says what, why and what next, and the object has both result and error."""
    rule = "task_success worse by 0.05"
    code, out, err = cli("eval", "compare", "base.jsonl", "good.jsonl", "--fail-if", rule)
    assert (code, err) == (0, "") and "gate holds" in out
    code, out, err = cli("eval", "compare", "good.jsonl", "base.jsonl", "--fail-if", rule)
    assert code == 3 and "gate FAILS" in out
    assert [line.split(":")[0] for line in err.splitlines()] == ["error", "cause", "state", "next"]
    assert "next: milepost eval report good.jsonl base.jsonl -o report.html" in err
    code, out, err = cli("eval", "compare", "good.jsonl", "base.jsonl", "--fail-if", rule, "--json")
    given = json.loads(out)
    assert code == 3 and given["verdict"] == "worse" and given["error"]["code"] == "gate_failed"
    assert given["gates"][0]["holds"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("base.jsonl", "small.jsonl"), "different cases"),
        (("base.jsonl", "gone.jsonl"), 'the log "gone.jsonl"'),
        (("base.jsonl", "old.jsonl"), "format 0.9"),
        (("base.jsonl", "torn.jsonl"), "is not the log of an evaluation"),
        (("base.jsonl",), "nothing to compare"),
        (("base.jsonl", "good.jsonl", "--fail-if", "x"), "no rule"),
        (("base.jsonl", "good.jsonl", "--planner", "ia:m"), "no planner"),
        (("base.jsonl", "good.jsonl", "--level", "95"), "--level cannot be 95"),
        (("base.jsonl", "good.jsonl", "--margin", "0"), "--margin cannot be 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(cli: Cli, words: tuple[str, ...], said: str) -> None:
    """Exit 2, with what is wrong, and nothing on stdout."""
    Path("old.jsonl").write_text('{"kind":"run","format_version":"0.9"}\n')
    Path("torn.jsonl").write_text('{"kind":"trial"}\n')
    code, out, err = cli("eval", "compare", *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and said in err and "state: " in err and "next: milepost" in err


def test_one_case_cannot_tell(cli: Cli) -> None:
    """In so many words, and it is no error."""
    code, out, _ = cli("eval", "compare", "small.jsonl", "small.jsonl")
    assert code == 0 and out.startswith("Verdict: cannot tell template (B) from template (A)")


def test_markdown(cli: Cli) -> None:
    """On stdout, and in a file whose name ends so."""
    code, out, _ = cli("eval", "compare", "base.jsonl", "good.jsonl", "--markdown")
    assert code == 0 and out.startswith("### ai:m against template") and "| task\\_success | 0.5 | 0.988 |" in out
    assert cli("eval", "report", "base.jsonl", "good.jsonl", "-o", "report.md")[0] == 0
    assert Path("report.md").read_text() == out


class Page(HTMLParser):
    """A page's ids, links and elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [str(value) for name, value in attrs if name == "id"]
        self.links += [str(value) for name, value in attrs if name == "href"]


def report(cli: Cli, *logs: str) -> tuple[str, Page]:
    """The page of some logs."""
    code, out, err = cli("eval", "report", *logs, "-o", "report.html")
    assert code == 0, err
    assert out.startswith("Wrote report.html.")
    text = Path("report.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_holds_itself(cli: Cli) -> None:
    """No script, nothing fetched; every mark leads to a case that is there, and every case can be reached."""
    text, page = report(cli, "base.jsonl", "good.jsonl")
    assert page.tags <= PASSIVE | {"html", "head", "body", "meta", "title", "style"}
    assert "//" not in text and "default-src 'none'" in text
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert {f"#case-{at}" for at in range(1, 41)} <= set(page.links)
    assert len(page.ids) == len(set(page.ids))


def test_the_page_has_its_pictures(cli: Cli) -> None:
    """Paired dots, pass^k, cost; calibration where journeys were run; where expectations fail, for each arm."""
    text, _ = report(cli, "base.jsonl", "good.jsonl")
    titles = re.findall(r'aria-label="([^"]*)"', text)
    assert titles == ["ai:m against template, case by case", "pass^k", "Cost against success", "Where template fails",
                      "Where ai:m fails"]  # fmt: skip
    timed = Times(plan=1, execute=2.0, estimated={"p10": 1, "p50": 1.5, "p90": 3})
    write_log(Path("timed.jsonl"), {"template": {id: [True] for id in IDS}}, more={"times": timed})
    text, _ = report(cli, "timed.jsonl")
    assert "Estimated against actual time" in re.findall(r'aria-label="([^"]*)"', text)


def test_a_case_shows_both_plans_and_what_failed(cli: Cli) -> None:
    """The request, each arm's steps and files, the expectation that failed and why, and acts nobody asked for."""
    text, _ = report(cli, "base.jsonl", "good.jsonl")
    told = text.split('id="case-1"')[1].split('id="case-2"')[0]
    for said in ("Please ingest a.md (c00)", "upload → parse → embed → expose", "1 of 1 trial", "1 of 2 trials",
                 "files of c00: extra [&#x27;b.md&#x27;]", "nobody asked for expose:b.md"):  # fmt: skip
        assert said in told, said


def test_whatever_a_model_says_is_text(cli: Cli) -> None:
    """Requests, plans, errors and names out of a log make no element."""
    bad = '<script>alert(1)</script><img src=x onerror="y">'
    cases = [case(id, bad, request=bad) for id in ("a", "b")]
    more = {"checks": [Held(kind=bad, what=bad, holds=False, why=bad)], "unsafe": [bad]}
    write_log(Path("hostile.jsonl"), {"template": {"a": [True], "b": [False]}}, cases=cases, more=more)
    text, page = report(cli, "hostile.jsonl", "hostile.jsonl")
    assert page.tags <= PASSIVE | {"html", "head", "body", "meta", "title", "style"}
    assert "<script" not in text and "<img" not in text and text.count("&lt;script&gt;") >= 4


def test_a_report_needs_a_file(cli: Cli) -> None:
    """And offers one; what cannot be written is refused before anything is."""
    code, _, err = cli("eval", "report", "base.jsonl", "good.jsonl")
    assert code == 2 and "next: milepost eval report base.jsonl good.jsonl -o report.html" in err
    code, _, err = cli("eval", "report", "base.jsonl", "good.jsonl", "-o", "gone/report.html")
    assert code == 2 and "there is no folder" in err
