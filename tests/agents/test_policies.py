"""Law: Python tells of policies what the command line tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from milepost import Milepost, PolicyError


def test_the_policy_in_force_with_where_each_value_came_from(tmp_path: Path) -> None:
    (tmp_path / "milepost.toml").write_text('policy = "rollback"\n[set]\nchunk.size = 700\n')
    with Milepost(tmp_path, policy={"on_conflict": "skip"}) as mp:
        told = mp.policy_show()
        assert told["policy"]["chunk.size"] == {"value": 700, "source": "milepost.toml"}
        assert told["policy"]["on_conflict"] == {"value": "skip", "source": "arguments"}
        assert told["policy"]["enable_rollback"]["value"] is True
        assert told["guarantees"]
        assert mp.policy_check() == told


def test_a_policy_is_checked(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('policy = "full"\n')
    bad.write_text("enable_rollbakc = true\n")
    with Milepost(tmp_path / "home") as mp:
        assert mp.policy_check(good)["policy"]["approval"]["value"] == "always"
        with pytest.raises(PolicyError, match="enable_rollback"):
            mp.policy_check(bad)
        assert not (tmp_path / "home").exists()


def test_the_presets(tmp_path: Path) -> None:
    with Milepost(tmp_path / "home") as mp:
        presets = mp.policy_presets()
    assert list(presets) == ["none", "rollback", "full", "documentation"]
    assert [presets[name]["enable_rollback"] for name in presets] == [False, True, True, False]
