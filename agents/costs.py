"""What a plan will use: embeddings, disk, time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..store.errors import PlanRejected
from ..store.plan import Interval, PlannedFile, PlanStep
from ..store.policy import Policy
from ..store.ports import Embedder
from ..tools.estimate import OTHER, SHIPPED, estimate_steps, fit, total
from ..tools.services import Services
from .inputs import Input
from .kb_state import KbState

_CHUNK_BYTES = 900
"""Of the record, the collection and its index for a chunk, besides its text and its vector."""
_TEXT_COPIES = 7
"""A new text lies in the record, and in the collection's rows, their index and the full-text index, which is four."""
_VECTOR_COPIES = 3
"""A vector lies in the record, the collection's index, and for some time in its queue; packed, it is a quarter."""


def check_inputs(inputs: Iterable[Input], state: KbState, policy: Policy) -> None:
    """Refuse before anything is read what is too large already: the files that the kb does not have."""
    new = [one for one in inputs if not one.reason and one.source not in state.sources]
    _within(policy, {"max_files": len(new), "max_bytes": sum(one.size for one in new)})


def check_budget(files: Iterable[PlannedFile], policy: Policy) -> None:
    """Refuse a plan that is larger than the policy allows, with all the figures that are too large."""
    taken = [file for file in files if file.action in ("add", "replace")]
    chunks = sum(file.chunks for file in taken)
    _within(
        policy,
        {"max_files": len(taken), "max_bytes": sum(file.bytes for file in taken), "max_chunks": chunks},
    )


def _within(policy: Policy, figures: dict[str, int]) -> None:
    limits = {key: getattr(policy.budget, key) for key in figures}
    over = [key for key, limit in limits.items() if limit is not None and figures[key] > limit]
    if over:
        raise PlanRejected(
            "the plan is larger than the policy's budget",
            cause="; ".join(
                f"{figures[key]} {key.removeprefix('max_')}, budget.{key} is {limits[key]}" for key in over
            ),
            state="nothing was changed",
            next="milepost policy show",
            add=["--set", f"budget.{over[0]}={figures[over[0]]}"],
            figures=figures,
        )


def check_cost(used: Mapping[str, Any], policy: Policy) -> None:
    """Refuse a plan whose embeddings cost more than the policy, or the request, allows."""
    limit, cost = policy.budget.max_cost, used.get("cost")
    if limit is not None and cost is not None and cost > limit:
        raise PlanRejected(
            "the plan costs more than is allowed",
            cause=f"its embeddings cost about {cost:.4g}; the limit is {limit:g}",
            state="nothing was changed",
            next="milepost policy show",
            figures={"cost": cost},
        )


def resources(
    services: Services, files: Sequence[PlannedFile], parsed_ids: Iterable[int], embedder: Embedder, policy: Policy
) -> dict[str, Any]:
    """Embeddings that are still to be computed (exact for what was read), and the disk that is taken, about."""
    home = services.home
    taken = [file for file in files if file.action in ("add", "replace")]
    text_ids = {piece.text_id for parsed_id in set(parsed_ids) for piece in home.content.pieces(parsed_id)}
    model = home.content.model(embedder.name, embedder.dimensions) if text_ids else 0
    new = home.content.without_vector(model, text_ids) if text_ids else []
    missing = len(new)
    guessed = sum(file.chunks for file in taken if file.estimated)
    blobs = {file.sha256: file.bytes for file in taken if file.sha256 and not home.blobs.has(file.sha256)}
    size = sum(file.bytes for file in taken)
    chunks = sum(file.chunks for file in taken)
    return {
        "embeddings": missing + guessed,
        "model_calls": 0,
        "disk_bytes": sum(blobs.values()) + _index_bytes(chunks, missing + guessed, embedder.dimensions),
        "bytes": size,
        **_cost(services, new, guessed, policy),
    }


def _cost(services: Services, text_ids: Sequence[int], guessed: int, policy: Policy) -> dict[str, float]:
    """What the new embeddings cost, where there is a price; a token is about four characters."""
    price = policy.budget.price_embedding
    if price is None:
        return {}
    texts = services.home.content.texts(text_ids).values() if text_ids else ()
    characters = sum(map(len, texts)) + guessed * policy.chunk.size
    return {"cost": round(characters / _CHARACTERS_A_TOKEN * price / 1e6, 6)}


_CHARACTERS_A_TOKEN = 4


def _index_bytes(chunks: int, embeddings: int, dimensions: int) -> int:
    text = 800 * _TEXT_COPIES
    return chunks * (_CHUNK_BYTES + text) + embeddings * dimensions * 4 * _VECTOR_COPIES


def timed(
    services: Services, steps: Sequence[PlanStep], files: Sequence[PlannedFile], embeddings: int
) -> tuple[tuple[PlanStep, ...], Interval]:
    """The steps with their estimates, and the estimate of all, held to what whole journeys took."""
    ledger, tenant = services.home.ledger, services.user.tenant
    every = _work(files, embeddings)
    work = {step.action: every.get(step.action, {}) for step in steps}
    if "parse" in work:
        work["read"] = every["read"]
    intervals = estimate_steps(ledger, tenant, work)
    past = ledger.journey_timings(tenant)
    fits = {
        action: fit(SHIPPED.get(action, OTHER), [(u, s) for _, u, s in ledger.timings(tenant, action)])
        for action in {action for units, _ in past for action in units}
    }
    read = intervals.pop("read", Interval())
    if read.p50:
        intervals["parse"] = total([intervals["parse"], read])
    timed_steps = tuple(step.model_copy(update={"estimate": intervals[step.action]}) for step in steps)
    return timed_steps, total([intervals[step.action] for step in steps], past, fits)


_MOVING = ("add", "replace", "remove", "hide")


def _work(files: Sequence[PlannedFile], embeddings: int) -> dict[str, dict[str, float]]:
    """Units as the steps count them: bytes uploaded, chunks parsed, embeddings, chunks that come and go.

    `read` is what parsing takes of files that planning had no time for, by file type.
    """
    read: dict[str, float] = defaultdict(float)
    taken = [file for file in files if file.action in ("add", "replace")]
    for file in taken:
        if file.estimated:
            read[file.media_type] += file.bytes
    moved = sum(file.chunks + file.chunks_replaced for file in files if file.action in _MOVING)
    return {
        "upload": {"": float(sum(file.bytes for file in taken))},
        "parse": {"": float(sum(file.chunks for file in taken))},
        "read": dict(read),
        "embed": {"": float(embeddings)},
        "expose": {"": float(moved)},
        "remove": {"": float(moved)},
        "hide": {"": float(moved)},
    }
