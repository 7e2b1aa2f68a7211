"""Law: a journey's report is one page that reaches nowhere, runs nothing, and holds what happened as it was said."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from cli_kit import Cli

from milepost import Milepost
from milepost.store.errors import NotFound
from milepost.tools.page import PASSIVE, readable

NAMES = (
    "<img src=x onerror=alert(1)>.md", "a&b \"quoted\" 'name'.md", "\u202egnp.md", "javascript:alert(1).md",
    "<!-- ]]> --><svg onload=alert(1)>.txt",
)  # fmt: skip
OLD = "<script>alert('old')</script> The fee is <b>ten</b> pounds. https://evil.example/old"
NEW = "</style></pre><script src=//evil.example/x.js></script> The fee is twelve pounds. ${{7*7}} &amp;"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--dump-dom",
)  # fmt: skip


class Read(HTMLParser):
    """The elements of a page, and its text outside of `style`."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = self._style and tag != "style"

    def handle_data(self, data: str) -> None:
        self.text += "" if self._style else data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The report of a journey that replaced hostile text in files of hostile names, and had one rejected."""
    folder = tmp_path_factory.mktemp("report")
    files = folder / "files"
    files.mkdir()
    for at, name in enumerate(NAMES):
        (files / name.replace("/", "_")).write_text(f"{OLD} Number {at}.", "utf-8")
    with Milepost(folder / "home", policy="rollback", user="<ann> & bob") as mp:
        mp.ingest([str(files)], kb="hr<i>")
        for at, name in enumerate(NAMES):
            (files / name.replace("/", "_")).write_text(f"{NEW} Number {at}.", "utf-8")
        (files / "empty.md").write_bytes(b"")
        done = mp.ingest([str(files)], kb="hr<i>")
        assert done.status == "partial"
        yield mp.report(done)


def test_it_reaches_nowhere_and_runs_nothing(page: str) -> None:
    """Passive elements only, no event, no address but places in the page, whatever names and texts say."""
    read = Read(page)
    assert {tag for tag, _ in read.elements} <= PASSIVE | {"html", "head", "body", "meta", "title", "style"}
    for tag, given in read.elements:
        assert not [name for name in given if name.startswith("on") or name in ("src", "style", "srcset", "action")]
        assert str(given.get("href", "#")).startswith("#"), tag
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style and "@import" not in style and "//" not in style
    places = {given["id"] for _, given in read.elements if given.get("id")}
    assert {str(given["href"])[1:] for _, given in read.elements if "href" in given} <= places


def test_names_and_texts_are_what_they_were(page: str) -> None:
    """Every hostile name, both texts and the user are on the page to be read, letter for letter."""
    text = Read(page).text
    for said in (*NAMES, "<ann> & bob", "hr<i>", "The fee is twelve pounds. ${{7*7}} &amp; Number 3."):
        assert readable(said) in text
    assert "alert('old')" in text and "src=//evil.example/x.js" in text
    assert "\u202e" not in page


def test_everything_that_was_promised_is_there(page: str) -> None:
    """Plan, difference, timeline with its picture, checkpoints, and the commands that undo."""
    read = Read(page)
    for part in ("What changed", "In the text", "Timeline", "Plan", "Checkpoints, and how to undo"):
        assert part in read.text
    assert "svg" in {tag for tag, _ in read.elements}
    assert len(re.findall(r'class="line came"', page)) >= len(NAMES) <= len(re.findall(r'class="line went"', page))
    assert re.search(r"milepost rollback --journey journey_[0-9a-f]{8}", read.text)
    assert read.text.count("checkpoint_before_upload_") == 1 and "empty.md" in read.text
    assert "Nothing stands in the way." in read.text and "rejected" in read.text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine's PATH")
def test_a_browser_has_nothing_to_complain_of(page: str, tmp_path: Path) -> None:
    """Headless Chromium shows it without a word on its console; a page with a fault is heard of."""
    assert _console(page, tmp_path) == []
    fault = page.replace("<main>", "<main><script>alert(1)</script>", 1)
    assert any("Content Security Policy" in line for line in _console(fault, tmp_path))


def _console(page: str, folder: Path) -> list[str]:
    """What Chromium's console says of a page."""
    file = folder / "page.html"
    file.write_text(page, "utf-8")
    assert CHROMIUM is not None
    profile = f"--user-data-dir={folder / 'profile'}"
    run = subprocess.run([CHROMIUM, *FLAGS, profile, file.as_uri()], capture_output=True, timeout=120, check=True)
    assert b"</html>" in run.stdout
    return [line for line in run.stderr.decode(errors="replace").splitlines() if ":CONSOLE" in line]


def test_what_cannot_be_undone_says_so(tmp_path: Path) -> None:
    """With rollback off the page has no command that would be refused; once taken back it says that, too."""
    (tmp_path / "a.md").write_text("Ten days of leave.")
    with Milepost(tmp_path / "home", policy="none") as mp:
        text = Read(mp.report(mp.ingest([str(tmp_path / "a.md")], kb="hr"))).text
        assert "rollback was off when it ran" in text and "milepost rollback" not in text
        (tmp_path / "b.md").write_text("Eleven days of leave.")
        done = mp.ingest([str(tmp_path / "b.md")], kb="hr", policy="rollback")
        back = mp.undo(done)
        assert "taken back already" in Read(mp.report(done)).text
        assert back.journey_id is not None
        assert "Eleven days of leave." in Read(mp.report(back.journey_id)).text


def test_later_changes_are_named(tmp_path: Path) -> None:
    """What another journey changed since stands on the page, with that journey."""
    file = tmp_path / "a.md"
    file.write_text("Ten days of leave.")
    with Milepost(tmp_path / "home", policy="rollback") as mp:
        first = mp.ingest([str(file)], kb="hr")
        file.write_text("Twelve days of leave.")
        later = mp.ingest([str(file)], kb="hr")
        text = Read(mp.report(first)).text
        assert f"changed since by {later.journey_id[:16]}" in text
        assert "Twelve" not in text, "what a later journey wrote is not this one's"


def test_another_tenant_reads_nothing(tmp_path: Path) -> None:
    """A journey of another tenant is one that never was."""
    (tmp_path / "a.md").write_text("Ten days of leave.")
    with Milepost(tmp_path / "home", user={"user": "ann", "tenant": "one"}) as mp:
        done = mp.ingest([str(tmp_path / "a.md")], kb="hr")
    with Milepost(tmp_path / "home", user={"user": "ann", "tenant": "two"}) as mp, pytest.raises(NotFound):
        mp.report(done.journey_id)


def test_the_command_writes_the_page(cli: Cli, tmp_path: Path) -> None:
    """Whole or not at all; a folder that is not there, and one in place of the file, are said with the next move."""
    (tmp_path / "a.md").write_text("Ten days of leave.")
    done = cli("ingest", str(tmp_path / "a.md"), "--kb", "hr", "--json").json["journey"]["journey_id"]
    file = tmp_path / "out.html"
    assert "would write" in cli("report", done, "-o", str(file), "--dry-run").out and not file.exists()
    ran = cli("report", done[:16], "-o", str(file), "--json")
    assert ran.code == 0
    assert ran.json["report"] == {"journey_id": done, "file": str(file), "bytes": file.stat().st_size}
    assert file.read_text("utf-8").startswith("<!doctype html>")
    for wrong in (tmp_path, tmp_path / "gone" / "out.html"):
        ran = cli("report", done, "-o", str(wrong))
        assert ran.code == 2 and "error:" in ran.err and "next:" in ran.err
    assert cli("report", "journey_00000000", "-o", str(file)).code == 2
    assert [one.name for one in tmp_path.iterdir() if "out" in one.name] == ["out.html"]
