"""Law: what another tenant has is not there: the same answer and exit code, word for word, as for what never was.

By every command that takes an id or a kb, by every method that does, and by every part of an id. Time is not compared.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from milepost import Milepost
from milepost.store.errors import ApprovalRequired, CheckpointNotFound, MilepostError
from milepost.store.words import short_id

KB = "secret"
POLICY = {"enable_rollback": True, "enable_forward_docs": True, "learn_from_results": True}
EVE = {"user": "eve", "tenant": "other"}
NAMED = ("journey", "plan", "checkpoint", "approval", "id", "prefix", "kb", "source")
"""Parameters that name something which has an owner."""


def opened(home: Path, *, user: Any = "ana", **more: Any) -> Milepost:
    return Milepost(home, policy={**POLICY, **more}, embedder="fake", user=user)


@dataclass(frozen=True)
class Theirs:
    """What a tenant has in a home, by kind, under its real name and under one that never was."""

    home: Path
    real: dict[str, str]

    @property
    def never(self) -> dict[str, str]:
        """As like the real ones as can be."""
        return {kind: "sacred" if kind == "kb" else name if kind == "source" else _other(name)
                for kind, name in self.real.items()}  # fmt: skip


def _other(name: str) -> str:
    """An id of the same form with every digit another one."""
    head, _, digits = name.rpartition("_")
    return f"{head}_{digits.translate(str.maketrans('0123456789abcdef', '1234567890bcdefa'))}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Theirs:
    """A home in which one tenant has everything, and another one a kb of its own."""
    home = tmp_path_factory.mktemp("tenants") / "home"
    with opened(home) as mp:
        journey = mp.ingest([("plans.md", b"The merger is on Monday.")], kb=KB)
        real = {"kb": KB, "source": "plans.md", "journey": journey.journey_id, "plan": journey.plan_id,
                "checkpoint": journey.checkpoint("before_upload")}  # fmt: skip
    with opened(home, approval="always") as mp:
        with pytest.raises(ApprovalRequired) as asked:
            mp.ingest([("more.md", b"Or on Tuesday.")], kb=KB)
        real["approval"] = str(asked.value.facts["approval_id"])
    with opened(home, user=EVE) as mp:
        mp.ingest([("own.md", b"Of another tenant.")], kb="mine")
    return Theirs(home, real)


@pytest.fixture
def theirs(made: Theirs, tmp_path: Path) -> Theirs:
    return Theirs(Path(shutil.copytree(made.home, tmp_path / "home")), made.real)


@pytest.fixture
def eve(theirs: Theirs) -> Iterator[Milepost]:
    with opened(theirs.home, user=EVE) as mp:
        yield mp


def answer(ask: Callable[[], Any], *asked: str) -> Any:
    """What came back, or what was refused, without the name that was asked for."""

    def plain(said: Any) -> str:
        text = str(said)
        for name in sorted({*asked, *map(short_id, asked)}, key=len, reverse=True):
            text = text.replace(name, "NAME")
        return text

    try:
        return plain(ask())
    except MilepostError as refused:
        said = (refused.message, refused.cause, refused.state, refused.next, sorted(refused.facts))
        return [type(refused).__name__, refused.exit_code, *map(plain, said)]


def kinds_of(parameter: str) -> tuple[str, ...]:
    return {"id": ("journey", "plan", "checkpoint"), "prefix": ("journey", "plan", "checkpoint", "approval"),
            "approval": ("approval", "plan"), "source": ("source",)}.get(parameter, (parameter,))  # fmt: skip


def calls(names: dict[str, str]) -> Iterator[tuple[str, str, Callable[[Milepost], Any]]]:
    """Every public method, called with each name that it takes: (method, name, call)."""
    making = {"ingest", "plan", "orchestrate_data_ingest_with_capabilities"}  # a name that is free is taken
    for method, function in inspect.getmembers(Milepost, inspect.isfunction):
        taken = [p for p in inspect.signature(function).parameters if p in NAMED]
        if method.startswith("_") or method in making or not taken:
            continue
        for parameter in taken:
            if parameter in ("source",):
                continue
            for kind in kinds_of(parameter):
                name = names[kind]
                args: dict[str, Any] = {parameter: name}
                if parameter == "kb":
                    needed = {"search": {"query": "merger"}, "kb_diff": {"from_": 0, "to": 1},
                              "rollback": {"last": True}}  # fmt: skip
                    source = {"source": names["source"]} if "source" in taken else {}
                    args |= needed.get(method, {}) | source
                yield method, name, lambda mp, m=method, a=args: getattr(mp, m)(**a)


def test_every_method_answers_alike(eve: Milepost, theirs: Theirs) -> None:
    """Real and invented names give the same value, or the same error, fact for fact."""
    tried = 0
    for (method, real, ask), (_, never, ask_never) in zip(calls(theirs.real), calls(theirs.never), strict=True):
        assert real != never
        own = (real, theirs.real["source"]), (never, theirs.never["source"])
        assert answer(lambda a=ask: a(eve), *own[0]) == answer(lambda a=ask_never: a(eve), *own[1]), method
        tried += 1
    assert tried >= 30
    assert answer(lambda: eve.rollback(to=0, kb=KB), KB) == answer(lambda: eve.rollback(to=0, kb="sacred"), "sacred")


def test_asking_for_what_is_not_ones_own_is_written_down(cli: Any, eve: Milepost, theirs: Theirs) -> None:
    """Who asked to go back to another tenant's checkpoint is in the ledger; for one that never was, the same is."""
    for names in (theirs.real, theirs.never):
        checkpoint = names["checkpoint"]
        for ask in (eve.preview_rollback, eve.rollback_to_checkpoint):
            with pytest.raises(CheckpointNotFound):
                ask(checkpoint)
        refused = asyncio.run(eve.rollback_capability.rollback_to_checkpoint(checkpoint))
        assert refused == {"success": False, "error": "Checkpoint not found"}
        cli("rollback", checkpoint, "--yes", "--home", str(theirs.home), "--tenant", "other", "--user", "eve")
    with closing(sqlite3.connect(theirs.home / "milepost.db")) as record:
        rows = record.execute("SELECT tenant, user, detail FROM events WHERE kind = 'checkpoint_refused'").fetchall()
    asked = [theirs.real["checkpoint"]] * 4 + [theirs.never["checkpoint"]] * 4
    assert [(*row[:2], json.loads(row[2])["checkpoint_id"]) for row in rows] == [("other", "eve", one) for one in asked]


def test_lists_have_only_ones_own(eve: Milepost, theirs: Theirs) -> None:
    """Of another tenant nothing is listed, counted, found, or suggested."""
    assert [kb.name for kb in eve.kb_list()] == ["mine"]
    assert {journey.tenant for journey in eve.journeys()} == {"other"} and eve.journeys(KB) == []
    assert {c.kb for c in eve.checkpoints()} == {"mine"}
    assert eve.approvals() == [] and eve.newest_plan() is None
    for found in (eve.documents(), eve.documents(find="the merger on Monday")):
        assert found and all("merger" not in str(one) and KB not in str(one) for one in found)
    assert all("merger" not in hit.text for hit in eve.search("The merger is on Monday", kb="mine", k=50))
    assert all(one["journey_id"] != theirs.real["journey"] for one in eve.gc(dry_run=True)["undos"])
    with pytest.raises(MilepostError) as refused:
        eve.status(theirs.real["journey"][:-1])
    assert theirs.real["journey"] not in refused.value.cause


def test_the_librarian_keeps_them_apart(eve: Milepost, theirs: Theirs) -> None:
    """By a document's id, by its name with a store's own call, by listing and by search."""
    store = eve.librarian
    real, never = theirs.real["checkpoint"], theirs.never["checkpoint"]
    assert asyncio.run(store.retrieve_document(real)) is asyncio.run(store.retrieve_document(never)) is None
    spaces = store.list_namespaces()
    assert all("default" not in part for space in spaces for part in space)
    assert all("merger" not in str(item.value) for space in spaces for item in store.search(space, limit=1000))


def test_a_plan_in_a_file_is_still_anothers(theirs: Theirs, eve: Milepost) -> None:
    """Whoever got hold of a plan's file cannot run it, nor learn that its kb is there."""
    with opened(theirs.home) as mp:
        plan = mp.plan([("x.md", b"text")], kb=KB)
    said = answer(lambda: eve.apply(plan), plan.plan_id)
    assert isinstance(said, list) and said[1] in (2, 3)
    assert [kb.name for kb in eve.kb_list()] == ["mine"]
    with opened(theirs.home) as mp:
        assert mp.kb_stats(KB).revision == 1 and mp.status(theirs.real["journey"]).status == "completed"


def test_a_tenants_kb_of_a_taken_name_is_its_own(theirs: Theirs, eve: Milepost) -> None:
    """Made, planned for, undone and dropped beside the other one, which nothing touches."""
    with opened(theirs.home) as mp:
        before = mp.kb_digest(KB), len(mp.journeys())
    assert eve.plan([("plans.md", b"The merger is on Monday.")], kb=KB).base.kb_revision == 0
    journey = eve.ingest([("plans.md", b"The merger is on Monday.")], kb=KB)
    assert [file.outcome for file in journey.files] == ["added"] and journey.revision_after == 1
    done = eve.undo(journey)
    assert done.success and [handler.status for handler in done.handlers] == ["done"]
    eve.kb_drop(KB)
    with opened(theirs.home) as mp:
        assert (mp.kb_digest(KB), len(mp.journeys())) == before and mp.kb_verify(KB).ok


COMMANDS = (
    "show {journey}", "show {plan}", "show {checkpoint}", "apply {plan} --yes", "approve {approval}", "approve {plan}",
    "resume {journey}", "status {journey}", "checkpoints {journey}", "journeys --kb {kb}",
    "rollback {checkpoint} --yes",
    "rollback --journey {journey} --yes", "rollback --journey {journey} --dry-run", "rollback --last --kb {kb} --yes",
    "rollback --to 0 --kb {kb} --yes", "search merger --kb {kb}", "kb stats --kb {kb}", "kb log --kb {kb}",
    "kb diff --kb {kb} --from 0 --to 1", "kb verify --kb {kb}", "kb rebuild --kb {kb}", "kb digest --kb {kb}",
    "kb remove {source} --kb {kb} --yes", "kb purge {source} --kb {kb} --yes", "kb drop --kb {kb} --yes",
    "resume {journey} --from {checkpoint} --yes",
)  # fmt: skip


def short(names: dict[str, str]) -> dict[str, str]:
    """The same with ids as people shorten them."""
    return {kind: name if kind in ("kb", "source") else short_id(name) for kind, name in names.items()}


def test_every_command_answers_alike(cli: Any, theirs: Theirs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both streams and the exit code, for whole ids and for their beginnings, as text and as JSON."""
    monkeypatch.setenv("MILEPOST_HOME", str(theirs.home))
    pairs = [(theirs.real, theirs.never, []), (short(theirs.real), short(theirs.never), ["--json"])]
    for command in COMMANDS:
        for real, never, how in pairs:
            said = []
            for names in (real, never):
                words = [word.format(**names) for word in command.split()]
                ran = cli(*words, "--tenant", "other", "--user", "eve", *how)
                text = f"{ran.out}\n{ran.err}"
                for name in sorted({*names.values(), *map(short_id, names.values())}, key=len, reverse=True):
                    text = text.replace(name, "NAME")
                said.append((ran.code, text))
            assert said[0] == said[1], command
            assert said[0][0] != 0 or command.startswith("journeys"), command
