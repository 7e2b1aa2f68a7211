"""The toolbox: what an assistant may do with a home. Handles go in, short typed answers come out; nobody approves here.

LangChain tools and the MCP server are thin over this. Whoever asks is the workspace's own user, whom the embedding
program authenticated: no argument names a user, a tenant or a policy.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..store.errors import ApprovalRequired, NotFound, UsageError
from ..store.plan import Plan
from ..store.records import Checkpoint, Journey, Progress
from ..tools.rollback import ROLLBACK
from .approving import editable, edited, what_is_wanted
from .asking import Asked, Confirm, by_id
from .inputs import PathOrPair
from .named_paths import spoken
from .resuming import bytes_of
from .rollback_tools import RollbackTools, rollback_text
from .tool_arguments import (
    AnyJourney,
    AnyKb,
    Count,
    JourneyId,
    Kb,
    Paths,
    PlanDigest,
    PlanId,
    Query,
    Request,
    Whom,
)
from .tool_results import (
    LISTED,
    SHOWN,
    CheckpointLine,
    CheckpointsAnswer,
    FileLine,
    HitLine,
    JourneyAnswer,
    Judgement,
    KbLine,
    KbsAnswer,
    PlanAnswer,
    PlanText,
    SearchAnswer,
    plain,
)
from .workspace import AsyncMilepost

OnProgress = Callable[[Progress], None] | None


TOOLS = ("plan_journey", "validate_plan", "show_plan", "apply_plan", "journey_status", "list_checkpoints",
         "preview_rollback", "rollback_to_checkpoint", "search_knowledge", "list_knowledge_bases")  # fmt: skip
CHANGES = ("apply_plan", "rollback_to_checkpoint")
ROLLBACK_TOOLS = ("list_checkpoints", "preview_rollback", "rollback_to_checkpoint")


EDITED = (
    "the person changed what is wanted: this is the new plan; nothing was applied; apply_plan asks the person again"
)


class Toolbox(RollbackTools):
    """One person's tools over a workspace, for one conversation. Files have to lie under `root`.

    Once a search has let a text of a document in, no change can be told from one that the text asked for: where the
    policy wants a person for some changes, from then on each waits for one.
    """

    def __init__(self, workspace: AsyncMilepost, *, root: Path | None = None) -> None:
        self._mp = workspace
        self._root = (root or Path.cwd()).resolve()

    def offered(self) -> list[str]:
        """The names of the tools that policy allows, always in the same order."""
        return [name for name in TOOLS if name not in ROLLBACK_TOOLS or self._mp.policy.restorable]

    async def plan_journey(
        self, paths: Paths, kb: Kb, request: Request = None, on_progress: OnProgress = None
    ) -> PlanAnswer:
        """Make a plan and save it; no kb is changed."""
        plan = await self._mp.plan(self._under_root(paths), kb=kb, request=request, on_progress=on_progress)
        return _plan_answer(plan)

    async def validate_plan(self, plan_id: PlanId) -> Judgement:
        """Judge a saved plan."""
        said = (await self._mp.validate(plan_id)).model_dump(mode="json")
        then = [f"show_plan({plan_id!r})"] if said["valid"] else ["plan_journey(paths, kb, request)"]
        return Judgement(plan_id=plan_id, valid=said["valid"], errors=said["errors"][:LISTED],
                         warnings=said["warnings"][:LISTED], next=then)  # fmt: skip

    async def show_plan(self, plan_id: PlanId) -> PlanText:
        """A saved plan as people read it."""
        plan = await self._plan(plan_id)
        return PlanText(plan_id=plan_id, digest=plan.digest, text=await self._shown(plan), next=[_apply(plan)])

    async def apply_plan(
        self, plan_id: PlanId, digest: PlanDigest, confirm: Confirm = by_id, on_progress: OnProgress = None
    ) -> JourneyAnswer:
        """Run exactly the plan with that id and digest, to its end; where policy wants it, a person is asked first."""
        plan = await self._plan(plan_id)
        if plan.digest != digest:
            raise UsageError(f"{plan_id} has another digest", cause="the digest is the one that the plan came with",
                             state="nothing was changed", next="milepost show PLAN")  # fmt: skip
        try:
            journey = await self._mp.apply(plan_id, on_progress=on_progress)
        except ApprovalRequired as waiting:
            approval_id = str(waiting.facts["approval_id"])
            args = {"plan_id": plan_id, "digest": digest}
            said = await confirm(Asked("apply_plan", args, await self._shown(plan), approval_id))
            if said is None:
                return _waiting(plan, approval_id)
            if not said:
                await self._mp.reject(approval_id)
                return JourneyAnswer(journey_id=None, plan_id=plan_id, kb=plan.kb, status="cancelled",
                                     message="the person said no; nothing was changed")  # fmt: skip
            await self._mp.approve(approval_id)
            journey = await self._mp.apply(plan_id, on_progress=on_progress)
        return _journey_answer(journey)

    async def journey_status(self, journey_id: JourneyId) -> JourneyAnswer:
        """How a journey stands."""
        return _journey_answer(await self._mp.status(journey_id))

    async def list_checkpoints(self, kb: AnyKb = None, journey_id: AnyJourney = None) -> CheckpointsAnswer:
        """The checkpoints that one can go back to, newest first."""
        found = [c for c in await self._mp.checkpoints(journey_id) if kb is None or c.kb == kb]
        newest = list(reversed(found))[:LISTED]
        then = [f"preview_rollback({newest[0].checkpoint_id!r})"] if newest else ["plan_journey(paths, kb)"]
        return CheckpointsAnswer(checkpoints=[_checkpoint_line(c) for c in newest],
                                 not_listed=len(found) - len(newest), next=then)  # fmt: skip

    async def search_knowledge(self, query: Query, kb: Kb, k: Count = 5, audience: Whom = None) -> SearchAnswer:
        """What people would find."""
        hits = await self._mp.search(query, kb=kb, k=k, audience=audience)
        lines = [
            HitLine(rank=h.rank, score=h.score, source=h.source, location=_short(h.location), text=h.text) for h in hits
        ]
        if lines and self._mp.policy.approval != "never":
            self._ask_always()
        return SearchAnswer(results=lines)

    def _ask_always(self) -> None:
        """For this conversation only: the workspace is also others'."""
        if not self._mp.asks_always:
            self._mp = self._mp.acting_as(self._mp.user)
            self._mp.asks_always = True

    async def list_knowledge_bases(self) -> KbsAnswer:
        """The kbs that there are."""
        found = await self._mp.kb_list()
        return KbsAnswer(kbs=[KbLine(**kb.model_dump()) for kb in found],
                         next=["search_knowledge(query, kb)", "plan_journey(paths, kb)"])  # fmt: skip

    async def plan_in_words(self, said: str) -> Plan:
        """A plan of what a person said, saved; the files that the words name by path are on offer.

        Where no kb is named as one, a kb that is there and whose name is among the words is meant.
        """
        heard = await asyncio.to_thread(spoken, said, self._root)
        paths, request = self._under_root(heard.paths), heard.request
        plan = await self._mp.plan(paths, request=request)
        if not any(question.about == "kb" for question in plan.questions):
            return plan
        among = set(re.findall(r"[\w.-]+", said.lower()))
        known = [kb.name for kb in await self._mp.kb_list() if kb.name.lower() in among]
        return await self._mp.plan(paths, kb=known[0], request=request) if len(known) == 1 else plan

    async def describe(self, tool: str, args: dict[str, Any]) -> str:
        """What a call that changes something would do, in words for the person who is asked; writes nothing."""
        if tool == "apply_plan":
            return await self._shown(await self._plan(str(args.get("plan_id"))))
        return await self.describe_rollback(str(args.get("preview_id")))

    async def wanted(self, tool: str, args: dict[str, Any]) -> dict[str, Any]:
        """What a person may edit of what is asked; nothing of a rollback."""
        if tool != "apply_plan":
            return {}
        plan = await self._plan(str(args.get("plan_id")))
        return what_is_wanted(plan) if editable(plan) else {}

    async def edited(self, args: dict[str, Any], action: Any) -> PlanAnswer:
        """What a person made of a plan, as a new plan: nothing was applied, and it is asked about again."""
        before = await self._plan(str(args.get("plan_id")))
        pairs = await self._mp.engine.run(lambda: bytes_of(self._mp.services, before))
        wish = edited(before, self._mp.policy, action, pairs)
        await self.decline("apply_plan", args)
        plan = await self._mp.plan(self._allowed(before, wish.paths), kb=wish.kb, request=wish.request)
        return _plan_answer(plan).model_copy(update={"message": EDITED})

    def _allowed(self, before: Plan, paths: Sequence[PathOrPair]) -> list[PathOrPair]:
        """What the plan had already, and beyond that files under the root."""
        return [p if not isinstance(p, str) or p in before.paths else self._under_root([p])[0] for p in paths]

    async def decline(self, tool: str, args: dict[str, Any]) -> None:
        """Note that a person said no: a question about the same plan that waits elsewhere is answered, too."""
        waiting = [one for one in await self._mp.approvals() if one.plan_id == args.get("plan_id")]
        for one in waiting if tool == "apply_plan" else ():
            await self._mp.reject(one)

    async def _shown(self, plan: Plan) -> str:
        """A plan in words; where it goes back, with what goes and what comes back."""
        places = [step.args["checkpoint"] for step in plan.steps if step.action == ROLLBACK]
        foreseen = [rollback_text(await self._mp.preview_rollback(places))] if places else []
        return plain("\n".join([plan.render(), *foreseen]), SHOWN)

    def _under_root(self, paths: Sequence[str]) -> list[Path]:
        """The paths, relative ones from the root; links are followed before it is looked whether they lie in it."""
        found = []
        for said in paths:
            path = self._root / said
            if not path.resolve().is_relative_to(self._root):
                raise UsageError(f"{said!r} lies outside the folder that may be read", state="nothing was read",
                                 cause=f"files have to lie under {self._root}")  # fmt: skip
            found.append(path)
        return found

    async def _plan(self, plan_id: str) -> Plan:
        shown = await self._mp.show(plan_id) if plan_id.startswith("plan_") else None
        if not isinstance(shown, Plan):
            raise NotFound(f"there is no plan {plan_id!r}", state="nothing was changed")
        return shown


def _plan_answer(plan: Plan) -> PlanAnswer:
    then = ["plan_journey(paths, kb, request) with the answers"] if plan.questions else [
        f"show_plan({plan.plan_id!r})", _apply(plan)]  # fmt: skip
    lines = [FileLine(source=f.source, action=f.action, reason=f.reason, chunks=f.chunks) for f in plan.files[:LISTED]]
    return PlanAnswer(
        plan_id=plan.plan_id, digest=plan.digest, kb=plan.kb, summary=plan.summary.model_dump(), files=lines,
        files_not_listed=len(plan.files) - len(lines), questions=[question.text for question in plan.questions],
        declined=[f"{each.what}: {each.why}" for each in plan.declined],
        seconds=plan.estimated_time.model_dump(include={"p10", "p50", "p90"}), next=then,
    )  # fmt: skip


def _journey_answer(journey: Journey) -> JourneyAnswer:
    bad = [f for f in journey.files if f.outcome in ("rejected", "failed")]
    first = journey.checkpoints[0].checkpoint_id if journey.checkpoints else None
    return JourneyAnswer(
        journey_id=journey.journey_id, plan_id=journey.plan_id, kb=journey.kb, status=str(journey.status),
        revision_before=journey.revision_before, revision_after=journey.revision_after,
        outcomes=dict(Counter(f.outcome for f in journey.files)),
        problems=[FileLine(source=f.source, action=f.outcome, reason=f.reason) for f in bad[:LISTED]],
        problems_not_listed=max(0, len(bad) - LISTED),
        checkpoints=[checkpoint.checkpoint_id for checkpoint in journey.checkpoints],
        next=[f"preview_rollback({first!r})"] if first else [],
    )  # fmt: skip


def _waiting(plan: Plan, approval_id: str) -> JourneyAnswer:
    return JourneyAnswer(
        journey_id=None, plan_id=plan.plan_id, kb=plan.kb, status="awaiting_approval", approval_id=approval_id,
        message=f"a person has to say yes, with: milepost approve {approval_id}", next=[f"after that {_apply(plan)}"],
    )  # fmt: skip


def _checkpoint_line(checkpoint: Checkpoint) -> CheckpointLine:
    return CheckpointLine(**checkpoint.model_dump(include=set(CheckpointLine.model_fields)))


def _apply(plan: Plan) -> str:
    return f"apply_plan({plan.plan_id!r}, {plan.digest!r})"


def _short(location: dict[str, Any]) -> dict[str, Any]:
    return {key: plain(value, 120) if isinstance(value, str) else value for key, value in location.items()}
