"""The workspace as people import it: everything of `agents`, and what lies above that, evaluations and serving."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from .agents import milepost, workspace
from .evals.comparing import Evidence
from .evals.logs import Log
from .evals.rescoring import Rescored
from .store.policy_sources import PolicyValue


class AsyncMilepost(workspace.AsyncMilepost):
    __doc__ = workspace.AsyncMilepost.__doc__

    async def eval_run(
        self,
        planners: Sequence[str],
        out: str | Path,
        *,
        cases: str | Path | None = None,
        epochs: int = 1,
        execute: bool = False,
        policy: PolicyValue = None,
        **more: Any,
    ) -> Log:
        """Run planners on cases, each trial in a home of its own, and write the log `out`; goes on with one cut short.

        Planners that name no model ask this workspace's. `more` is what `milepost.evals.Run` has besides: `seed`,
        `after`, `jobs`, `max_tokens`, `max_cost`, `scorers`. `UsageError` before anything is run.
        """
        import asyncio

        from .evals.runs import eval_run
        from .evals.worlds import PLANNED_UNDER
        from .store.policy_sources import resolve_policy

        under = resolve_policy(*PLANNED_UNDER, ("policy", policy)).policy
        return await asyncio.to_thread(
            eval_run, planners, out, cases=cases, epochs=epochs, execute=execute, policy=under, model=self.chat_model,
            **more,
        )  # fmt: skip

    async def eval_score(
        self, log: str | Path, *, out: str | Path | None = None, scorers: Sequence[str] = ()
    ) -> Rescored:
        """Score an old log again; it stays as it is, and `out`, where named, gets the new scores."""
        import asyncio

        from .evals.rescoring import eval_score

        return await asyncio.to_thread(eval_score, log, out=out, scorers=scorers)

    async def eval_compare(
        self,
        base: str | Path,
        head: str | Path | None = None,
        *,
        planners: Sequence[str] = (),
        level: float = 0.95,
        margin: float = 0.1,
    ) -> Evidence:
        """Compare two logs over the same cases, or the arms of one; `comparisons[].verdict` says which is better."""
        import asyncio

        from .evals.comparing import evidence
        from .evals.inspect_logs import read_any_log

        def compare() -> Evidence:
            other = read_any_log(Path(head)) if head is not None else None
            return evidence(read_any_log(Path(base)), other, planners=planners, level=level, margin=margin)

        return await asyncio.to_thread(compare)

    async def eval_report(
        self,
        base: str | Path,
        head: str | Path | None = None,
        *,
        out: str | Path,
        planners: Sequence[str] = (),
        level: float = 0.95,
        margin: float = 0.1,
    ) -> Evidence:
        """Write what one log or two say as one self-contained HTML page."""
        import asyncio

        from .evals.inspect_logs import read_any_log
        from .evals.report import report_of
        from .planfile import write_whole

        def report() -> Evidence:
            other = read_any_log(Path(head)) if head is not None else None
            page, found = report_of(
                read_any_log(Path(base)), other, planners=planners, level=level, margin=margin
            )  # fmt: skip
            write_whole(Path(out), page, what="report", next="milepost eval report --help")
            return found

        return await asyncio.to_thread(report)

    async def mcp(
        self, *, http: str | None = None, root: str | Path | None = None, token: SecretStr | None = None
    ) -> None:
        """Serve assistants over MCP until the client ends, over stdio, or at `http`, "HOST:PORT", with a `root`."""
        from .mcp_serving import serve

        shown = await self.policy_show()
        await serve(self, policy=lambda: shown, http=http, root=root, token=token)


class Milepost(milepost.Milepost):
    __doc__ = milepost.Milepost.__doc__

    workspace: AsyncMilepost
    _kind = AsyncMilepost

    def eval_run(
        self,
        planners: Sequence[str],
        out: str | Path,
        *,
        cases: str | Path | None = None,
        epochs: int = 1,
        execute: bool = False,
        policy: PolicyValue = None,
        **more: Any,
    ) -> Log:
        return self._wait(
            self.workspace.eval_run(planners, out, cases=cases, epochs=epochs, execute=execute, policy=policy, **more)
        )

    def eval_score(self, log: str | Path, *, out: str | Path | None = None, scorers: Sequence[str] = ()) -> Rescored:
        return self._wait(self.workspace.eval_score(log, out=out, scorers=scorers))

    def eval_compare(
        self,
        base: str | Path,
        head: str | Path | None = None,
        *,
        planners: Sequence[str] = (),
        level: float = 0.95,
        margin: float = 0.1,
    ) -> Evidence:
        return self._wait(self.workspace.eval_compare(base, head, planners=planners, level=level, margin=margin))

    def eval_report(
        self,
        base: str | Path,
        head: str | Path | None = None,
        *,
        out: str | Path,
        planners: Sequence[str] = (),
        level: float = 0.95,
        margin: float = 0.1,
    ) -> Evidence:
        return self._wait(
            self.workspace.eval_report(base, head, out=out, planners=planners, level=level, margin=margin)
        )

    def mcp(self, *, http: str | None = None, root: str | Path | None = None, token: SecretStr | None = None) -> None:
        self._wait(self.workspace.mcp(http=http, root=root, token=token))
