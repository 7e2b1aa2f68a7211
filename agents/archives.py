"""Archives among the input files: opened in the sandbox, each member becomes an input of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..store.errors import UsageError
from ..store.policy import Policy
from ..tools.collect import safe_name
from ..tools.services import Services
from ..tools.sniff import ZIP_MARKS
from ..tools.unpack import Member
from .inputs import Input, hashed


@contextmanager
def opened(services: Services, inputs: Sequence[Input], policy: Policy) -> Generator[list[Input], None, None]:
    """The inputs with the members of archives in their place, where the policy opens them; sorted by source.

    A member is called `archive.zip/its/path`, and its bytes lie in a folder that is gone afterwards. An archive that
    cannot be opened stays, with its reason. `UsageError` where a member is called like another input.
    """
    archives = [one for one in inputs if policy.archives and not one.reason and not one.held and _begins_as_zip(one)]
    if not archives:
        yield list(inputs)
        return
    with services.home.blobs.workroom() as room:
        every: list[Input] = []
        for number, one in enumerate(inputs):
            every += _members(services, one, policy, room / f"{number}") if one in archives else [one]
        yield _distinct(sorted(every, key=lambda each: each.source))


def _begins_as_zip(one: Input) -> bool:
    if one.data is not None:
        return one.data[:4] in ZIP_MARKS
    try:
        descriptor = os.open(one.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        return file.read(4) in ZIP_MARKS


def _members(services: Services, one: Input, policy: Policy, folder: Path) -> list[Input]:
    """The archive's members; the input itself where it is a document that is a zip, or cannot be opened."""
    services.check()
    folder.mkdir()
    whole = hashed([one])[0]
    if whole.reason:
        return [whole]
    path = Path(one.path)
    if one.data is not None:
        path = folder / "archive"
        path.write_bytes(one.data)
    found = services.pool.unpack(path, folder, limits=policy.limits)
    if found.reason:
        return [replace(whole, reason=found.reason, detail=found.detail)]
    if not found.members:
        return [one]
    sha256 = whole.sha256 if one.data is None else ""
    return [_member(one, each, folder, sha256) for each in found.members]


def _member(archive: Input, member: Member, folder: Path, sha256: str) -> Input:
    name = safe_name(member.name)
    return Input(
        f"{archive.path}/{name}", f"{archive.source}/{name}", "", member.size, member.mtime_ns,
        reason=member.reason, detail=member.detail, unpacked=folder / member.file if member.file else None,
        archive=(archive.path, sha256),
    )  # fmt: skip


def _distinct(inputs: list[Input]) -> list[Input]:
    for one, other in itertools.pairwise(inputs):
        if one.source == other.source:
            raise UsageError(
                f"two inputs are called {one.source!r}: {one.path} and {other.path}",
                cause="inside a kb a source has one name; give their common folder, or rename one",
                next="milepost plan PATH --kb NAME",
                paths=[one.path, other.path],
            )
    return inputs
