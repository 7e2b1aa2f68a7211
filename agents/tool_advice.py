"""What a tool says when it refuses: what, why, what was not changed, and the next call to make."""

from __future__ import annotations

from pydantic import ValidationError

from ..store.errors import MilepostError

NEXT = {
    "checkpoint_not_found": "list_checkpoints() for the checkpoints that there are; ids are used whole",
    "plan_rejected": "validate_plan(plan_id) for every issue, then plan_journey(paths, kb, request) again",
    "stale_plan": "plan_journey(paths, kb, request) or preview_rollback(checkpoint_id) again: things have moved",
    "rollback_conflict": "tell the person which journeys changed the sources later, and ask what they want",
    "store_busy": "wait some seconds, then the same call again",
    "store_damaged": "tell the person to run: milepost doctor",
    "no_space": "tell the person that the disk is full",
    "policy": "tell the person which policy key forbids it; do not try another way",
    "not_found": "list_knowledge_bases(), list_checkpoints() or plan_journey(paths, kb): use ids as they were given",
    "usage": "correct the arguments",
}
"""The next call for each kind of error, by its code."""


def advice(refused: MilepostError) -> str:
    """At most four lines, as the command line says it; `next` is a call where the command line has a command.

    What an id may have been meant to be is for people to hear: an assistant uses the ids that it was given.
    """
    cause = "" if "instead" in refused.facts else refused.cause
    lines = [("error", refused.message), ("cause", cause), ("state", refused.state),
             ("next", NEXT.get(refused.code, "tell the person what happened"))]  # fmt: skip
    return "\n".join(f"{label}: {text}" for label, text in lines if text)


def wrong_arguments(error: ValidationError) -> str:
    """The same for arguments that do not fit a tool; what was given is not repeated."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the arguments"
    return f"error: {where}: {first['msg']}\nstate: nothing was changed\nnext: {NEXT['usage']}"
