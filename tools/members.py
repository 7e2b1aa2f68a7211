"""Members of archives that a journey tries again: opened anew, since they lie in no file of their own."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..store.journey_files import FileRow
from .collect import safe_name
from .sniff import ZIP_MARKS
from .steps import StepRun

_MENDED = "it can be opened now; plan again to take what is in it"


@dataclass(frozen=True)
class Again:
    """Where the bytes of a file lie for now, or why it is refused still."""

    file: Path | None = None
    reason: str | None = None
    detail: str | None = None


@contextmanager
def opened_again(ctx: StepRun, rows: Sequence[FileRow]) -> Generator[dict[str, Again], None, None]:
    """By path: the members among `rows` whose bytes are not in the blobs, and archives that could not be opened."""
    planned = {file.source: file for file in ctx.plan.files}
    blobs = ctx.services.home.blobs
    missing = [row for row in rows if ctx.policy.archives and not (row.sha256 and blobs.has(row.sha256))]
    archives = {planned[row.source].archive or row.path for row in missing if row.source in planned}
    archives = {path for path in archives if _begins_as_zip(Path(path))}
    if not archives:
        yield {}
        return
    found: dict[str, Again] = {}
    with blobs.workroom() as room:
        for number, path in enumerate(sorted(archives)):
            folder = room / f"{number}"
            folder.mkdir()
            opened = ctx.services.pool.unpack(Path(path), folder, limits=ctx.policy.limits)
            if opened.reason:
                found[path] = Again(reason=opened.reason, detail=opened.detail)
            elif opened.members:
                found[path] = Again(reason="changed_while_reading", detail=_MENDED)
            for member in opened.members:
                file = folder / member.file if member.file else None
                found[f"{path}/{safe_name(member.name)}"] = Again(file, member.reason, member.detail)
        yield found


def _begins_as_zip(path: Path) -> bool:
    try:
        if not path.is_file():  # a pipe would block for ever
            return False
        with path.open("rb") as file:
            return file.read(4) in ZIP_MARKS
    except OSError:
        return False
