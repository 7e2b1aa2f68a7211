"""The words that a request is read by: file types, cues, and what says nothing about which files are meant."""

from __future__ import annotations

import re

_TEXT = (".txt", ".text", ".log")
_KINDS: dict[str, tuple[str, ...]] = {
    r"pdfs?": (".pdf",),
    r"docx?s?|word (?:files?|documents?|docs?)|word": (".docx", ".doc", ".odt"),
    r"xlsx?s?|excels?(?: files?| sheets?)?|spreadsheets?|workbooks?": (".xlsx", ".xls", ".ods"),
    r"pptx?s?|power ?points?|presentations?|slide ?decks?|slides": (".pptx", ".ppt", ".odp"),
    r"csvs?|csv files?": (".csv", ".tsv"),
    r"jsons?|json files?": (".json", ".jsonl", ".ndjson"),
    r"mds?|markdowns?|markdown (?:files?|pages?|notes?)": (".md", ".markdown", ".mdx"),
    r"html?s?|html (?:files?|pages?)|web ?pages?": (".html", ".htm", ".xhtml"),
    r"e-?mails?|emls?|mail files?": (".eml", ".msg", ".mbox"),
    r"txts?|text files?|plain[- ]text(?: files?)?": _TEXT,
    r"videos?|movies?|films?|recordings?": (".mp4", ".mov", ".avi", ".mkv", ".webm"),
    r"audio(?: files?)?|sound files?|podcasts?": (".mp3", ".wav", ".m4a", ".ogg", ".flac"),
    r"images?|pictures?|photos?|screenshots?": (".png", ".jpg", ".jpeg", ".gif", ".tiff", ".webp", ".bmp", ".heic"),
    r"epubs?|e-?books?": (".epub",),
    r"xmls?": (".xml",),
    r"ya?mls?": (".yaml", ".yml"),
    r"notebooks?|ipynbs?": (".ipynb",),
    r"zips?|archives? files?": (".zip", ".gz", ".tar", ".7z"),
}  # fmt: skip
KINDS = tuple((re.compile(rf"\b(?:{words})\b(?!\s*(?:kb|knowledge))", re.I), ends) for words, ends in _KINDS.items())
"""Names of file types, and the suffixes that are meant."""

SUFFIXES = frozenset(end for ends in _KINDS.values() for end in ends) | {
    ".py", ".js", ".ts", ".c", ".h", ".cpp", ".java", ".go", ".rs", ".sh", ".sql", ".css", ".rb", ".php", ".tex",
    ".rst", ".toml", ".ini", ".cfg", ".rtf", ".tab", ".mp3", ".mp4", ".wav", ".svg",
}  # fmt: skip
"""What a word must end with to be taken for a file that was not given."""

LEAVE = (
    r"(?:(?<![a-z] )|(?<=\band )|(?<=\bbut )|(?<=\bor )|(?<=\bso )|(?<=\bto )|(?<=\bwe )|(?<=\byou )|(?<=\bcan )"
    r"|(?<=\bjust )|(?<=\balso )|(?<=\bthen )|(?<=\bplease ))leave"
)
"""The verb. Behind another word it is a noun: "the parental leave page"."""
_VERBS = r"(?:include|ingest|load|add|take|upload|touch|import|index|read|use|put in|bring in)"
LEAVE_OUT = re.compile(
    r"\b(?:(?:all|everything|anything) (?:but|except(?: for)?)|nothing(?! but| except)|none of"
    r"|except(?: for)?|excepting|excluding|exclude|but (?:not|no|without|skip"
    r"|leave out)|and not|not (?:the|those|these|any)|leave out|(?<=, )not(?! (?:yet|now|to|for|in|until|before"
    r"|after|as|only|just|so|that|if|live|visible|public|exposed|published|an?|more|less|\w+ing)\b)"
    rf"|leaving out|{LEAVE}|(?:do not|don['\u2019]?t) bother(?: with)?"
    r"|forget(?: about)?|stay away from|skip|skipping|ignore|ignoring|omit|omitting|apart from"
    r"|aside from|other than|minus|without"
    rf"|never {_VERBS}|no|(?:do not|don['\u2019]?t) (?:want|need)(?: to {_VERBS})?"
    rf"|(?:do not|don['\u2019]?t|must not|should not|shouldn['\u2019]?t) {_VERBS})\b",
    re.IGNORECASE,
)
"""From here on, what is named is not wanted."""

TAKE = re.compile(
    r"\b(?:only|just|solely|nothing but|include|including|ingest|load|add|put|upload|import|take|index|read|use|then"
    r"|instead|bring in|everything else)\b",
    re.IGNORECASE,
)
"""From here on, what is named is wanted."""

ONLY = re.compile(r"\b(?:only|just|solely|nothing but|nothing except)\b", re.IGNORECASE)
_SO = r"[,;]?\s*(?:\b(?:so|and|please|then) ){0,6}"
_THOSE = r"(?:that|it|those|them|these)(?: ones?)?"
LEFT_OUT = re.compile(
    r"\b(?:(?:be|is|are|gets?|stays?|can|may|should) )?(?:skipped|ignored|left out|excluded|omitted|stay out|wait"
    r"|not be (?:included|ingested|loaded|added)|left behind)\b"
    r"|\b(?:(?:that|this|it|they|those|these)(?: ones?)? )?(?:should|must|may|can|do|does|will)(?:n['\u2019]t| ?not)"
    r" (?:be|go|belong|come|get)? ?(?:in|into|inside|on) (?:there|it|here)\b(?: either)?"
    r"|(?P<too>\b(?:is|are) (?:far |way |much |just )?too (?:big|heavy|large|long|old|small|much)\b"
    r"(?: for (?:us|me|it|this|now))?)"
    rf"|[,;]?\s*(?:\b(?:but|and|so) ){{0,2}}\b(?:{_THOSE}|they|which)(?:['\u2019](?:re|s)| is| are)?"
    r"(?:n['\u2019]?t| not) (?:for us|ours|relevant|needed|wanted|of interest|part of (?:it|this))\b"
    r"|(?<=[a-z\u27e7] )no\b(?: thanks| thank you)?(?=\s*(?:[,;.!]|$))"
    rf"|{_SO}\b(?:leave|keep) {_THOSE} (?:out|alone)\b"
    rf"|{_SO}\b(?:skip|ignore|omit|exclude|drop|(?:do not|don['\u2019]?t)"
    rf" (?:include|take|add|load|ingest|upload|index|import|use|touch|need|want)) {_THOSE}\b"
    rf"|{_SO}\b(?:do not|don['\u2019]?t) (?:put|let|bring) {_THOSE} in\b(?: there)?"
    rf"|{_SO}\b(?:there['\u2019]?s )?no (?:need|use) for {_THOSE}\b(?: any ?more)?",
    re.IGNORECASE,
)
"""Said of what came before it in the clause: that is not wanted."""
ALL = re.compile(
    r"\b(?:everything|anything|all|whole|entire|every (?:file|document)|each file|the lot)\b", re.IGNORECASE
)
PURPOSE = re.compile(
    r"\b(?:so that|so|because|in order|that|which|as|if|when|while"
    r"|please(?= (?:tell|show|check|make|let|be|note|give|keep|see|remember|have)\b)"
    r"|and (?:then )?(?:tell|show|check|make|let))\b.*$",
    re.IGNORECASE | re.DOTALL,
)
"""Why and how something is wanted: the words after it name no files."""

_IDLE = """
a about above after again all already also always an and any anything are around as at away back base batch be
been before being below between big bigger bit both bring but by bytes called can changed check chunk chunks
clean collection company containing content contents copy could current data date dated day days dir
directories directory do doc docs document documents done each edited either else embed every everybody
everyone everything existing expose exposed extra few file files final first folder folders for fresh from
full further get give given go good got had has have having help here hey hi how i if import in index ingest
inside instead into is it item items its just kb keep kind kindly knowledge labeled labelled large larger last
latest left less let like list load lot made make many marked material materials may me might mine modified
month months more most much must my name named names need needs new newer newest next no none not nothing now
number of off ok okay old older on once one ones only onto or other others our out over own page pages paper
papers parse part people place plan plans please publish put quick quickly rather read ready really refresh
reload replace rest review right run same save search searchable see set several shared should show size small
smaller so some something soon source sources space stage staged start stuff such sure sync system tagged take
text than thank thanks that the their them then there these they thing things this those through time titled
to today together too type types under until up update updated upload us use used users version versions via
want wants was way we week weeks well were what when where whether which while who whole will with within
without work would written year years yes yet you your
"""
IDLE = frozenset(_IDLE.split())
"""Words that say nothing about which files are meant."""

_SAYS = r"(?:say|says|tell|tells|give|gives|let|lets|confirm|confirms|decide|decides|have|has|am|is|are)"
NO_EXPOSE = re.compile(
    r"(?:(?:\b(?:do not|don['\u2019]?t|not|without|never|no|hold off(?: on)?|before|avoid|except(?: for)?|apart from)\b"
    r"[^.;,]{0,20}?"
    r"\b(?:expos\w+|publish\w*|releas\w+|go(?:ing)? live|visible|searchable|live|public|online"
    r"|make (?:it|them|anything) (?:live|public|visible))\b)"
    r"|\b(?:nobody|no ?one|none of (?:them|you|us)) (?:should|may|must|can|is to|ought to)\b[^.;,]{0,20}"
    r"\b(?:find|see|search|read)\b(?: (?:it|them|this|these))?(?: yet)?"
    r"|\b(?:stage|staging) (?:only|them|it|first)\b|\b(?:only|just) (?:stage|prepare)\b"
    r"|\b(?:stage|prepare) (?:the |these |this )?[\w -]{0,30}? only\b|\b(?:in|into|to|on) staging\b"
    r"|\bget (?:it|them|these|everything) ready\b"
    r"|\b(?:must|should|may|can|is to|are to)(?:n['\u2019]t| ?not)"
    r" (?:be (?:found|shown|seen|visible|searchable)|show up|turn up|appear|come up)\b[^.;,]{0,20}"
    rf"|\b(?:keep|{LEAVE}|hold|stay) [^.;,]{{0,40}}?\bout of (?:the )?"
    r"(?:search|sight|view|results|bot|assistant|index)\b"
    r"(?: until [^.;,]*)?"
    r"|\bkeep (?:it|them|these|those)? ?(?:hidden|staged|unpublished|offline"
    r"|private)(?: until)?\b|\bhold (?:it|them) back\b"
    r"|\b(?:(?:keep|hold|stay) (?:(?:it|them|these|those|this|everything) )?)?under (?:wraps|embargo)\b)"
    r"(?:(?: (?:it|them|these|those|this|that|anything|any of (?:it|them|these|this)))?"
    rf",? (?:until|till|before) (?:i|we|you|somebody|someone|the [a-z]+) {_SAYS}\b[^.;,]{{0,40}})?",
    re.IGNORECASE,
)
_OLD = r"(?:the )?(?:old|existing|previous|earlier|current|\d{4})(?: (?:one|version|edition|copy|file|ones|versions))?"
_DENIED = (
    r"(?:do not|don['\u2019]?t|never|without) "
    r"(?:take|remov|delet|drop|los|touch|get(?:ting)? rid of|throw(?:ing)? away)\w*"
)
KEEP_BOTH = re.compile(
    rf"(?:\b(?:but|and|please) ){{0,6}}\bkeep (?:both(?: (?:versions|of them|copies|editions))?|all(?: versions)?"
    rf"|(?:the )?(?:old|previous|earlier|\d{{4}})(?: (?:one|version|edition"
    r"|copy)s?)?(?: (?:too|as well|alongside|also|around)){0,6}"
    rf"|{_OLD} (?:too|as well|alongside|also|around))\b|\bside by side\b"
    rf"|\b{_OLD} (?:stays|remains)\b(?: (?:where it is|in place|as it is|there|too|as well))?"
    r"|\b(?:additional|extra) (?:version|edition|copy)\b"
    rf"|\b(?:leave|keep|let) {_OLD} (?:where it is|where they are|in place|as it is|there|alone|untouched|be)\b"
    r"|\b(?:must|should|has to|have to|needs? to|can|may|shall) (?:also )?(?:stay|remain)\b"
    r"(?! (?:out|below|under|hidden|private|internal|within|away|off|unpublished|staged|confidential|secret"
    r"|in (?!there)))"
    r"(?: (?:available|searchable|online|visible|there|in there|as (?:well|it is|they are)|too|live)){0,4}"
    rf"|\bas (?:a )?cop(?:y|ies)\b|\bboth versions\b|\b(?:next to|alongside|in addition to|beside) {_OLD}"
    rf"|{_DENIED} {_OLD}(?: (?:away|out|down))?",
    re.IGNORECASE,
)
STAYS = re.compile(rf"{_DENIED} (?:it|them|that|those)\b(?= *(?:[.;,!]|$))", re.IGNORECASE)
"""Said of what is to be replaced, it contradicts that."""
SKIP_EXISTING = re.compile(
    r"\b(?:do not|don['\u2019]?t|never|without|no) (?:\w+ )?(?:overwrit\w+|replac\w+|updat\w+ (?:existing|anything))\b"
    r"|\b(?:skip|leave|keep|ignore) (?:the |any |all |whatever is |what['\u2019]?s )?"
    r"(?:existing|already (?:there|in|present|ingested))\b"
    r"|\bonly (?:the )?new (?:files|ones|documents)\b|\bnothing that (?:is|['\u2019]s) already\b",
    re.IGNORECASE,
)
OLD_ONE = re.compile(
    r"\b(?:replac\w+|swap\w*|supersed\w+|takes? the place of|instead of|update)\b[^.;,]{0,30}?\b"
    r"(?:last (?:year|month|week|quarter)(?:['\u2019]s)?|old|previous|existing|earlier|outdated|current)\b"
    r"[^.;,]{0,40}?(?=\b(?:with|by|for|using)\b|[.;,]|$)",
    re.IGNORECASE,
)
"""What is to be replaced, as far as that says nothing of the files on offer."""
REPLACE = re.compile(
    r"\b(?:overwrit(?:e|es|ing)|replac(?:e|es|ing|ement for)|supersed(?:e|es|ing)|swap(?:ping)?(?: out)?"
    r"|update (?=[^.;]{1,60}\b(?:with|by|using|from)\b)|instead of the (?:old|existing|previous)"
    r"|takes? the place of|the (?:one|version|copy)s? (?:that is |that['\u2019]s )?(?:in|from) [\w ]{1,30}?"
    r"(?:is|are) (?:out of date|outdated|obsolete|old|wrong|superseded)(?: and (?:should|can|may|must|has to) go)?"
    r"|(?:(?:the )?(?:previous|old|earlier|existing) (?:one|version|edition|copy)s?|(?:version |v)\d+|the \d{4} one)"
    r" (?:should|can|may|must|has to|is to) (?:go|be (?:removed|deleted|dropped|retired|thrown out)))\b",
    re.IGNORECASE,
)

INSTEAD = re.compile(
    r"\b(?P<out>take out|remove|delete|throw out|get rid of|retire)\b[^;!?]{1,80}?(?P<joins>\band\b|\bthen\b|,)"
    r"[^;!?]{1,80}?\b(?P<instead>instead|in (?:its|their) place)\b",
    re.IGNORECASE,
)
"""Two halves of a replacement: what goes, and what comes for it."""
OLD_OUT = re.compile(
    r"\b(?:take out|remove|delete|throw (?:out|away)|get rid of|retire|bin) (?:the )?"
    r"(?:old|previous|existing|outdated|earlier)\b(?: (?:one|version|copy|file|edition)s?\b)?",
    re.IGNORECASE,
)
"""Said beside new files: they take its place."""

SKIP_CHECK = re.compile(
    r"\b(?:skip(?:ping)?|without|no|bypass|disable|ignore|turn off|switch off|omit|forget|don['\u2019]?t(?: need)?"
    r"|do not(?: need)?)\b(?: \w+){0,3}? (?P<what>validat\w+|checkpoint\w*|rollbacks?|approv\w+|confirm\w*|asking"
    r"|polic\w+|budget\w*|limits?|documentation|forward docs?)\b"
    r"|\b(?:needn['\u2019]?t|no need to|(?:do not|don['\u2019]?t) (?:need|have) to)\b(?: \w+){0,3}?"
    r" (?P<back>undo|roll|revert)\w*[^.;,]{0,40}",
    re.IGNORECASE,
)
TAKE_AWAY = re.compile(
    r"(?<!not )(?<!don't )\b(?:delete|remove|purge|wipe|erase|roll ?back|undo|revert|hide|unpublish)\b", re.IGNORECASE
)
"""What a plan of files cannot do."""


def stem(word: str) -> str:
    """A word without its plural ending."""
    low = word.lower()
    if len(low) > 4 and low.endswith("ies"):
        return low[:-3] + "y"
    if len(low) > 4 and low.endswith(("sses", "xes", "ches", "shes")):
        return low[:-2]
    return low[:-1] if len(low) > 3 and low.endswith("s") and not low.endswith("ss") else low


def tokens(name: str) -> frozenset[str]:
    """The words in a file's name and folders, without plural endings."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", name)
    return frozenset(stem(word) for word in re.split(r"[\W_]+", spaced) if word)
