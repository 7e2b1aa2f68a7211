"""Sources of a kb whose file has gone from the folder that it came from."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..store.kb import Kb
from ..store.places import is_folder
from ..store.plan import PlannedFile
from ..store.record import Record
from .comparison import leaving
from .inputs import PathOrPair
from .kb_state import KbState


def missing(record: Record, kb: Kb, state: KbState, paths: Sequence[PathOrPair], found: set[str]) -> list[PlannedFile]:
    """The sources that belong to a folder given and are not among the files found, as lines of the plan.

    docs/decisions/0012-sources-that-are-missing.md says when a source belongs to a folder. A source that came
    by itself, as bytes, or from elsewhere never does.
    """
    folders = [os.fspath(path) for path in paths if not isinstance(path, tuple) and is_folder(path)]
    absent = state.sources.keys() - found
    if not folders or not absent:
        return []
    places = list(_places(record, kb))
    groups: dict[str, set[str]] = defaultdict(set)
    newest: dict[str, str] = {}
    for source, root in places:
        newest[source] = root
        if source in state.sources:
            groups[root].add(source)
    gone: list[PlannedFile] = []
    for source in sorted(absent):
        home = next((one for one in folders if _is_from(newest.get(source), one, groups, found)), None)
        if home is not None:
            gone.append(leaving(state.sources[source], str(Path(home) / source)))
    return gone


def _places(record: Record, kb: Kb) -> Iterator[tuple[str, str]]:
    """Each source with the folder that a journey read it from, oldest first."""
    with record.read() as reading:
        rows = reading.execute(
            "SELECT f.source, f.path FROM journey_files f JOIN journeys j ON j.journey_id = f.journey_id"
            " WHERE j.kb_id = ? AND f.action != 'remove' ORDER BY j.seq",
            (kb.kb_id,),
        ).fetchall()
    for source, path in rows:
        if path != source and path.endswith(source):
            yield source, os.path.realpath(path[: -len(source)])


def _is_from(root: str | None, folder: str, groups: dict[str, set[str]], found: set[str]) -> bool:
    """Whether a folder is the one that a source came from: the same place, or a copy with most of its files."""
    if root is None:
        return False
    group = groups[root]
    return root == os.path.realpath(folder) or len(group & found) * 2 >= len(group) > 0
