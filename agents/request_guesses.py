"""Requests whose act would have to be guessed: questions, and verbs that mean two things or nothing that a plan"
" does."""

from __future__ import annotations

import re

from ..store.plan import Question

_POLITE = (
    r"(?:(?:hi|hello|hey|morning|good (?:morning|afternoon|evening)|so|and|ok(?:ay)?|well|oh|thanks?|just|now|then"
    r"|please|kindly|also|can you|could you|would you|will you|can we|could we|let['\u2019]?s|i(?: would|['\u2019]d)?"
    r" (?:want|like)"
    r"(?: you)? to|you (?:can|should|may)|we (?:need|have|want) to|i need (?:you )?to)[ ,!.]{1,6}){0,8}"
)
START = rf"(?:^|[.!?;,:]\s+|\b(?:and|then|but)\s+){_POLITE}"
_QUESTION = re.compile(
    rf"^{_POLITE}(?:why|who|whom|whose|how(?! about)"
    r"|what(?:['\u2019]s| is| are| was| were| did| does| do| would| will| has| have)\b(?! about)"
    r"(?!(?: been| just| recently){0,2} (?:changed|edited|modified|updated|touched|added|new)\b[^?]*$)"
    r"|(?:is|are|was|were|do|does|did|has|have|had|where|when|which|what)\b[^?]*\?"
    r"|(?:would|could|might|will) (?:it|that|there|one) be\b|is (?:it|there)\b)",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|thanks?|thank you|cheers|morning|ta|please|just asking|just curious)\b.{0,20}$", re.I
)
_DROP = re.compile(rf"{START}drop\b(?! (?:[^.;,!?]{{1,60}} )?(?:in|into|to|onto|off|here|there)\b)", re.IGNORECASE)
_UPDATE = re.compile(rf"{START}(?:update|refresh|amend|correct|revise)\b", re.IGNORECASE)
_NOT_OURS = re.compile(
    rf"{START}(?P<verb>translate|summari[sz]e|shorten|rewrite|paraphrase|proofread|convert|rename|move|merge|combine"
    rf"|split up"
    r"|compare|fix|correct|edit|sort|encrypt|compress|redact|anonymi[sz]e|blacken|e-?mail|mail|send|print|post|share"
    r"|forward"
    r"|call|remind|download|fetch|crawl|scrape|fill in|sign|archive(?= (?:it|them|these|those|this|all|the)\b))\b",
    re.IGNORECASE,
)


def asks_something(text: str) -> bool:
    """Whether a request is a question and nothing else; "can you add these?" is none, it only sounds like one."""
    sentences = [one.strip() for one in re.split(r"(?<=[.!?;])\s+", text.strip()) if re.search(r"\w", one)]
    told = [one for one in sentences if not _GREETING.match(one)]
    return bool(told) and all(_QUESTION.match(one) for one in told)


def guesses(text: str) -> list[Question]:
    """What has to be asked before files are brought in: a verb that could mean putting them in or taking some out."""
    if _DROP.search(text):
        said = "does 'drop' mean that the files are to be put in, or that something is to be taken out?"
        return [Question(about="request", text=said)]
    match = _NOT_OURS.search(text)
    if match is not None:
        verb = match["verb"].lower()
        said = f"nothing here can {verb} files: are they to be brought in as they are? Ask again without that"
        return [Question(about="request", text=said)]
    return []


def updates(text: str) -> bool:
    """Whether a request wants something brought up to date, without a word of what is to be replaced."""
    return _UPDATE.search(text) is not None
