"""Law: `--archives` opens zip archives in plan and ingest; without it one is rejected and the option is named."""

from __future__ import annotations

import zipfile
from pathlib import Path

from cli_kit import Cli


def test_an_archive_is_opened_only_where_the_option_asks(cli: Cli, tmp_path: Path) -> None:
    """The plan lists the members; ingest takes them; one that leads out is listed with its reason."""
    with zipfile.ZipFile(tmp_path / "handbook" / "more.zip", "w") as archive:
        archive.writestr("inner/badges.md", "# Badges\n\nLost badges are replaced at the blue desk.\n")
        archive.writestr("../../evil.md", "evil words")
    plain = cli("plan", "handbook", "--kb", "hr", "--json")
    [shut] = [file for file in plain.json["plan"]["files"] if file["source"].startswith("more.zip")]
    assert (shut["action"], shut["reason"]) == ("reject", "unsupported_type") and "--archives" in shut["detail"]
    opened = cli("plan", "handbook", "--kb", "hr", "--archives", "--json")
    files = {file["source"]: (file["action"], file["reason"]) for file in opened.json["plan"]["files"]}
    assert files["more.zip/inner/badges.md"] == ("add", None)
    assert files["more.zip/../../evil.md"] == ("reject", "path_traversal")
    done = cli("ingest", "handbook", "--kb", "hr", "--archives", "--json")
    assert done.code == 5 and done.json["journey"]["status"] == "partial"
    found = cli("search", "lost badges at the blue desk", "--kb", "hr", "--json")
    assert found.json["results"][0]["source"] == "more.zip/inner/badges.md"
    assert not list(tmp_path.rglob("evil.md"))


def test_the_key_of_the_policy_is_the_option(cli: Cli) -> None:
    """It is one of the policy's keys, off by default, and so are its limits."""
    shown = cli("policy", "show", "--json").json["policy"]
    assert shown["archives"]["value"] is False
    assert shown["limits.archive_depth"]["value"] == 3
