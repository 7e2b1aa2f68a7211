"""`Milepost`: the workspace without `await`, for scripts, notebooks and the command line."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ..store.plan import Plan
from ..store.policy import Policy
from ..store.policy_sources import PolicyValue
from ..store.ports import Clock, Embedder
from ..store.records import (
    Approval,
    Checkpoint,
    DigestReport,
    Event,
    Journey,
    KbDiff,
    KbInfo,
    KbStats,
    RevisionInfo,
    RollbackResult,
    SearchHit,
    UserContext,
    VerifyReport,
)
from ..tools.journey_types import BUILT_IN
from .chatting import ChatReply
from .inputs import PathOrPair
from .journeys import OnProgress
from .own_loop import OwnLoop
from .validator import Validation
from .workspace import AsyncMilepost

T = TypeVar("T")


class Milepost:
    """The same as `AsyncMilepost`, each method waiting for its end; works inside a running event loop, too."""

    _kind: type[AsyncMilepost] = AsyncMilepost

    def __init__(
        self,
        home: str | Path,
        *,
        policy: PolicyValue = None,
        embedder: Embedder | str | None = None,
        chat_model: Any = None,
        user: UserContext | Mapping[str, Any] | str | None = None,
        journey_types: tuple[Any, ...] = (),
        wait: float = 10.0,
        clock: Clock | None = None,
        trace: str | None = None,
    ) -> None:
        self.workspace = self._kind(
            home, policy=policy, embedder=embedder, chat_model=chat_model, user=user, journey_types=journey_types,
            wait=wait, clock=clock, trace=trace,
        )  # fmt: skip
        self._loop = OwnLoop()
        """A batch was still at work when Ctrl-C had waited for it: `close` waits for its end."""

    def plan(
        self, paths: Sequence[PathOrPair] = (), *, kb: str | None = None, request: str | None = None,
        policy: PolicyValue = None, planner: str = "auto", expose: bool = True, save: bool = True,
        journey_type: str = BUILT_IN, args: Mapping[str, Any] | None = None, on_progress: OnProgress = None,
    ) -> Plan:  # fmt: skip
        return self._wait(
            self.workspace.plan(paths, kb=kb, request=request, policy=policy, planner=planner, expose=expose, save=save,
                                journey_type=journey_type, args=args, on_progress=on_progress)
        )  # fmt: skip

    def plan_each(
        self, paths: Sequence[PathOrPair] = (), *, request: str, policy: PolicyValue = None, planner: str = "auto",
        expose: bool = True, save: bool = True, on_progress: OnProgress = None,
    ) -> list[Plan]:  # fmt: skip
        return self._wait(
            self.workspace.plan_each(paths, request=request, policy=policy, planner=planner, expose=expose, save=save,
                                     on_progress=on_progress)
        )  # fmt: skip

    def validate(self, plan: Plan | str) -> Validation:
        return self._wait(self.workspace.validate(plan))

    def show(self, id: str) -> Plan | Journey | Checkpoint:
        return self._wait(self.workspace.show(id))

    def apply(
        self, plan: Plan | str | None = None, *, replan: bool = False, approve: bool = False,
        on_progress: OnProgress = None,
    ) -> Journey:  # fmt: skip
        return self._wait(self.workspace.apply(plan, replan=replan, approve=approve, on_progress=on_progress))

    def ingest(
        self, paths: Sequence[PathOrPair], *, kb: str | None = None, request: str | None = None,
        policy: PolicyValue = None, planner: str = "auto", expose: bool = True, approve: bool = False,
        on_progress: OnProgress = None,
    ) -> Journey:  # fmt: skip
        return self._wait(
            self.workspace.ingest(paths, kb=kb, request=request, policy=policy, planner=planner, expose=expose,
                                  approve=approve, on_progress=on_progress)
        )  # fmt: skip

    def plan_removal(self, source: str, *, kb: str) -> Plan:
        return self._wait(self.workspace.plan_removal(source, kb=kb))

    def resume(
        self,
        journey: Journey | str,
        *,
        from_checkpoint: Checkpoint | str | None = None,
        policy: PolicyValue = None,
        approve: bool = False,
        on_progress: OnProgress = None,
    ) -> Journey:
        return self._wait(
            self.workspace.resume(journey, from_checkpoint=from_checkpoint, policy=policy, approve=approve,
                                  on_progress=on_progress)
        )  # fmt: skip

    def newest_plan(self) -> Plan | None:
        return self._wait(self.workspace.newest_plan())

    def chat(
        self, text: str | None = None, *, decisions: Sequence[str | Mapping[str, Any]] | None = None,
        thread: str = "default", root: str | Path | None = None, kb: str | None = None,
        on_words: Callable[[str], None] | None = None, on_progress: OnProgress = None,
    ) -> ChatReply:  # fmt: skip
        return self._wait(
            self.workspace.chat(text, decisions=decisions, thread=thread, root=root, kb=kb, on_words=on_words,
                                on_progress=on_progress)
        )  # fmt: skip

    def chat_waiting(self, *, thread: str = "default") -> list[dict[str, Any]]:
        return self._wait(self.workspace.chat_waiting(thread=thread))

    def chat_note(self, text: str, *, thread: str = "default") -> None:
        return self._wait(self.workspace.chat_note(text, thread=thread))

    def approvals(self) -> list[Approval]:
        return self._wait(self.workspace.approvals())

    def approve(self, approval: Approval | str) -> Approval:
        return self._wait(self.workspace.approve(approval))

    def reject(self, approval: Approval | str) -> Approval:
        return self._wait(self.workspace.reject(approval))

    def journeys(self, kb: str | None = None) -> list[Journey]:
        return self._wait(self.workspace.journeys(kb))

    def status(self, journey: Journey | str | None = None) -> Journey:
        return self._wait(self.workspace.status(journey))

    def timeline(self, journey: Journey | str) -> list[Event]:
        return self._wait(self.workspace.timeline(journey))

    def report(self, journey: Journey | str) -> str:
        return self._wait(self.workspace.report(journey))

    def checkpoints(self, journey: Journey | str | None = None) -> list[Checkpoint]:
        return self._wait(self.workspace.checkpoints(journey))

    def preview_rollback(
        self, checkpoint: Checkpoint | str | Sequence[Checkpoint | str], *, on_conflict: str | None = None
    ) -> RollbackResult:
        return self._wait(self.workspace.preview_rollback(checkpoint, on_conflict=on_conflict))

    def rollback_to_checkpoint(self, checkpoint: Checkpoint | str, *, on_conflict: str | None = None) -> RollbackResult:
        return self._wait(self.workspace.rollback_to_checkpoint(checkpoint, on_conflict=on_conflict))

    def rollback(
        self, checkpoint: Checkpoint | str | None = None, *,
        journey: Journey | str | Sequence[Journey | str] | None = None, last: bool = False, to: int | None = None,
        kb: str | None = None, on_conflict: str | None = None, dry_run: bool = False,
    ) -> RollbackResult:  # fmt: skip
        return self._wait(
            self.workspace.rollback(checkpoint, journey=journey, last=last, to=to, kb=kb, on_conflict=on_conflict,
                                    dry_run=dry_run)
        )  # fmt: skip

    def undo(
        self, journey: Journey | str | Sequence[Journey | str], *, on_conflict: str | None = None
    ) -> RollbackResult:
        return self._wait(self.workspace.undo(journey, on_conflict=on_conflict))

    def search(
        self, query: str, *, kb: str, k: int = 5, at: int | None = None, audience: str | Sequence[str] | None = None
    ) -> list[SearchHit]:
        return self._wait(self.workspace.search(query, kb=kb, k=k, at=at, audience=audience))

    def kb_list(self) -> list[KbInfo]:
        return self._wait(self.workspace.kb_list())

    def kb_stats(self, kb: str) -> KbStats:
        return self._wait(self.workspace.kb_stats(kb))

    def kb_log(self, kb: str) -> list[RevisionInfo]:
        return self._wait(self.workspace.kb_log(kb))

    def kb_diff(self, kb: str, from_: int, to: int) -> KbDiff:
        return self._wait(self.workspace.kb_diff(kb, from_, to))

    def kb_verify(self, kb: str) -> VerifyReport:
        return self._wait(self.workspace.kb_verify(kb))

    def kb_digest(self, kb: str) -> DigestReport:
        return self._wait(self.workspace.kb_digest(kb))

    def kb_rebuild(self, kb: str) -> dict[str, Any]:
        return self._wait(self.workspace.kb_rebuild(kb))

    def kb_remove(self, source: str, *, kb: str, approve: bool = False, on_progress: OnProgress = None) -> Journey:
        return self._wait(self.workspace.kb_remove(source, kb=kb, approve=approve, on_progress=on_progress))

    def kb_purge(self, source: str, *, kb: str, dry_run: bool = False) -> dict[str, Any]:
        return self._wait(self.workspace.kb_purge(source, kb=kb, dry_run=dry_run))

    def kb_drop(self, kb: str, *, dry_run: bool = False) -> dict[str, Any]:
        return self._wait(self.workspace.kb_drop(kb, dry_run=dry_run))

    def gc(self, *, dry_run: bool = False, as_of: str | None = None) -> dict[str, Any]:
        return self._wait(self.workspace.gc(dry_run=dry_run, as_of=as_of))

    def documents(self, type: str | None = None, find: str | None = None) -> list[dict[str, Any]]:
        return self._wait(self.workspace.documents(type, find))

    def doctor(self) -> list[dict[str, Any]]:
        return self._wait(self.workspace.doctor())

    def policy_show(self) -> dict[str, Any]:
        return self._wait(self.workspace.policy_show())

    def policy_check(self, policy: PolicyValue = None) -> dict[str, Any]:
        return self._wait(self.workspace.policy_check(policy))

    def policy_presets(self) -> dict[str, dict[str, Any]]:
        return self._wait(self.workspace.policy_presets())

    def init(self) -> dict[str, Any]:
        return self._wait(self.workspace.init())

    def expand(self, prefix: str) -> str:
        return self._wait(self.workspace.expand(prefix))

    def orchestrate_data_ingest_with_capabilities(
        self, file_data: bytes, file_name: str, file_type: str,
        user_context: Mapping[str, Any] | UserContext | None = None, policy: PolicyValue = None,
    ) -> dict[str, Any]:  # fmt: skip
        return self._wait(
            self.workspace.orchestrate_data_ingest_with_capabilities(file_data, file_name, file_type, user_context,
                                                                     policy)
        )  # fmt: skip

    def stop(self) -> None:
        """Ask a running journey to end after its current batch; any thread, or a signal handler, may."""
        self.workspace.stop()

    def close(self) -> None:
        """Close everything that was opened; the object can be used again."""
        self._wait(self.workspace.close())
        self._loop.close()

    @property
    def home(self) -> Path:
        return self.workspace.home

    @property
    def policy(self) -> Policy:
        return self.workspace.policy

    @property
    def user(self) -> UserContext:
        return self.workspace.user

    @property
    def librarian(self) -> Any:
        return self.workspace.librarian

    @property
    def rollback_capability(self) -> Any:
        return self.workspace.rollback_capability

    @property
    def forward_docs_capability(self) -> Any:
        return self.workspace.forward_docs_capability

    @property
    def planning_capability(self) -> Any:
        return self.workspace.planning_capability

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def stuck(self) -> bool:
        """Whether a journey did not end in time when it was asked to stop."""
        return self._loop.stuck

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.wait(work, self.workspace.stop)
