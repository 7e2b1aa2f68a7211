"""A request of which something is missing, and the next line of a conversation as the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .agents.named_paths import Spoken, spoken
from .store.plan import Plan

HINT = "Answer with the knowledge base's name, or with paths; or say it all again."
_NAME = re.compile(
    r"(?:(?:in|into|to|for|use|call it) )?(?:the |our |my |a new (?:one|kb) called |a new )?"
    r"[\"']?(?P<kb>[^\W_][\w.-]{0,99}?)[\"']?(?: (?:kb|knowledge[ -]?base|one))?(?:,? please)?[.!]?",
    re.IGNORECASE,
)
_OTHER_WORDS = "undo stop cancel help nothing none nevermind forget hello hi thanks what why quit exit ok"
_NO_ANSWER = frozenset(_OTHER_WORDS.split())


@dataclass(frozen=True)
class HalfSaid:
    """What was said, the kb that was meant, and what a plan of it asks about."""

    said: Spoken
    kb: str | None
    asks: frozenset[str]

    @classmethod
    def of(cls, said: Spoken, plan: Plan) -> HalfSaid | None:
        """What a plan leaves to be answered in a word; None where it asks nothing, or something else."""
        asks = frozenset(question.about for question in plan.questions)
        return cls(said, plan.kb, asks) if asks and asks <= {"kb", "files"} else None

    def answered(self, line: str) -> tuple[Spoken, str | None] | None:
        """The request with a line as the answer: a kb's name, or paths; None where it is something new."""
        heard = spoken(line)
        if "files" in self.asks and heard.paths and len(line.split()) <= len(heard.paths) + 2:
            return replace(self.said, paths=list(dict.fromkeys([*self.said.paths, *heard.paths]))), self.kb
        name = _NAME.fullmatch(line.strip()) if "kb" in self.asks else None
        if name is None or name["kb"].lower() in _NO_ANSWER:
            return None
        return self.said, name["kb"]
