"""A model plans: it is told facts, drafts steps, and is shown what is wrong with them until a plan is right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..store.plan import Origin, Plan, PlannedFile
from ..store.records import Checkpoint
from ..tools.journey_types import BUILT_IN
from ..tools.registry import registry_dict
from ..tools.services import Services
from .ai_answers import Draft, ModelFailed, read_answer, was_cut
from .ai_calls import Asker, Message, Usage
from .ai_drafts import Offer, for_kb, problems, to_plan
from .ai_facts import Facts, KnownKb, facts_for, listed_sources
from .ai_files import known_files
from .ai_groups import with_rules
from .ai_prompt import PROMPT_VERSION, first_messages, repair_messages
from .ai_schema import draft_schema
from .archives import opened
from .chat_model import name_of, ready
from .comparison import compare
from .drafting import PlanRequest, Tell, announced, gathered, setting_of
from .executor import STEPS
from .inputs import Input, hashed
from .issues import Issue
from .kb_state import KbState, kb_state
from .languages import languages_in, languages_read
from .outcomes import examples
from .own_drafts import to_own_plan
from .own_plans import check_given, takes_files
from .reading import Reader
from .wishes import DOING, check_asked, understood

Run = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does work on the engine's thread."""


@dataclass(frozen=True)
class Ground:
    """What was looked up before a model is asked: the inputs, read and hashed, and the facts made of them."""

    offer: Offer
    facts: Facts


def offered(*, expose: bool) -> dict[str, Any]:
    """The registry that a model may use: the actions that can be carried out; without `expose` they stay staged."""
    known = registry_dict()
    return {name: known[name] for name in known if name in STEPS and (expose or name != "expose")}


class AiPlanner:
    """Plans with a model, once; `usage` says what asking came to, also where it came to nothing.

    With `judged` off its first draft is the plan, whatever is wrong with it: what evaluations compare the validator by.
    """

    def __init__(
        self, model: Any, services: Services, run: Run, *, on_progress: Tell | None = None, judged: bool = True
    ) -> None:
        self.usage = Usage()
        self._model = model
        self._services = services
        self._run = run
        self._tell = on_progress
        self._judged = judged

    async def plan(self, request: PlanRequest) -> Plan:
        """The model's plan for a request. What files raise is raised; the model's failures are `ModelFailed`."""
        stack = ExitStack()
        try:
            ground: Ground = await self._run(lambda: self._survey(request, stack))
            async with ready(self._model) as model:
                asker = Asker(model, request.policy, self._services.home.clock, self.usage)
                draft = await self._drafted(asker, ground)
            plan: Plan = await self._run(lambda: self._to_plan(draft, ground))
            return plan
        finally:
            await self._run(stack.close)

    def origin(
        self, planner: Literal["ai", "fallback"], request: PlanRequest, failed: ModelFailed | None = None
    ) -> Origin:
        """Who made a plan, with what asking the model came to."""
        usage = self.usage
        return Origin(
            planner=planner, version=PROMPT_VERSION, model=name_of(self._model), prompt_version=PROMPT_VERSION,
            attempts=usage.attempts, calls=usage.calls, input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens, cost=usage.cost(request.policy),
            reason=failed.reason if failed else None, failure=failed.kind if failed else None,
        )  # fmt: skip

    async def _drafted(self, asker: Asker, ground: Ground) -> Draft:
        """Ask until a draft has no problems, `max_repairs` times more at most; by the other way after what was none."""
        schema = draft_schema(for_kb(ground.offer), ground.offer.handles.offered())
        first = first_messages(ground.facts.told)
        messages: Sequence[Message] = first
        found: list[Issue] = []
        for _ in range(1 + (ground.offer.request.policy.ai.max_repairs if self._judged else 0)):
            said = await asker.ask(messages, schema)
            answer = read_answer(said)
            if isinstance(answer, Draft):
                found = problems(answer, ground.offer) if self._judged else []
                if not found:
                    return answer
                messages = repair_messages(first, answer, found)
            else:
                found = answer
                messages = repair_messages(first, None, found)
                if not was_cut(said):
                    asker.way = "json_schema" if asker.way == "function_calling" else "function_calling"
        codes = ", ".join(dict.fromkeys(issue.code for issue in found))
        raise ModelFailed(f"the model's plan was still invalid after {self.usage.attempts} attempts ({codes})")

    def _survey(self, request: PlanRequest, stack: ExitStack) -> Ground:
        """Look at everything that the request may mean. The files stay unpacked until the stack is closed."""
        services, home = self._services, self._services.home
        tenant = services.user.tenant
        kbs = [one.name for one in home.knowledge.all(tenant)]
        check_asked(request.request, request.kb, kbs)
        own = None if request.journey_type == BUILT_IN else services.types.find(request.journey_type)
        if own is not None and not takes_files(own):
            check_given(request)
        inputs = hashed(stack.enter_context(opened(services, gathered(request), request.policy)))
        kb = home.knowledge.find(tenant, request.kb) if request.kb else None
        state = kb_state(home.record, kb)
        registry = self._registry(request)
        planned = self._looked_at(request, inputs, state)
        facts = facts_for(
            request=request.request or None, kb=request.kb, kbs=kbs, today=home.clock.now()[:10],
            files=known_files(planned, inputs, languages_read(services, inputs, request.policy)),
            known=KnownKb(state, self._languages(state), self._checkpoints(request)),
            policy=request.policy, registry=registry, past=self._past(request), given=request.args,
        )  # fmt: skip
        if facts.handles.groups is not None:
            registry = with_rules(registry)
        offer = Offer(request, inputs, facts.handles, registry)
        return Ground(offer if own is not None else self._careful(offer), facts)

    def _careful(self, offer: Offer) -> Offer:
        """With what rules read in the request that makes a plan more careful: no model may be less so."""
        request = offer.request
        said = understood(request.request, offer.inputs, setting_of(self._services, request))
        policy = said.policy.model_copy(update={"chunk": request.policy.chunk})
        return replace(offer, excludes=DOING if said.dry_run else said.excludes, careful=policy)

    def _registry(self, request: PlanRequest) -> dict[str, Any]:
        """What the model may use: the actions that can be carried out, or those of a user's own journey type."""
        if request.journey_type == BUILT_IN:
            return offered(expose=request.expose)
        own = self._services.types.registry(request.journey_type)
        return {name: dict(spec) for name, spec in own.items() if request.expose or name != "expose"}

    def _looked_at(self, request: PlanRequest, inputs: Sequence[Input], state: KbState) -> list[PlannedFile]:
        """What would become of each file, if all were meant; each under its own name."""
        reader = Reader(self._services, request.policy)
        files = compare(inputs, state, request.policy, reader.read)
        reader.flush()
        named = [file.model_copy(update={"source": one.source}) for file, one in zip(files, inputs, strict=True)]
        return [*named, *(announced(name, media_type) for name, media_type in request.unseen)]

    def _languages(self, state: KbState) -> dict[str, str | None]:
        """The languages of the sources that a model is told of."""
        listed = {name: state.sources[name].parsed_id for name in listed_sources(state)}
        told = languages_in(self._services.home.content, [*listed.values()])
        return {name: told[parsed_id] for name, parsed_id in listed.items()}

    def _checkpoints(self, request: PlanRequest) -> list[Checkpoint]:
        """Where the kb can go back to, newest first; none where the policy keeps nothing to go back to."""
        if not request.policy.restorable:
            return []
        found = self._services.home.checkpoints.find(self._services.user.tenant)
        return [one for one in reversed(found) if one.kb == request.kb or request.kb is None]

    def _past(self, request: PlanRequest) -> dict[str, Any]:
        """How earlier requests like this one ended, where the policy learns from results."""
        if not request.policy.learn_from_results:
            return {}
        return examples(self._services, request.request, request.kb)

    def _to_plan(self, draft: Draft, ground: Ground) -> Plan:
        request = ground.offer.request
        made = to_plan if request.journey_type == BUILT_IN else to_own_plan
        return made(self._services, draft, ground.offer, origin=self.origin("ai", request), on_progress=self._tell)
