"""What a policy gives and what it costs, one line for each switch, computed from the policy."""

from __future__ import annotations

from .policy import Policy


def guarantees(policy: Policy) -> list[str]:
    """The lines that `policy show` prints and that go with a plan; its figures were measured."""
    lines = [
        *_rollback(policy),
        *_documents(policy),
        *_planning(policy),
        _approval(policy),
        _orchestration(policy),
        _proof(policy),
    ]
    if policy.on_missing == "remove":
        lines.append("on_missing = remove: a source whose file has gone from the folder is removed from the kb")
    return lines


def _rollback(policy: Policy) -> list[str]:
    if not policy.restorable:
        return [
            "rollback off: a journey still publishes all or nothing, but it cannot be undone; replaced and "
            "removed content is released at once; no checkpoint is taken"
        ]
    days = policy.retention.days
    kept = "for ever" if days is None else f"for {days} day{'' if days == 1 else 's'}"
    limit = policy.retention.bytes
    if limit is not None:
        kept += f", at most {_size(limit)} of it"
    return [
        "rollback on: every journey can be undone exactly, without embedding again; replaced content stays "
        f"{kept} and takes its space meanwhile",
        _checkpoints(policy),
    ]


def _checkpoints(policy: Policy) -> str:
    if not policy.auto_checkpoint:
        where = "only before a journey's first step; others where they are asked for"
    elif policy.rollback_checkpoints:
        where = f"before a journey's first step, and at {', '.join(policy.rollback_checkpoints)}"
    else:
        where = "at every milestone"
    return f"checkpoints {where}: one document each, 5 to 20 ms"


def _documents(policy: Policy) -> list[str]:
    if not policy.enable_forward_docs:
        return ["forward documentation off: nothing about a step is stored before it runs, but for its intent"]
    wanted = [name for name, on in (("the plan", policy.generate_plan), ("each step", policy.document_steps)) if on]
    if not wanted:
        return ["forward documentation on, but generate_plan and document_steps are off: no document is stored"]
    return [
        f"forward documentation on: {' and '.join(wanted)} can be read in the librarian before it happens; "
        "one document each, 5 to 20 ms"
    ]


def _planning(policy: Policy) -> list[str]:
    lines: list[str] = []
    if policy.enable_ai_planning:
        lines.append(
            "AI planning on: a model drafts the plan from the request and facts about the files, never from "
            f"their text; at most {1 + policy.ai.max_repairs} drafts and {policy.ai.deadline_seconds:g} s, "
            "then the template"
        )
    else:
        lines.append("AI planning off: plans come from the template; no model is called")
    if policy.validates:
        lines.append("validation on: a plan is reported on, with every fault at once, before anything runs")
    else:
        lines.append("validation off: no report and no repair; apply still refuses a plan that cannot be admitted")
    if policy.learn_from_results:
        lines.append("learning on: each journey's outcome is stored, one document, and read when planning")
    else:
        lines.append("learning off: no outcome is stored in the librarian")
    return lines


def _approval(policy: Policy) -> str:
    if policy.approval == "never":
        return "approval never: plans run without a person having seen them, those that a model made too"
    hours = policy.approval_hours
    good = "for ever" if hours is None else f"for {hours:g} hour{'' if hours == 1 else 's'}"
    if policy.approve_by == "another":
        who = f"another person than its maker, whose yes is good {good}"
    else:
        who = f"a person; --yes gives it, is recorded, and is good {good}"
    if policy.approval == "always":
        return f"approval always: every plan waits for {who}"
    return f"approval destructive: a plan that replaces, removes, hides, goes back or cannot be undone waits for {who}"


def _orchestration(policy: Policy) -> str:
    if policy.orchestration == "saga":
        return "saga: a failure undoes the whole journey by itself, newest effect first"
    if policy.orchestration == "structured":
        return "structured: a milestone is complete before the next step starts; a failure stops the journey"
    if policy.on_file_error == "stop":
        return "flow, on_file_error = stop: the first file that fails ends the journey"
    return "flow: a file that fails is listed and can be tried again; the others are published"


def _proof(policy: Policy) -> str:
    if policy.prove == "all":
        return "proof of every new chunk by its own vector: adds 0.3 to 0.5 of what adding it costs"
    return "proof by a sample of each batch; kb verify proves every chunk when asked"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:g} {unit}"
        count = round(count / 1000, 1)
    return f"{count:g} TB"
