"""Milepost against raw chromadb on the same chunks: CPU seconds, memory, disk, in one run, arms in alternating rounds.

Every measurement is a process of its own. Milepost's figures hold everything it does: reading and parsing files in a
child process, the record, checkpoints, the proof. Raw chromadb is given the finished chunks and adds them in batches
of 1,000. Both are given the same free embedder. Run: `python benchmarks/ingest.py [--quick]`.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import cpu_seconds, disk_mb, median_ms, own_peak_mb

DIMENSIONS = 384
PER_FILE = 50
CHANGED = 10
"""Every tenth file is written anew: a 10 % change."""
WORDS = 20_000


def main() -> None:
    """Run every arm and print the figures with their targets; or, as a child, one arm."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--arm")
    parser.add_argument("--chunks", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="5,000 chunks only, one round")
    parser.add_argument("--out", type=Path, help="write the figures as JSON, too")
    options = parser.parse_args()
    if options.arm:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(ARMS[options.arm](options.chunks, Path(folder))))
        return
    rounds = {5_000: 1} if options.quick else {1_000: 1, 5_000: 3, 20_000: 3, 50_000: 1}
    figures = {size: _rounds(size, number) for size, number in rounds.items()}
    report(figures)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1))


def report(figures: dict[int, dict[str, dict[str, float]]]) -> None:
    """Print each ratio beside what is to be reached."""
    print(f"{'chunks':>7}  {'figure':38} {'raw':>9} {'milepost':>9} {'ratio':>6}  to reach")
    for size, arms in figures.items():
        raw = arms["raw"]
        for arm, limit in (("none", 1.15), ("full", 1.25)):
            _line(size, f"new kb, policy {arm}, CPU s", raw["ingest"], arms[arm]["ingest"], limit)
        full = arms["full"]
        _line(size, "10 % changed / raw upsert, CPU s", raw["change"], full["change"], 0.60)
        _line(size, "undo / the journey it undoes, CPU s", full["change"], full["undo"], 1.1)
        _line(size, "undo / raw upsert, CPU s", raw["change"], full["undo"], None)
        _line(size, "unchanged again / first ingest, CPU s", full["ingest"], full["again"], 1 / 50)
        _line(size, "search / raw query, ms", raw["search_ms"], full["search_ms"], 1.3)
        _line(size, "what people search back after undo, ms", raw["search_ms"], full["back_ms"], None)
        _line(size, "peak memory, MB", raw["rss_mb"], full["rss_mb"], None)
        _line(size, "disk, MB", raw["disk_mb"], full["disk_mb"], 1.4)
    if {1_000, 20_000} <= figures.keys():
        grown = {arm: figures[20_000][arm]["rss_mb"] - figures[1_000][arm]["rss_mb"] for arm in ("raw", "full")}
        print(f"memory grows from 1,000 to 20,000 chunks by {grown['raw']:.0f} MB raw, {grown['full']:.0f} MB Milepost "
              "(to reach: at most 60 more)")  # fmt: skip
    small = figures[min(figures)]
    ratio = small["none"]["one_file_ms"] / small["raw"]["one_file_ms"]
    print(f"one small file under policy none: {small['none']['one_file_ms']:.1f} ms, bare parse, embed and upsert "
          f"{small['raw']['one_file_ms']:.1f} ms: {ratio:.2f} (to reach: 1.3)")  # fmt: skip


def _line(size: int, name: str, raw: float, ours: float, limit: float | None) -> None:
    goal = "" if limit is None else f"{limit:.2f} {'reached' if ours <= raw * limit else 'MISSED'}"
    print(f"{size:>7}  {name:38} {raw:>9.3f} {ours:>9.3f} {ours / raw:>6.3f}  {goal}")


def _rounds(size: int, number: int) -> dict[str, dict[str, float]]:
    runs: dict[str, list[dict[str, float]]] = {arm: [] for arm in ARMS}
    for turn in range(number):
        for arm in sorted(ARMS, reverse=bool(turn % 2)):
            command = [sys.executable, __file__, "--arm", arm, "--chunks", str(size)]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            runs[arm].append(json.loads(said.splitlines()[-1]))
            print(f"  {arm} {size}: {runs[arm][-1]}", file=sys.stderr)
    return {arm: {key: statistics.median(r[key] for r in done) for key in done[0]} for arm, done in runs.items()}


def raw(size: int, folder: Path) -> dict[str, float]:
    """chromadb alone, given the finished chunks."""
    import chromadb
    from chromadb.config import Settings

    from milepost.tools.embedders import FakeEmbedder

    embedder = FakeEmbedder(DIMENSIONS)
    texts, changed = _texts(size)
    client = chromadb.PersistentClient(str(folder / "chroma"), settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection("raw-kb", embedding_function=None)
    ids = [f"{i:064x}" for i in range(len(texts))]
    metadatas: Any = [{"source": f"f{i // PER_FILE:05}.txt", "media_type": "text/plain"} for i in range(len(texts))]

    def write(call: Any, chosen: list[int], new: list[str]) -> None:
        for at in range(0, len(chosen), 1_000):
            batch = chosen[at : at + 1_000]
            documents = [new[i] for i in batch]
            call(ids=[ids[i] for i in batch], documents=documents, metadatas=[metadatas[i] for i in batch],
                 embeddings=embedder.embed(documents))  # fmt: skip

    everything = list(range(len(texts)))
    tenth = [i for i in everything if (i // PER_FILE) % CHANGED == 0]
    figures = {"ingest": cpu_seconds(lambda: write(collection.add, everything, texts))}
    figures["rss_mb"] = own_peak_mb()
    figures["change"] = cpu_seconds(lambda: write(collection.upsert, tenth, changed))
    figures["search_ms"] = median_ms(
        lambda i: collection.query(query_embeddings=embedder.embed([f"question {i}"]), n_results=5)
    )
    figures["one_file_ms"] = median_ms(lambda i: _bare(collection, embedder, folder, i))
    figures["disk_mb"] = disk_mb(folder)
    return figures


def _bare(collection: Any, embedder: Any, folder: Path, number: int) -> None:
    """What anybody would write for one file: parse, embed, upsert."""
    from kreuzberg import extract_file_sync

    path = folder / f"bare-{number}.txt"
    path.write_text(f"A short note, number {number}.\n\n" + "It says little. " * 20)
    text = extract_file_sync(str(path)).content
    pieces = [piece for piece in text.split("\n\n") if piece.strip()]
    collection.upsert(ids=[f"bare-{number}-{i}" for i in range(len(pieces))], documents=pieces,
                      metadatas=[{"source": path.name}] * len(pieces), embeddings=embedder.embed(pieces))  # fmt: skip


def milepost(policy: str) -> Callable[[int, Path], dict[str, float]]:
    """Milepost under a policy, from files to a published and proved kb."""

    def run(size: int, folder: Path) -> dict[str, float]:
        from milepost import Milepost, Policy
        from milepost.tools.embedders import FakeEmbedder

        texts, changed = _texts(size)
        files = folder / "files"
        files.mkdir()
        _write(files, texts)
        chunk = {"size": 1_200, "overlap": 0}
        full = Policy.full(chunk=chunk, approval="never", enable_ai_planning=False)
        wanted = full if policy == "full" else Policy.none(chunk=chunk)
        with Milepost(folder / "home", policy=wanted, embedder=FakeEmbedder(DIMENSIONS)) as mp:
            mp.ingest([("warm.txt", b"Start the parser, load the libraries.")], kb="warm")
            figures = {"ingest": cpu_seconds(lambda: mp.ingest([files], kb="kb"))}
            figures["rss_mb"] = own_peak_mb()
            found = mp.kb_stats("kb").chunks
            if found != len(texts):
                raise SystemExit(f"the arms differ: {found} chunks, not {len(texts)}")
            figures["again"] = cpu_seconds(lambda: mp.ingest([files], kb="kb"))
            _write(files, changed)
            figures["change"] = cpu_seconds(lambda: mp.ingest([files], kb="kb"))
            if policy == "full":
                figures["undo"] = cpu_seconds(lambda: mp.rollback(last=True, kb="kb"))
                figures["back_ms"] = _back_ms(mp)
            figures["search_ms"] = median_ms(lambda i: mp.search(f"question {i}", kb="kb"))
            figures["one_file_ms"] = median_ms(lambda i: _one(mp, folder, i))
        figures["disk_mb"] = disk_mb(folder / "home")
        return figures

    return run


def _one(mp: Any, folder: Path, number: int) -> None:
    path = folder / f"bare-{number}.txt"
    path.write_text(f"A short note, number {number}.\n\n" + "It says little. " * 20)
    mp.ingest([path], kb="kb")


def _back_ms(mp: Any) -> float:
    """Milliseconds from the start of the undo's publish to its commit: what people search is back then."""
    from milepost.store.revisions import Change, state_at

    home = mp.workspace.services.home
    kb = home.knowledge.kb("default", "kb")
    with home.record.read() as reading:
        now, then = state_at(reading, kb.kb_id, kb.head), state_at(reading, kb.kb_id, kb.head - 1)
    changes = [
        Change(source, then.get(source)) for source in now.keys() | then.keys() if now.get(source) != then.get(source)
    ]
    began = time.perf_counter()
    home.knowledge.publish(kb.kb_id, changes, journey_id="benchmark", user="benchmark", restorable=True)
    return (time.perf_counter() - began) * 1_000


ARMS: dict[str, Callable[[int, Path], dict[str, float]]] = {
    "raw": raw,
    "none": milepost("none"),
    "full": milepost("full"),
}


def _texts(size: int) -> tuple[list[str], list[str]]:
    """Chunks of about 1.1 KB, and the same with every tenth file's written anew; equal in every process."""
    drawn = random.Random(7)
    words = ["".join(drawn.choices("abcdefghijklmnopqrstuvwxyz", k=drawn.randint(3, 9))) for _ in range(WORDS)]

    def text() -> str:
        return " ".join(drawn.choices(words, k=160))[:1_100].strip()

    texts = [text() for _ in range(size)]
    return texts, [text() if (i // PER_FILE) % CHANGED == 0 else old for i, old in enumerate(texts)]


def _write(folder: Path, texts: list[str]) -> None:
    for at in range(0, len(texts), PER_FILE):
        path = folder / f"f{at // PER_FILE:05}.txt"
        body = "\n\n".join(texts[at : at + PER_FILE])
        if not path.exists() or path.read_text() != body:
            path.write_text(body)


if __name__ == "__main__":
    main()
