"""Scorers of one's own: by entry point (group `milepost.eval_scorers`), by module, or by the path of a file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from ..store.errors import NotFound, UsageError
from .scoring import Scorer

GROUP = "milepost.eval_scorers"


def scorers_of(names: Sequence[str]) -> list[Scorer]:
    """The scorers that names stand for: `NAME` of an entry point, `module:function`, `path/to/file.py:function`.

    `NotFound` for a name that leads nowhere, `UsageError` for what cannot be called.
    """
    return [_scorer(name) for name in names]


def _scorer(name: str) -> Scorer:
    place, _, function = name.rpartition(":")
    try:
        found = getattr(_module(place), function) if place else _entry(name)
    except (ImportError, AttributeError, OSError, SyntaxError) as error:
        raise NotFound(f"there is no scorer {name!r}", cause=str(error)[:200], state="nothing was run") from error
    if not callable(found):
        raise UsageError(
            f"scorer {name!r} is no function", cause="it takes a trial and its case", state="nothing was run"
        )
    return cast("Scorer", found)


def _entry(name: str) -> Any:
    for point in entry_points(group=GROUP):
        if point.name == name:
            return point.load()
    known = ", ".join(sorted(point.name for point in entry_points(group=GROUP))) or "none"
    raise ImportError(f"no package offers it as an entry point of {GROUP}; there are: {known}")


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    path = Path(place)
    name = f"milepost_own_scorers_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f'there is no file "{place}"')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
