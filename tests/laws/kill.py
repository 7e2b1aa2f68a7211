"""A house of children that may be killed: what crash and reader tests run in processes of their own.

One process imports everything and forks a child for each piece of work, before any store was ever opened in it:
a child costs milliseconds where a new interpreter costs two seconds. Run as a script it is that process.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KB = "hr"
POLICY = {"enable_rollback": True, "chunk": {"size": 200, "overlap": 0}}
QUERY = "what everybody asks"


@dataclass(frozen=True)
class Ended:
    """How a child ended: `value` is what its work returned, where it came that far."""

    killed: bool
    value: Any


class House:
    """The parent's end: asks for children, one at a time or several at once."""

    def __init__(self) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._number = 0

    def start(self, work: str, home: Path, /, *, kill: tuple[str, int] | None = None, **args: Any) -> Path:
        """Start a child; what it returns will lie in the file that this returns."""
        self._number += 1
        out = home.parent / f"{home.name}.{os.getpid()}-{self._number}.json"
        self._ask({"work": work, "home": str(home), "out": str(out), "kill": kill, "args": args})
        return out

    def end(self, out: Path) -> Ended:
        """Wait for a child's end."""
        status = self._ask({"wait": str(out)})["status"]
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, f"a child died of signal {os.WTERMSIG(status)}"
            return Ended(True, None)
        said = json.loads(out.read_text())
        assert "error" not in said, said["error"]
        return Ended(False, said["value"])

    def run(self, work: str, home: Path, /, *, kill: tuple[str, int] | None = None, **args: Any) -> Ended:
        """Start a child and wait for its end."""
        return self.end(self.start(work, home, kill=kill, **args))

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


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


@contextmanager
def opened(home: Path, *, policy: Any = None, user: Any = "ana", **more: Any) -> Iterator[Any]:
    """A home as children and tests open it; recovery has run."""
    from milepost import Milepost

    with Milepost(home, policy=policy or POLICY, embedder=Written(log_of(home)), user=user, **more) as mp:
        mp.workspace.services.pool = InProcess()  # type: ignore[assignment]  # has the two methods that are used
        yield mp


def view(home: Path) -> list[list[Any]]:
    """What a reader sees who opens the record and nothing else: every visible chunk, in the order of a search."""
    from milepost.store.home import Home
    from milepost.store.search import Search
    from milepost.store.vectors import embed_normalised
    from milepost.tools.embedders import FakeEmbedder

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
        return mp.ingest([folder], kb=KB).model_dump(mode="json")


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
        return mp.kb_remove(source, kb=KB).model_dump(mode="json")


def gone(mp: Any, source: str) -> bool:
    """Whether nothing of a source is found any more."""
    return all(hit.source != source for hit in mp.search(QUERY, kb=KB, k=1_000))


def undo(home: Path, journey: str | None = None) -> Any:
    """Undo a journey (the newest where none is named); one that came to no checkpoint changed nothing."""
    with opened(home) as mp:
        wanted = mp.status(journey) if journey else journey_of(mp)
        if wanted is None or not wanted.checkpoints:
            return state(mp)
        done = mp.undo(wanted).model_dump(mode="json")
        return {**state(mp), "rollback": done}


def redo(home: Path) -> Any:
    with opened(home) as mp:
        done = mp.rollback(last=True, kb=KB).model_dump(mode="json")
        return {**state(mp), "rollback": done}


def status(home: Path) -> Any:
    """The newest journey that is no rollback, whole."""
    with opened(home) as mp:
        return journey_of(mp).model_dump(mode="json")


def rebuild(home: Path) -> Any:
    with opened(home) as mp:
        done = mp.kb_rebuild(KB)
        return {**state(mp), "done": done}


def reopen(home: Path) -> Any:
    with opened(home) as mp:
        return state(mp)


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


def points(home: Path, inner: str, args: dict[str, Any]) -> list[str]:
    """Every fault point that a piece of work reaches, in order."""
    from milepost.store import faults

    reached: list[str] = []
    faults.arm(reached.append)
    WORK[inner](home, **args)
    return reached


WORK: dict[str, Callable[..., Any]] = {
    work.__name__: work for work in (ingest, finish, remove, undo, redo, status, rebuild, reopen, view, watch, points)
}


def main() -> None:
    """Serve: fork a child for each request, and say how it ended."""
    import aiosqlite  # noqa: F401  # everything that a child will need, while nothing is open
    import chromadb  # noqa: F401

    import milepost.agents.graph
    import milepost.agents.milepost
    import milepost.agents.saver
    import milepost.tools.embedders
    import milepost.tools.parse  # noqa: F401

    children: dict[str, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(children.pop(request["wait"]), 0)
            print(json.dumps({"status": status}))
            continue
        pid = os.fork()
        if pid == 0:
            _child(request)
        children[request["out"]] = pid
        print(json.dumps({"pid": pid}))


def _child(request: dict[str, Any]) -> None:
    from milepost.store import faults

    os.close(0)
    os.dup2(2, 1)
    try:
        if request["kill"]:
            name, nth = request["kill"]
            faults.arm(faults.kill_at(name, nth))
        said = {"value": WORK[request["work"]](Path(request["home"]), **request["args"])}
    except BaseException:  # whatever it was, the parent has to hear of it
        said = {"error": traceback.format_exc()}
    out = Path(request["out"])
    out.with_suffix(".part").write_text(json.dumps(said))
    out.with_suffix(".part").rename(out)
    os._exit(0)


if __name__ == "__main__":
    main()
