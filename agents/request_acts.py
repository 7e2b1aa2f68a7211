"""What a request wants done: bring files in, or one of the other things that a plan can do."""

from __future__ import annotations

import re
from typing import Literal

from .request_doubt import NEVER
from .request_guesses import START, asks_something
from .request_text import RequestText, ways

Act = Literal["ingest", "expose", "hide", "remove", "wipe", "rollback", "stop", "report", "decline"]


_STOP = re.compile(
    r"^\W*(?:(?:oh|no|please|ok|hey|wait|hold on|hang on|stop|halt|abort|cancel|enough|never ?mind|quit|leave it"
    r"|(?:stop|abort|cancel|halt) (?:it|that|this|everything|now|the (?:job"
    r"|import|ingest\w*|journey|run|upload))|for now|right"
    r"|now|there|immediately|at once|a (?:moment|minute|second)|thanks?)\W*)+$",
    re.IGNORECASE,
)
_STOPPING = re.compile(r"\b(?:wait|hold on|hang on|stop|halt|abort|cancel|quit|enough)\b", re.IGNORECASE)
_BROUGHT = r"(?:upload|import|ingest(?:ion)?|load|batch)"
_UNDO = ways(
    r"undo(?:ne)?|revert|reverse|rewind|roll(?:ed)? ?back",
    r"take (?:back|that back|it back)",
    r"(?:roll|take|wind) (?:everything|all(?: of (?:it|this|that))?|it all|the (?:\w+ ){1,3}?) ?back",
    r"go(?:ing)? back to|(?:back|return|reset(?: \w+)?) to (?:before|how|what|where|the (?:\w+ )?(?:state|way))",
    rf"go(?:ing)? back (?:by )?\w+ (?:{_BROUGHT}|step|journey|run|change)s?",
    r"restore (?:the |its )?(?:state|version|kb|earlier|previous|what)",
    r"put (?:it|everything|things) back",
    r"redo(?: (?:it|that|this|everything|all of it|the (?:undo|rollback)|what (?:you|we|i) (?:just )?undid))?"
    r"(?=\W*(?:please)?\W*$)",
    r"bring (?:it|that|this|everything|all of it|them)(?: all)? back",
)
_ALL = (
    r"(?:everything|all(?: of it| (?:the )?(?:documents?|files?|sources?|content"
    r"|data))?|the (?:whole|entire|complete) [\w-]+|every(?:thing)? (?:document"
    r"|file|source))"
)
_TAKE = r"(?:delete|remove|wipe|erase|purge|clear|empty|drop|throw (?:out|away)|get rid of|trash|nuke)"
_MISTAKE = ways(
    rf"{_BROUGHT}\b[^.;]{{0,40}} (?:was|were) (?:a mistake|wrong|a bad idea|an error|broken|the wrong \w+)",
    rf"(?:get rid of|remove|delete|take out|cancel) (?:[\w'\u2019]+ ){{1,4}}{_BROUGHT}s?",
    r"(?:get rid of|remove|delete|take out|throw out) (?:what|everything|all)(?: that)? (?:i|we|you|he|she)"
    r"(?:['\u2019]ve| have| just)? (?:uploaded|loaded|added|imported|ingested|put in|did)",
)
"""Where no files are offered: what a journey did is to go."""
_KB = r"(?:kb|knowledge ?base|collection|index)"
_WIPE = ways(
    rf"{_TAKE}\b (?:out )?{_ALL}(?! (?:but|except|other than|apart))",
    rf"(?:wipe|clear|empty|nuke|erase|reset)\b (?:out )?(?:the |our |my )?(?:[\w-]+ )?{_KB}",
    r"start (?:over|again|from scratch|fresh|afresh)|clean slate",
    r"(?:everything|all(?: of it)?|whatever)(?: that)?(?:(?: is|['\u2019]s))?"
    rf"(?: (?:currently|now|already|in (?:there|it|(?:the |our )?{_KB}))){{0,3}}"
    r" (?:goes|(?:can|must|should|has to) go)\b(?! (?:in|into|live|up|to|on|out)\b)",
)
_REMOVE = re.compile(
    rf"(?<!not )(?<!don't )(?<!don\u2019t )\b(?:{_TAKE}|(?:can|should|may|must|has to|have to) go\b"
    r"(?! (?:in|into|live|up|to|on|out))|retire|unload|clean (?:that |this |it |them )?up|tidy (?:up)?"
    r"|take (?:[\w'. -]{1,60}? )?(?:out|off|down)(?! of)(?: for good)?|take [\w'. -]{1,60}? out of ("
    r"?:the )?(?:kb|knowledge base)"
    r"|deduplicate|dedupe)\b",
    re.IGNORECASE,
)
_SEARCH = r"(?:bot|assistant|search|chat|site|results|index)"
_HIDE = ways(
    r"hide|unpublish|unlist|withdraw",
    rf"(?:switch|turn) off [\w'. -]{{1,60}}? (?:in|for|from) (?:the )?{_SEARCH}",
    rf"disable [\w'. -]{{1,60}}? (?:in|for) (?:the )?{_SEARCH}",
    r"pull [\w' -]{1,60}? from (?:search|the (?:bot|assistant))",
    r"(?:stop|quit) (?:showing|finding|serving|returning)",
    r"(?:make|keep) [\w'. -]{1,60}? (?:invisible|unsearchable|hidden|private|disappear|vanish|go away)",
    rf"take [\w'. -]{{1,60}}? (?:out of|off) (?:the )?{_SEARCH}",
    r"take [\w'. -]{1,60}? (?:offline|out of (?:view|sight))",
    r"(?:should|must|has to|have to|needs? to|can|may)"
    r" (?:disappear|vanish|go away|be hidden|be unpublished|not (?:be (?:found|shown|visible)|show up))",
)
UNSEEN = re.compile(
    r"\b(?:(?:nobody|no ?one|customers?|users?|people|guests?|staff|they|anyone|visitors?|the public) )?"
    r"(?:(?:should|must|may|can)(?:n['\u2019]?t| ?not| no longer)|(?<=nobody )should|(?<=no one )should)"
    r" (?:be able to )?(?:see|find|read)\b",
    re.IGNORECASE,
)
"""Said of a source: it is to be hidden."""
FOR_NOW = re.compile(
    r"\b(?:for (?:now|the moment|a while|the time being)|temporar\w+|until further notice"
    r"|until (?:we|i|it|they|you|he|she|the \w+|some(?:one|body))\b[^.;,]{1,40}"
    r"|(?:don['\u2019]?t|do not|not|never|no)[\w ]{0,20} (?:delet|remov|eras)\w*"
    r"|(?:(?:but|and) )?keep (?:it|them|the (?:files?|pages?|documents?))(?: though| stored| itself| anyway)?\W*$)",
    re.IGNORECASE,
)
_PUBLISH = ways(
    r"publish|expose|release|unhide|go live",
    r"(?:make|put|set|get|bring) (?:it|them|these|those|that|[\w'. -]{1,60}?)"
    r" (?:live|public|visible|searchable|online)(?: again)?",
    r"show (?:it|them|[\w'. -]{1,60}?) again",
    r"push (?:it|them) live|(?:roll|let|push) (?:it|them|these|those) out",
    r"(?:ship|roll out|launch) (?:it|them|these|those|this)",
    r"let (?:people|everyone|everybody|users|customers|the \w+) (?:see|find|search|have|read)",
)
_APPROVED = ways(
    r"approved|signed off|green light|good to go|all clear",
    r"(?:gave|got|has given|have given) (?:\w+ ){0,3}(?:ok(?:ay)?|yes)|ok(?:ay)? from",
    r"fine (?:with|by|for) (?!me)|happy with",
)
_CLEAN_UP = ways(
    r"(?:keep|leave|retain)\b[^.;]{0,30}\b(?:newest|latest|most recent|current|last) (?:one|version|copy|edition)?",
)
"""Nothing but the newest stays: the others go."""
_BRING = re.compile(
    r"\b(?:ingest|import|upload|add|load|index|put|bring|include|take|get|insert"
    r"|store|feed|read|pull in|make|tag|embed|parse"
    r"|replace|update|swap|prepare|stage|use|sync|refresh|onboard)\b",
    re.IGNORECASE,
)
_BEYOND = re.compile(
    rf"{START}(?:translate|summari[sz]e|e-?mail|mail|fax|print|rename|convert|proofread"
    r"|rewrite|paraphrase|call|book|buy|pay|post|tweet"
    r"|send|write (?:me )?an?|draw|schedule a meeting|remind me|forward)\b",
    re.IGNORECASE,
)
_IF_MISSING = (
    re.compile(
        r"(?P<asked>(?:\b(?:did|do|have|has|had|is|are|was|were|check|see|find out|look)\b(?:[^.?!;]|\.(?=\w)){0,80}?"
        r"\b(?:already|yet|there|have|exists?|got|in)\b[^.?!;]{0,60})[?.;,!]+)\s*(?:and )?(?:if (?:it("
        r"?:'s| is)?|they(?:'re| are)?|we|i|you)?"
        r" ?(?:not|isn['\u2019]?t|aren['\u2019]?t|haven['\u2019]?t|don['\u2019]?t"
        r"|didn['\u2019]?t|missing|no)\b|(?:add|import|load|ingest|upload|put)"
        r"\b[^.?!;]{0,30}\bif (?:it|they|we|not|missing|i)\b[^.?!;]*|otherwise|else)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bif (?P<asked>[^.?!;,]{1,80}?\b(?:already|has|have|there|exists?)\b[^.?!;,]{0,60}?),?"
        r" (?:then |please )?(?:leave|skip|keep|do nothing|don['\u2019]?t|ignore)\b[^.?!;,]*[.;,]? ?"
        r"(?:otherwise|else|if not)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bif (?P<asked>[^.?!;,]{1,80}?\balready\b[^.?!;,]{0,40}?),? (?:then |please |just )?"
        r"(?:leave|skip|do nothing|ignore|don['\u2019]?t (?:add|load|ingest|import|upload|touch|bother))\b[^.?!;,]*",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:only )?(?:add|import|load|ingest|upload|put|include)\b(?P<asked>[^.?!;]{1,80}?)\b(?:onl"
        r"y )?if (?:it|they|we|that)?(?:['\u2019]s|['\u2019]re"
        r"| is| are| do| have)? ?(?:n['\u2019]t|not|missing|absent|new|isn['\u2019]?t"
        r"|aren['\u2019]?t|don['\u2019]?t|haven['\u2019]?t)\b[^.?!;]*",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:if|in case|should)\b (?P<asked>[^.?!;,]{1,60}?) (?:(?:is|are|be)(?: still)? (?:missing|absent|lacking)"
        r"|(?:is|are)(?:n['\u2019]?t| not) (?:already |yet )?(?:there|in\b))[^.?!;,]*,? ?(?:then |please |just )?"
        r"(?=(?:add|import|load|ingest|upload|put|include)\b)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bunless (?:it|they|we|that)['\u2019]?(?:s|re| is| are| have| already){0,6}(?P<asked>)[^.?!;]{0,"
        r"20}\b(?:there|in|have|got|present)\b[^.?!;]*",
        re.IGNORECASE,
    ),
)


def may_stop(left: RequestText) -> bool:
    """Whether it has to be looked whether something is under way."""
    return bool(_STOPPING.search(left.text)) and len(left.text.split()) <= 8


def stops(left: RequestText, running: bool) -> bool:
    """Whether a request asks to stop what is under way: it says nothing else, or little else while something runs."""
    if _STOP.match(left.text) and _STOPPING.search(left.text):
        return True
    return (
        running and bool(_STOPPING.search(left.text)) and len(left.text.split()) <= 8 and not _BRING.search(left.text)
    )


def act_of(left: RequestText, *, files: bool, waiting: bool, held: bool = False, dry: bool = False) -> Act:
    """What a request wants done. `files`: some are on offer; `waiting`: something is staged or hidden.

    `dry`: it asks what would be done. `held`: nobody is to find what it speaks of; without files that can only be
    what is there.
    """
    text = left.text
    if asks_something(text) and not (dry and files):
        return "report"
    if _UNDO.search(text) or (not files and _MISTAKE.search(text)):
        return "rollback"
    if _WIPE.search(text):
        return "wipe"
    if _HIDE.search(text) or (_REMOVE.search(text) and FOR_NOW.search(text) and not files):
        return "hide"
    if not files and (_REMOVE.search(text) or _CLEAN_UP.search(text)):
        return "remove"
    if not files and _PUBLISH.search(text) and (waiting or not _BRING.search(text)):
        return "expose"
    if not files and waiting and _APPROVED.search(text) and not NEVER.search(text):
        return "expose"
    if not files and UNSEEN.search(text):
        return "hide"
    if held and not files and not _BRING.search(text):
        return "hide"
    if _BEYOND.search(text) and not _BRING.search(text):
        return "decline"
    return "ingest"


def removes(text: str) -> re.Match[str] | None:
    """Where a request speaks of taking something away."""
    return _REMOVE.search(text)


def if_missing(left: RequestText) -> bool:
    """Whether files are wanted only if the kb does not have them; the words that ask are taken out."""
    for pattern in _IF_MISSING:
        match = pattern.search(left.text)
        if match:
            left.text = f"{match['asked']} {left.text[match.end() :]}"
            return True
    return False
