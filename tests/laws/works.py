"""What crash and reader tests do to a home: each piece of work is a function of the home's path, run in a child."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

KB = "hr"
POLICY = {"enable_rollback": True, "chunk": {"size": 200, "overlap": 0}}
QUERY = "what everybody asks"


class InProcess:
    """A parser pool without processes of its own: who parses is not what crash tests are about."""

    def parse(self, path: Path, name: str, *, chunk: Any, limits: Any) -> Any:
        from milepost.tools.parse import parse_path

        return parse_path(path, name, chunk=chunk, limits=limits)

    def close(self) -> None:
        return None


class Written:
    """A fake embedder that writes every text it embeds to a file: what is embedded twice stands there twice.

    Searches count words, too, as with the embedded default.
    """

    hybrid = True

    def __init__(self, log: Path) -> None:
        from milepost.tools.embedders import FakeEmbedder

        self._real = FakeEmbedder(16)
        self._log = log
        self.name, self.dimensions = self._real.name, self._real.dimensions

    def embed(self, texts: list[str]) -> Any:
        with self._log.open("a") as log:
            log.writelines(json.dumps(text) + "\n" for text in texts)
        return self._real.embed(texts)


def embedded(home: Path) -> Counter[str]:
    """How often each text was embedded for a home, over all processes."""
    log = log_of(home)
    return Counter(json.loads(line) for line in log.read_text().splitlines()) if log.exists() else Counter()


def log_of(home: Path) -> Path:
    return home.with_name(f"{home.name}.embedded")


def told_of(home: Path) -> Path:
    """Where it is written down what a person was told: each milestone, and at the end that all is done."""
    return home.with_name(f"{home.name}.told")


def tell(home: Path, what: str) -> None:
    with told_of(home).open("a") as told:
        told.write(f"{what}\n")


def telling(home: Path) -> Callable[[Any], None]:
    """A listener that writes down every milestone."""
    return lambda event: tell(home, event.text) if event.kind == "milestone" else None


@contextmanager
def opened(home: Path, *, policy: Any = None, user: Any = "ana", **more: Any) -> Iterator[Any]:
    """A home as children and tests open it; recovery has run."""
    from milepost import Milepost

    soon_large()

    with Milepost(home, policy=policy or POLICY, embedder=Written(log_of(home)), user=user, **more) as mp:
        mp.workspace.services.pool = InProcess()  # type: ignore[assignment]  # has the two methods that are used
        yield mp


def soon_large() -> None:
    """Have kbs come by their packed file early in this process, so that works begin without one and go on with one."""
    from milepost.store import pack

    pack.FILED = 24


def view(home: Path) -> list[list[Any]]:
    """What a reader sees who opens the record and nothing else: every visible chunk, in the order of a search."""
    from milepost.store.home import Home
    from milepost.store.search import Search
    from milepost.store.vectors import embed_normalised
    from milepost.tools.embedders import FakeEmbedder

    soon_large()
    embedder = FakeEmbedder(16)
    there = Home(home, embedder=lambda: embedder)
    kb = there.knowledge.find("default", KB)
    try:
        if kb is None:
            return []
        query = embed_normalised(embedder, [QUERY])[0]
        hits = Search(there.record, there.content, home / "vectors").search(kb, query, k=10_000, question=QUERY)
        return [[hit.rank, hit.score, hit.source, hit.text, hit.location, hit.chunk_id] for hit in hits]
    finally:
        there.close()


def state(mp: Any) -> dict[str, Any]:
    """The kb as its collection and its record have it; an empty one where there is none."""
    from milepost.store.errors import NotFound

    try:
        verified = mp.kb_verify(KB)
        return {"digest": mp.kb_digest(KB).digest, "ok": verified.ok, "verify": verified.model_dump(mode="json")}
    except NotFound:
        return {"digest": hashlib.sha256().hexdigest(), "ok": True}


def journey_of(mp: Any) -> Any:
    """The newest journey that is no rollback, or None."""
    found = [j for j in mp.journeys() if j.journey_type != "rollback"]
    return mp.status(found[0]) if found else None


def ingest(home: Path, folder: str, policy: Any = None) -> Any:
    with opened(home, policy=policy) as mp:
        done = mp.ingest([folder], kb=KB, on_progress=telling(home)).model_dump(mode="json")
        tell(home, "done")
        return done


def finish(home: Path, folder: str = "", policy: Any = None, source: str = "") -> Any:
    """Go on with the journey that was killed; where none was begun, do the whole of it."""
    with opened(home, policy=policy) as mp:
        journey = journey_of(mp)
        if journey is not None and journey.status in ("interrupted", "planned"):
            done = mp.resume(journey)
        elif source:
            done = mp.status(journey) if gone(mp, source) else mp.kb_remove(source, kb=KB)
        else:
            done = mp.ingest([folder], kb=KB)
        return {**state(mp), "journey": done.model_dump(mode="json")}


def remove(home: Path, source: str) -> Any:
    with opened(home) as mp:
        done = mp.kb_remove(source, kb=KB, on_progress=telling(home)).model_dump(mode="json")
        tell(home, "done")
        return done


def gone(mp: Any, source: str) -> bool:
    """Whether nothing of a source is found any more."""
    return all(hit.source != source for hit in mp.search(QUERY, kb=KB, k=1_000))


def undo(home: Path, journey: str | None = None) -> Any:
    """Undo a journey (the newest where none is named); one that came to no checkpoint changed nothing."""
    from milepost import NotFound

    with opened(home) as mp:
        try:
            wanted = mp.status(journey) if journey else journey_of(mp)
        except NotFound:  # it was killed before anything of it was written down
            return state(mp)
        if wanted is None or not wanted.checkpoints:
            return state(mp)
        done = mp.undo(wanted).model_dump(mode="json")
        tell(home, "done")
        return {**state(mp), "rollback": done}


def redo(home: Path) -> Any:
    with opened(home) as mp:
        done = mp.rollback(last=True, kb=KB).model_dump(mode="json")
        return {**state(mp), "rollback": done}


def status(home: Path) -> Any:
    """The newest journey that is no rollback, whole."""
    with opened(home) as mp:
        return journey_of(mp).model_dump(mode="json")


def attention(home: Path) -> dict[str, Any]:
    """What `status`, `journeys` and `doctor` say of what needs a person; and what a reader sees."""
    with opened(home) as mp:
        listed = [journey for journey in mp.journeys() if journey.status == "needs_attention"]
        bad = [(check["name"], check["next"]) for check in mp.doctor() if not check["ok"]]
        return {"listed": [mp.status(one).model_dump(mode="json") for one in listed], "bad": bad, "view": view(home)}


def resume(home: Path, journey: str) -> Any:
    """What a person does about it."""
    with opened(home) as mp:
        done = mp.resume(journey).model_dump(mode="json")
        return {**state(mp), "journey": done}


def attempt(home: Path, inner: str, args: dict[str, Any]) -> dict[str, Any]:
    """A piece of work that may be refused: with which error, in the words that a person is told."""
    from milepost import MilepostError

    try:
        WORK[inner](home, **args)
    except MilepostError as refused:
        return {"code": refused.code, "next": refused.next, "state": refused.state, "message": refused.message}
    return {"code": None}


def rebuild(home: Path) -> Any:
    with opened(home) as mp:
        done = mp.kb_rebuild(KB)
        tell(home, "done")
        return {**state(mp), "done": done}


def reopen(home: Path) -> Any:
    with opened(home) as mp:
        return state(mp)


def mend(home: Path, folder: str) -> dict[str, Any]:
    """What verifying says of damaged views, and what publishing makes of them: `says` is an error's code, or None."""
    from milepost import MilepostError

    with opened(home) as mp:
        seen = view(home)
        try:
            says, next_ = (None if mp.kb_verify(KB).ok else "not ok"), ""
        except MilepostError as refused:
            says, next_ = refused.code, refused.next
    with opened(home) as mp:
        mp.ingest([folder], kb=KB)
        findings = mp.workspace.services.home.findings
        return {**state(mp), "seen": seen, "says": says, "next": next_, "findings": findings, "doctor": mp.doctor()}


def watch(home: Path, until: str, k: int) -> list[dict[str, Any]]:
    """Search in a loop until a file is there; each answer once, in the order in which they came.

    The newest revision that was seen is told in a file beside it, so that nobody has to guess how far it is.
    """
    with opened(home) as mp:
        seen: list[dict[str, Any]] = []
        while True:
            last = Path(until).exists()
            hits = mp.search(QUERY, kb=KB, k=k)
            answer = [[hit.chunk_id, hit.score] for hit in hits]
            if not seen or seen[-1]["answer"] != answer:
                seen.append({"answer": answer, "revisions": sorted({hit.revision for hit in hits}), "searches": 0})
            seen[-1]["searches"] += 1
            Path(f"{until}.seen").write_text(str(max((hit.revision for hit in hits), default=0)))
            if last:
                return seen


def gc(home: Path) -> Any:
    with opened(home) as mp:
        return mp.gc()


def purge(home: Path, source: str) -> Any:
    with opened(home) as mp:
        return mp.kb_purge(source, kb=KB)


def drop(home: Path) -> Any:
    with opened(home) as mp:
        return mp.kb_drop(KB)


def to_first(home: Path) -> Any:
    with opened(home) as mp:
        return mp.rollback(to=1, kb=KB).model_dump(mode="json")


def points(home: Path, inner: str, args: dict[str, Any]) -> list[str]:
    """Every fault point that a piece of work reaches, in order."""
    from milepost.store import faults

    reached: list[str] = []
    faults.arm(reached.append)
    WORK[inner](home, **args)
    return reached


def aftermath(home: Path, forward: str, args: dict[str, Any], journey: str | None = None) -> dict[str, Any]:
    """What a dead process left: what a reader sees, what was promised and is not kept, and what going on comes to.

    `journey` is the one to tell of at the end; the newest where none is named.
    """
    seen = view(home)
    broken = promises(home)
    done = WORK[forward](home, **args)
    with opened(home) as mp:
        told = mp.status(journey) if journey else journey_of(mp)
        left = {"journey": told and told.model_dump(mode="json"), "litter": litter(mp, home)}
    return {**done, **left, "seen": seen, "broken": broken, "then": view(home)}


def promises(home: Path) -> list[str]:
    """Milestones that a person was told of, and whose checkpoint cannot be read back."""
    told = told_of(home).read_text().splitlines() if told_of(home).exists() else []
    milestones = [line.replace(" ", "_") for line in told if line != "done"]
    if not milestones:
        return []
    with opened(home) as mp:
        journey = journey_of(mp)
        taken = {one.milestone_id: one.checkpoint_id for one in journey.checkpoints}
        librarian = mp.workspace.services.home.librarian
        whole = {name for name, one in taken.items() if librarian.retrieve(one, tenant="default")}
        wanted = set(milestones) if mp.workspace.services.home.ledger.policy(journey.journey_id).restorable else set()
    return sorted(wanted - whole)


def litter(mp: Any, home: Path) -> list[str]:
    """What belongs to nobody: collections, index folders, half-written files; and the names of the blobs."""
    there = mp.workspace.services.home
    with there.hold():
        owned = {kb.collection for kb in there.knowledge.all()}
        found = [f"collection {name}" for name in there.chroma.names() - owned if "librarian" not in name]
        found += [f"document {id_}" for id_ in there.librarian.damages()]
    with closing(sqlite3.connect(f"{(home / 'chroma' / 'chroma.sqlite3').as_uri()}?mode=ro", uri=True)) as chroma:
        used = {row[0] for row in chroma.execute("SELECT id FROM segments")}
    found += [f"folder {path.name}" for path in (home / "chroma").iterdir() if path.is_dir() and path.name not in used]
    packs = {kb.pack_file for kb in there.knowledge.all()}
    found += [f"vectors {path.name}" for path in (home / "vectors").glob("*") if path.name not in packs]
    blobs = [path for path in (home / "blobs").rglob("*") if path.is_file()]
    return sorted(found) + sorted(str(path.relative_to(home)) for path in blobs)


WORKS = (
    ingest,
    finish,
    remove,
    undo,
    redo,
    status,
    attempt,
    attention,
    resume,
    rebuild,
    reopen,
    mend,
    view,
    watch,
    gc,
    purge,
    drop,
    to_first,
    points,
    aftermath,
)
WORK: dict[str, Callable[..., Any]] = {work.__name__: work for work in WORKS}
