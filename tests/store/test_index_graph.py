"""Law: an index that Chroma wrote is in order, and one whose links lead to no row is found without following them."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import chromadb
import numpy as np
import pytest

from milepost.store.chroma_files import DATABASE
from milepost.store.index_graph import tangled

NAME = "kb-one"
ROW = 132 + 8 * 4 + 8
"""Bytes of a row: a count and 32 links, a vector of 8 dimensions, a label."""
ABOVE = 4 * 17
"""Bytes of a row's links on one of the higher levels."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index whose rows were added, changed and deleted, and one that was never written whole."""
    folder = tmp_path_factory.mktemp("index")
    vectors = np.random.default_rng(1).normal(size=(600, 8)).astype(np.float32)
    client = chromadb.PersistentClient(str(folder), chromadb.Settings(anonymized_telemetry=False))
    hnsw = {"sync_threshold": 50, "batch_size": 20}
    rows = client.create_collection(NAME, configuration={"hnsw": hnsw}, embedding_function=None)  # type: ignore[typeddict-item]
    for start in range(0, 600, 100):
        rows.add(ids=[str(n) for n in range(start, start + 100)], embeddings=vectors[start : start + 100])
    rows.delete(ids=[str(n) for n in range(0, 300, 3)])
    rows.update(ids=[str(n) for n in range(300, 400)], embeddings=-vectors[300:400])
    rows.add(ids=[f"again-{n}" for n in range(100)], embeddings=2 * vectors[:100] + 1)
    client.create_collection("empty-one", embedding_function=None).add(ids=["one"], embeddings=vectors[:1])
    client.close()
    return folder


@pytest.fixture
def index(written: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the index, to be damaged; it is put back."""
    folder = next(written.glob("*/index_metadata.pickle")).parent
    kept = {file: file.read_bytes() for file in folder.iterdir()}
    yield folder
    for file, was in kept.items():
        file.write_bytes(was)


def used(index: Path) -> int:
    return int(struct.unpack_from("<i4q", (index / "header.bin").read_bytes())[3])


def write(file: Path, at: int, new: bytes) -> None:
    body = bytearray(file.read_bytes())
    body[at : at + len(new)] = new
    file.write_bytes(body)


def first_above(index: Path) -> int:
    """Where in the file of higher levels the first row with links there has them."""
    lists, at = (index / "link_lists.bin").read_bytes(), 0
    while not struct.unpack_from("<I", lists, at)[0]:
        at += 4
    return at + 4


def link_past_the_rows(index: Path) -> None:
    write(index / "data_level0.bin", 10 * ROW + 4, struct.pack("<I", used(index)))


def more_links_than_fit(index: Path) -> None:
    write(index / "data_level0.bin", 10 * ROW, struct.pack("<H", 33))


def link_above_past_the_rows(index: Path) -> None:
    write(index / "link_lists.bin", first_above(index) + 4, struct.pack("<I", used(index)))


def link_above_to_a_row_below(index: Path) -> None:
    lists, at, low = (index / "link_lists.bin").read_bytes(), 0, 0
    while struct.unpack_from("<I", lists, at)[0]:  # the first row that is on the lowest level only
        at, low = at + 4 + struct.unpack_from("<I", lists, at)[0], low + 1
    write(index / "link_lists.bin", first_above(index) + 4, struct.pack("<I", low))


def a_level_that_is_cut(index: Path) -> None:
    write(index / "link_lists.bin", first_above(index) - 4, struct.pack("<I", ABOVE + 1))


def lists_that_end_early(index: Path) -> None:
    (index / "link_lists.bin").write_bytes((index / "link_lists.bin").read_bytes()[:-1])


def rows_that_are_missing(index: Path) -> None:
    (index / "data_level0.bin").write_bytes((index / "data_level0.bin").read_bytes()[: (used(index) - 1) * ROW])


def no_lists(index: Path) -> None:
    (index / "link_lists.bin").unlink()


def a_beginning_that_is_no_row(index: Path) -> None:
    write(index / "header.bin", struct.calcsize("<i6qi"), struct.pack("<I", used(index)))


def a_level_nobody_has(index: Path) -> None:
    write(index / "header.bin", struct.calcsize("<i6q"), struct.pack("<i", 9))


DAMAGES: list[Callable[[Path], None]] = [
    link_past_the_rows, more_links_than_fit, link_above_past_the_rows, link_above_to_a_row_below, a_level_that_is_cut,
    lists_that_end_early, rows_that_are_missing, no_lists, a_beginning_that_is_no_row, a_level_nobody_has,
]  # fmt: skip


def test_what_chroma_wrote_is_in_order(written: Path, index: Path) -> None:
    """After rows were added, changed and deleted; and nothing is said of an index that was never written."""
    assert used(index) >= 600
    assert tangled(written) == {}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: str(damage.__name__))
def test_a_link_that_leads_nowhere_is_found(written: Path, index: Path, damage: Callable[[Path], None]) -> None:
    """The collection is named, whose index must not be followed."""
    damage(index)
    assert set(tangled(written)) == {NAME}


def test_a_form_that_we_do_not_know_is_not_judged(written: Path, index: Path) -> None:
    """Another version of the header; and a folder without a database, or an index of no collection."""
    more_links_than_fit(index)
    write(index / "header.bin", 0, struct.pack("<i", 2))
    assert tangled(written) == {}
    assert tangled(index) == {}


def test_what_a_killed_process_left_in_the_database_is_no_hindrance(written: Path, index: Path, tmp_path: Path) -> None:
    """A change that was cut off in its middle: the index is looked at all the same, and its collection is known."""
    copy = tmp_path / "killed"
    writer = sqlite3.connect(written / DATABASE)
    try:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("CREATE TABLE other (body BLOB)")
        writer.commit()
        writer.executemany("INSERT INTO other VALUES (zeroblob(4000))", [()] * 500)
        shutil.copytree(written, copy)
    finally:
        writer.rollback()
        writer.execute("DROP TABLE other")
        writer.close()
    assert (copy / f"{DATABASE}-journal").exists()
    assert tangled(copy) == {}
    more_links_than_fit(copy / index.name)
    assert set(tangled(copy)) == {NAME}
