"""What becomes of each input: compared with the kb and with the files before it, and read where it is new."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ..store.audience import audience_of
from ..store.plan import Action, PlannedFile
from ..store.policy import Policy
from ..tools.choices import was_asked
from ..tools.chunk import chunker_id
from ..tools.parse import PARSER
from .inputs import Input
from .kb_state import KbSource, KbState


@dataclass(frozen=True)
class Reading:
    """What reading a file gave; `estimated` where there was no time to read it."""

    media_type: str = ""
    chunks: int = 0
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    detail: str | None = None
    estimated: bool = False


Read = Callable[[Input], Reading]


def compare(
    inputs: Sequence[Input], state: KbState, policy: Policy, read: Read, *, going: Iterable[str] = ()
) -> list[PlannedFile]:
    """Decide about each input, in order. Only what is new or changed is read; `going` are sources that leave."""
    return list(_Comparison(inputs, state, policy, read, frozenset(going)).run(inputs))


def planned(one: Input, action: Action, **more: Any) -> PlannedFile:
    """The plan's line about an input."""
    values: dict[str, Any] = {"path": one.path, "source": one.source, "sha256": one.sha256, "bytes": one.size}
    values["archive"] = one.archive[0] if one.archive else None
    return PlannedFile(action=action, **{**values, **more})


def leaving(known: KbSource, path: str = "") -> PlannedFile:
    """The plan's line about a source that is to go; `path` is where its file was."""
    return PlannedFile(
        path=path or known.name, source=known.name, action="remove", media_type=known.media_type, chunks=known.chunks
    )


class _Comparison:
    def __init__(
        self, inputs: Sequence[Input], state: KbState, policy: Policy, read: Read, going: frozenset[str]
    ) -> None:
        self.state = state
        self.policy = policy
        self.read = read
        self.identity = (PARSER, chunker_id(policy.chunk))
        self.names = state.sources.keys() | {one.source for one in inputs}
        changing = going | {one.source for one in inputs if self._changes(one)}
        shown = [known for known in state.sources.values() if not known.claim and known.name not in changing]
        self.holders = {
            known.sha256: known.name for known in shown if self._current(known) and self._for_the_same(known)
        }
        """Which source people find each content under, once the plan has run; the same people, who may find it."""

    def run(self, inputs: Sequence[Input]) -> Iterator[PlannedFile]:
        for one in inputs:
            file = self._decide(one)
            if file.action in ("add", "replace"):
                self.holders.setdefault(one.sha256, file.source)
            yield file

    def _decide(self, one: Input) -> PlannedFile:
        if one.reason:
            return planned(one, "reject", reason=one.reason, detail=one.detail)
        known = self.state.sources.get(one.source)
        if known is None:
            return self._duplicate(one) or self._taken(one, "add")
        if known.sha256 == one.sha256:
            return self._same_content(one, known)
        if self.policy.on_existing == "skip":
            detail = "the kb has it with other content, and the policy's on_existing is skip"
            return planned(one, "skip", reason="excluded", detail=detail, chunks=known.chunks)
        if self.policy.on_existing == "keep_both":
            return self._copy(one)
        twin = self.holders.get(one.sha256)
        more = {"detail": f"same content as {twin}"} if twin else {}
        return self._taken(one, "replace", chunks_replaced=known.chunks, **more)

    def _same_content(self, one: Input, known: KbSource) -> PlannedFile:
        if self._current(known) or self.policy.on_existing == "skip":
            detail = f"as in the kb, {_chunks(known.chunks)}" if not known.claim else "as in the kb"
            media_type = known.media_type
            return planned(one, "skip", reason="unchanged", detail=detail, media_type=media_type, chunks=known.chunks)
        if known.claim and one.sha256 in self.holders:
            return self._duplicate(one) or self._taken(one, "replace")
        detail = "the same content, read again: the parser or the chunk sizes changed"
        return self._taken(one, "replace", chunks_replaced=known.chunks, detail=detail)

    def _duplicate(self, one: Input) -> PlannedFile | None:
        twin = self.holders.get(one.sha256)
        if twin is None:
            return None
        return planned(one, "skip", reason="duplicate", detail=f"same content as {twin}")

    def _copy(self, one: Input) -> PlannedFile:
        """Both are kept: the new content goes under the first free `name (2).ext`."""
        names = _numbered(one.source)
        while (name := next(names)) in self.names:
            known = self.state.sources.get(name)
            if known is not None and known.sha256 == one.sha256:
                detail = f"in the kb as {name}"
                return planned(one, "skip", source=name, reason="unchanged", detail=detail, chunks=known.chunks)
        self.names.add(name)
        detail = f"{one.source} stays as it is (on_existing is keep_both)"
        file = self._taken(one, "add", source=name, detail=detail)
        if file.action == "reject":
            self.names.discard(name)
        return file

    def _taken(self, one: Input, action: Action, **more: Any) -> PlannedFile:
        reading = self.read(one)
        if reading.reason:
            return planned(
                one, "reject", reason=reading.reason, detail=reading.detail, media_type=reading.media_type,
                warnings=reading.warnings,
            )  # fmt: skip
        return planned(
            one, action, media_type=reading.media_type, warnings=(*reading.warnings, *self._opened(one)),
            chunks=reading.chunks, estimated=reading.estimated, **more,
        )  # fmt: skip

    def _opened(self, one: Input) -> tuple[str, ...]:
        """A warning where what only some may find now will be found by others."""
        known = self.state.sources.get(one.source)
        before, now = known and audience_of(known.chunker), audience_of(self.identity[1])
        if before is None or before == now:
            return ()
        return (f"it is for {before} only, and will be for {now or 'everybody'}: say so in --request to keep it",)

    def _changes(self, one: Input) -> bool:
        known = self.state.sources.get(one.source)
        if known is None or one.reason or self.policy.on_existing == "skip":
            return False
        other = known.sha256 != one.sha256
        return (other and self.policy.on_existing == "replace") or not (other or self._current(known))

    def _current(self, known: KbSource) -> bool:
        """Read as it would be now, or as a request chose, which holds until another one says otherwise."""
        if (known.parser, known.chunker) == self.identity:
            return True
        return known.parser == PARSER and was_asked(known.chunker) and not self.policy.chunk.asked

    def _for_the_same(self, known: KbSource) -> bool:
        """Whether everybody finds it who is to find what is planned now."""
        return audience_of(known.chunker) == audience_of(self.identity[1])


def _numbered(source: str) -> Iterator[str]:
    path = PurePosixPath(source)
    for number in itertools.count(2):
        yield str(path.with_name(f"{path.stem} ({number}){path.suffix}"))


def _chunks(number: int) -> str:
    return f"{number} {'chunk' if number == 1 else 'chunks'}"
