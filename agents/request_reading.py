"""How files are to be read, as requests say it: pages, tables, text recognition, notes. A row for each way."""

from __future__ import annotations

import re

from .request_rows import COUNT, Found, Row, number, said

_NOT_TAKEN = re.compile(
    r"\b(?:skip\w*|omit\w*|ignor\w+|drop\w*|without|except(?: for)?|but|not|leav(?:e|ing) out|exclud\w+|after|before"
    r"|beyond)(?: the)?\W*$",
    re.IGNORECASE,
)
"""Before pages that are not what is wanted: nothing is made of them here, and so they are asked about."""
_BEGINS = re.compile(r"\b(?:start|begin)\w*(?: (?:at|on|with|from|the))*\W*$", re.IGNORECASE)
_OPEN = re.compile(
    r" ?(?:\+|on\b|onwards?\b|and (?:up|on|after|later)\b|(?:up )?(?:to|until|till) the (?:end|last)\b)", re.I
)
"""Behind the last page where the end is not said."""


def _pages(match: re.Match[str]) -> Found:
    before = match.string[: match.start()]
    opens = match["list"].isdigit() and (_BEGINS.search(before) or match[0].lower().startswith("from "))
    if opens or _NOT_TAKEN.search(before) or _OPEN.match(match.string, match.end()):
        return {}
    if match["first"]:
        return {"parse.pages": f"1-{number(match['first'])}"}
    text = re.sub(r"\s*(?:to|through|until|till|up to|-|\u2013)\s*(?:page )?", "-", match["list"].strip(" ,"))
    return {"parse.pages": re.sub(r"\s*(?:,|and|&)+\s*", ",", text)}


_NEED = r"(?:we|you|i|they)(?: only| just)? (?:need|want)"
_ASKED = rf"(?:\b(?:only|just|use|take|{_NEED}|read|from)(?: [a-z]+)? ){{0,6}}"
_KEPT = (
    r"(?:mind|watch|careful with|take care of|look after|respect|keep|preserve|retain|leave|make sure|ensure|with"
    r"|don['\u2019]?t (?:break|flatten|split|mangle|lose))"
)

READING: tuple[Row, ...] = (
    (
        rf"(?:\b(?:only|just|use|take|{_NEED}|read) ){{0,6}}(?:the )?\bfirst (?P<first>{COUNT}) pages?\b"
        r"(?: (?:of|from|in) (?:it|them|each|the (?!kb)[\w-]+))?"
        r"(?:,? (?:is|are|will be|should be) enough)?(?P<list>)",
        _pages,
    ),
    (
        rf"{_ASKED}\b(?:pages?|pp?\.) ?(?P<list>\d+(?:\s*(?:to|through|until|till|up to|-|\u2013|,|,? and|&)"
        r"\s*(?:page )?\d+){0,6})\b(?: (?:of|from) (?:it|them|each))?(?P<first>)",
        _pages,
    ),
    (
        rf"\b{_KEPT}\b[^.;,]{{0,20}}\btables?\b(?! of contents)"
        r"(?:[^.;,]{0,12}\b(?:intact|together|survive|whole|as tables|structure|in shape))?",
        said(parse__keep_tables=True),
    ),
    (
        r"\btables? (?:intact|survive|as tables|as rows|structure)\b"
        r"|(?:\b[\w-]+ )?\btables (?:must|should|have to|need to) (?:stay|remain|survive|be kept)\b[^.;,]*",
        said(parse__keep_tables=True),
    ),
    (
        r"(?:\b(?:run|use|do|apply|need|needs|with|so|you['\u2019]ll|will|some) ){0,6}(?<!no )(?<!without )(?<!skip )"
        r"\b(?:ocr(?:['\u2019]?(?:ed|ing))?|text[- ]recognition|recogni[sz]e the text)\b",
        said(parse__ocr=True),
    ),
    (
        r"\b(?:read|recogni[sz]e|make sense of) (?:[a-z]+ )?"
        r"(?:scans?|scanned (?:pages|files|documents)|photographed pages)\b(?: too| as well)?",
        said(parse__ocr=True),
    ),
    (
        r"\b(?:incl(?:\.|uding|ude)?|with|plus|and|keep|also)? ?(?:the |its |their )?"
        r"(?:speaker|presenter|presentation)(?:['\u2019]?s)? notes\b(?: too| as well)?",
        said(parse__speaker_notes=True),
    ),
)
"""Arguments of `parse`."""
