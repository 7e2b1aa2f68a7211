"""Law: what is stored is refused where it is not what was written, and runs nothing whatever it says."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from milepost import Milepost, MilepostError
from milepost.store.checkpoints import body_digest
from milepost.store.documents import sha
from milepost.store.errors import StoreDamaged, UsageError
from milepost.store.plan import canonical_json
from milepost.tools.embedders import FakeEmbedder

FEW, MANY = 40, 1_000


@pytest.fixture
def mp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Milepost]:
    """A home with one document and its checkpoints, from a folder where a marker would be seen."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leave.md").write_text("# Leave\n\nSixteen weeks.\n")
    with Milepost("home", policy="rollback", embedder=FakeEmbedder()) as mp:
        mp.ingest(["leave.md"], kb="hr")
        yield mp


@contextmanager
def record(mp: Milepost) -> Iterator[sqlite3.Connection]:
    """The home's record, written to by somebody else."""
    with closing(sqlite3.connect("home/milepost.db")) as connection, connection:
        yield connection


def first(mp: Milepost) -> str:
    """The id of the journey's first checkpoint."""
    return next(each.checkpoint_id for each in mp.checkpoints() if each.milestone_id == "before_upload")


def body_of(mp: Milepost, document_id: str) -> bytes:
    with record(mp) as connection:
        row = connection.execute("SELECT CAST(body AS BLOB) FROM documents WHERE key = ?", (document_id,)).fetchone()
    return bytes(row[0])


def put_body(mp: Milepost, document_id: str, body: bytes, *, digests: bool = False) -> None:
    """Write a document's body into the ledger, as bytes; with `digests` every digest of it that is kept there, too."""
    with record(mp) as connection:
        connection.execute("UPDATE documents SET body = CAST(? AS TEXT) WHERE key = ?", (body, document_id))
        if digests:
            digest = sha(body.decode())
            connection.execute("UPDATE documents SET digest = ?, indexed = 0 WHERE key = ?", (digest, document_id))
            own = body_digest(json.loads(body))
            connection.execute("UPDATE checkpoints SET body_digest = ? WHERE checkpoint_id = ?", (own, document_id))


def _flipped_in_the_ledger(mp: Milepost, times: int) -> None:
    checkpoint, chance, refused = first(mp), random.Random(3), 0
    good = body_of(mp, checkpoint)
    for _ in range(times):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        put_body(mp, checkpoint, bytes(bad))
        with pytest.raises(StoreDamaged):
            mp.preview_rollback(checkpoint)
        refused += 1
    print(f"{refused} of {times} flipped bits in a checkpoint refused")
    with pytest.raises(StoreDamaged):
        mp.rollback_to_checkpoint(checkpoint)
    assert len(mp.search("leave", kb="hr")) == 1
    put_body(mp, checkpoint, good)
    assert mp.rollback_to_checkpoint(checkpoint).success


def test_a_flipped_bit_in_a_checkpoint_is_refused(mp: Milepost) -> None:
    """At places drawn by chance; nothing is undone until the document is the one that was written."""
    _flipped_in_the_ledger(mp, FEW)


@pytest.mark.nightly
def test_a_thousand_flipped_bits_in_a_checkpoint_are_refused(mp: Milepost) -> None:
    """A thousand."""
    _flipped_in_the_ledger(mp, MANY)


def test_a_checkpoint_changed_in_chroma_is_refused(mp: Milepost) -> None:
    """The view is not believed either."""
    checkpoint = first(mp)
    mp.close()
    with closing(sqlite3.connect("home/chroma/chroma.sqlite3")) as chroma, chroma:
        changed = chroma.execute(
            "UPDATE embedding_metadata SET string_value = replace(string_value, 'before_upload', 'before_UPLOAD')"
            " WHERE key = 'chroma:document' AND string_value LIKE ?", (f"%{checkpoint}%",),
        )  # fmt: skip
        assert changed.rowcount == 1
    with Milepost("home", policy="rollback", embedder=FakeEmbedder()) as again:
        with pytest.raises(StoreDamaged):
            again.rollback_to_checkpoint(checkpoint)
        assert len(again.search("leave", kb="hr")) == 1


@pytest.mark.parametrize(
    "name", ["os.system", "builtins:eval", "../../evil.py", "delete_uploaded_file; id", "", "__import__"]
)
def test_a_handler_that_nobody_registered_is_not_run(mp: Milepost, name: str) -> None:
    """Not even where a forger who may write the whole ledger has made every digest fit."""
    checkpoint = first(mp)
    forged = json.loads(body_of(mp, checkpoint)) | {"rollback_handler": name, "state": {"command": "touch was-here"}}
    put_body(mp, checkpoint, canonical_json(forged).encode(), digests=True)
    with record(mp) as connection:
        connection.execute("UPDATE checkpoints SET rollback_handler = ?", (name,))
        connection.execute("UPDATE receipts SET handler = ?", (name,))
    try:
        outcome = mp.rollback_to_checkpoint(checkpoint)
    except MilepostError as refused:
        assert refused.message
    else:
        assert {each.status for each in outcome.handlers} <= {"no_handler", "skipped", "done"}
        assert all(each.name != name or each.status == "no_handler" for each in outcome.handlers if name)
    assert not Path("was-here").exists()


@pytest.mark.parametrize("sha256", ["../../../leave.md", "/etc/passwd", "a" * 64 + "/../x", "", "%2e%2e", "A" * 64])
def test_an_upload_is_found_by_a_hash_and_nothing_else(mp: Milepost, sha256: str) -> None:
    """A path in a hash's place deletes nothing."""
    with record(mp) as connection:
        connection.execute("UPDATE journey_files SET sha256 = ?", (sha256,))
    outcome = mp.rollback_to_checkpoint(first(mp))
    assert all(each.status in ("failed", "skipped", "done") for each in outcome.handlers)
    assert Path("leave.md").exists() and Path("/etc/passwd").exists()


@pytest.mark.parametrize(
    "id_",
    [
        "../../../etc/passwd", "..", "/", "checkpoint_before_upload_../../x", "' OR 1=1 --", "%", "_", "*", "a\0b",
        "\ud800",
        "x" * 100_000, "checkpoint_before_upload", "{}", "$(id)", "\n", "\u202e", "-rf", "lc",
    ],
)  # fmt: skip
def test_an_id_is_only_ever_compared(mp: Milepost, id_: str) -> None:
    """With whole ids: what is none, or part of one, is not there; and the message can be printed."""
    for ask in (mp.preview_rollback, mp.rollback_to_checkpoint, mp.show, mp.status, mp.resume, mp.apply, mp.approve):
        with pytest.raises(MilepostError) as refused:
            ask(id_)
        assert refused.value.exit_code in (2, 3)
    assert mp.librarian.retrieve(id_) is None
    assert len(mp.search("leave", kb="hr")) == 1


@pytest.mark.parametrize(
    "content",
    [
        {"lc": 1, "type": "secret", "id": ["HOME"]},
        {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": "touch was-here"}},
        {"py/object": "os.system", "py/reduce": ["touch was-here"]},
        {"__class__": "x", "$ref": "#", "$where": "1", "__proto__": {"a": 1}, "constructor": 1},
        {"deep": json.loads("[" * 300 + "]" * 300)}, {"large": "x" * 2_000_000},
        {"keys": {f"k{n}": n for n in range(20_000)}},
        {"half": "\ud800", "nul": "\0", "bidi": "\u202e", "big": 10**400},
        {"a": float("nan")}, {"a": float("inf")}, {"a": b"bytes"}, {"a": {1: 2}}, {"a": object()},
    ],
    ids=range(13),
)  # fmt: skip
def test_a_document_is_data(mp: Milepost, content: dict[str, Any]) -> None:
    """It comes back equal, or is refused when it is given; nothing in it means anything."""
    try:
        mp.librarian.write_documents([_document("d", content)])
    except UsageError:
        assert mp.librarian.retrieve("d") is None
    else:
        assert mp.librarian.retrieve("d") == content
    assert not Path("was-here").exists()


@pytest.mark.parametrize(
    "id_", ["../../x", "", "a/b", "\0", "x" * 10_000, "$or", "checkpoint_1", "\n", "-", "é", "\u202e"]
)
def test_a_document_may_have_any_id(mp: Milepost, id_: str) -> None:
    """It is hashed before it goes anywhere."""
    before = {*Path().iterdir(), *Path("home").iterdir()}
    mp.librarian.write_documents([_document(id_, {"n": 1})])
    assert mp.librarian.retrieve(id_) == {"n": 1}
    assert {*Path().iterdir(), *Path("home").iterdir()} == before


def _document(document_id: str, content: dict[str, Any]) -> Any:
    from milepost.store.documents import Document

    return Document(document_id, content)
