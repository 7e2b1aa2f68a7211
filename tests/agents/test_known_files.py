"""Law: a file that was read under looser limits meets those in force; what was kept of it does not slip past them."""

from __future__ import annotations

from pathlib import Path

import pytest

from milepost import Milepost, Policy
from milepost.tools.embedders import FakeEmbedder

PDF = Path(__file__).parents[2] / "examples" / "handbook" / "people" / "onboarding.pdf"


@pytest.mark.parametrize(("name", "key", "tight"), [("onboarding.pdf", "pages", 1), ("list.csv", "rows", 5)])
def test_limits_hold_for_what_is_known(tmp_path: Path, name: str, key: str, tight: int) -> None:
    (tmp_path / "onboarding.pdf").write_bytes(PDF.read_bytes())
    (tmp_path / "list.csv").write_text("n,word\n" + "".join(f"{n},word {n}\n" for n in range(20)))
    path = tmp_path / name
    with Milepost(tmp_path / "home", policy="rollback", embedder=FakeEmbedder(8)) as mp:
        assert [file.action for file in mp.plan([path], kb="hr").files] == ["add"]
        limits = Policy.rollback(limits={key: tight})
        fresh = mp.plan([path], kb="other", policy=limits)
        assert [(file.action, file.reason) for file in fresh.files] == [("reject", "too_large")]
        assert f"limits.{key}" in (fresh.files[0].detail or "")
        enough = Policy.rollback(limits={key: 20})
        assert [file.action for file in mp.plan([path], kb="hr", policy=enough).files] == ["add"]
    with Milepost(tmp_path / "another", policy=limits, embedder=FakeEmbedder(8)) as mp:
        assert [(file.action, file.reason) for file in mp.plan([path], kb="hr").files] == [("reject", "too_large")]
