"""Law: the page on plan quality is made from numbers, and the numbers from logs: nothing on it was typed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """The script that makes the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        patch.syspath_prepend(str(ROOT / "tests" / "evals"))
        yield importlib.import_module("plan_quality")


def test_the_page_is_what_the_numbers_say(script: ModuleType) -> None:
    """`make plan-quality` would change nothing."""
    assert script.PAGE.read_text(encoding="utf-8") == script.page_of(script.numbers()), "run make plan-quality"


def test_the_numbers_come_out_of_logs(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a log to the page: its arms, its verdict and its figures, and the same again without the log."""
    log_kit = importlib.import_module("log_kit")
    arms = {
        "template-fixed": {str(at): [at < 4] for at in range(20)},
        "template": {str(at): [True] for at in range(20)},
    }
    log = log_kit.write_log(tmp_path / "run.jsonl", arms)
    monkeypatch.setattr(script, "NUMBERS", tmp_path / "numbers.json")
    monkeypatch.setattr(script, "PAGE", tmp_path / "page.md")
    script.main([str(log)])
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "template is better than template-fixed" in page
    assert "| task\\_success | 0.2 | 1 | +0.8 |" in page
    assert json.loads((tmp_path / "numbers.json").read_text())["runs"][0]["cases"] == 20
    log.unlink()
    script.main([])
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page
    assert str(tmp_path) not in page
