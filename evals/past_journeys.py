"""A past for planners that learn: journeys that were really run in a world, each from another case's request."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from ..store.errors import MilepostError
from .worlds import CaseWorld, write_file

_LEARNABLE = {"upload", "parse", "embed", "expose"}


def lived(world: CaseWorld, count: int, others: Sequence[Mapping[str, Any]]) -> int:
    """Run up to `count` journeys in a world, in the days before; returns how many were run.

    They go into the case's knowledge base as the rules plan them. The requests are those of other cases that bring
    files in, of the case's own family first, by a draw that depends on the case alone. Their files have names of their
    own, so that none of them is in the way of the case's.
    """
    if count <= 0 or world.kb is None:
        return 0
    today, done = world.clock.at, 0
    for number, case in enumerate(islice(_drawn(world.case, others), 3 * count)):
        if done == count:
            break
        world.clock.at = today - timedelta(days=3 * count - number)
        done += _ran(world, number, case)
    world.clock.at = today
    return done


def _ran(world: CaseWorld, number: int, case: Mapping[str, Any]) -> bool:
    """Whether a journey came of a request; where the rules have to ask, none does."""
    room = world.folder.parent / "lived" / str(number)
    for file in case["context"]["files"]:
        write_file(room / f"lived-{number}", file, f"lived {number} {file['name']}", filler=None)
    try:
        world.milepost.ingest([room], kb=world.kb, request=case["request"], approve=True)
    except MilepostError:
        return False
    return True


def _drawn(case: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    chance = random.Random(str(case["id"]))
    usable = [one for one in others if one["id"] != case["id"] and set(one["expect"]["steps"]) == _LEARNABLE]
    mixed = sorted(usable, key=lambda one: (one["family"] != case["family"], chance.random()))
    while mixed:
        yield from mixed
