"""What agent-chat-ui looks at before it draws an interrupt as a question with buttons, and not as raw JSON.

Written down from `src/lib/agent-inbox-interrupt.ts` of langchain-ai/agent-chat-ui, at commit fdc87e6.
"""

from __future__ import annotations

from typing import Any


def drawn_as_question(interrupts: Any) -> bool:
    """Whether the first interrupt of a thread's state, as a client of the server has it, passes."""
    first = interrupts[0] if isinstance(interrupts, list) and interrupts else interrupts
    value = first.get("value") if isinstance(first, dict) else None
    if not isinstance(value, dict):
        return False
    requests, reviews = value.get("action_requests"), value.get("review_configs")
    if not (isinstance(requests, list) and requests and isinstance(reviews, list) and reviews):
        return False
    return all(
        isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("args"), dict | list)
        for one in requests
    ) and all(
        isinstance(one, dict)
        and isinstance(one.get("action_name"), str)
        and isinstance(one.get("allowed_decisions"), list)
        for one in reviews
    )


def decidable(interrupts: Any) -> bool:
    """Whether its buttons work: every action has a review of its name, with decisions that the page knows."""
    value = interrupts[0]["value"]
    known = {one["action_name"]: one["allowed_decisions"] for one in value["review_configs"]}
    return all(set(known.get(one["name"], ["?"])) <= {"approve", "edit", "reject"} for one in value["action_requests"])
