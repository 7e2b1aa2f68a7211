"""Generated files as a company has them: prose, pages, tables, Word and PDF; the same bytes at every run."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from office_files import docx
from pdf_file import pdf

WORDS = re.findall(
    r"\w+",
    "about account address after again agree amount annual answer apply approve area ask back balance before begin "
    "benefit between board book branch budget build business call care carry case change charge check child claim "
    "client close code colleague come company complete contact contract copy cost country cover customer date day "
    "deadline decide degree deliver department detail document early employee end engineer equal event every "
    "example expense family figure file find first follow form full give good group grow hand head health help "
    "holiday hour house include increase inform insurance interest invoice issue item job join keep know large law "
    "leave letter level limit list local long manager market material meet member message method money month move "
    "name need notice number offer office open order other owner page paid parent part party pay people period "
    "person phone place plan point policy post price problem process product project provide public quality "
    "question rate reach read receive record reduce region register report request result return review right role "
    "rule safety salary sale school section security send service share short sick sign site small staff standard "
    "start state step store study supply support system table take tax team term test thing time total trade train "
    "travel trust unit update value visit wait warranty week work world write year ",
)
"""Common words: invented ones would be spelled out by an embedder's tokenizer, several tokens each."""

Section = tuple[str, list[str]]


def write_files(folder: Path, number: int) -> None:
    """Write so many files, about 8 KB of text each, in ten folders."""
    for each in range(number):
        drawn = random.Random(each)
        suffix, make = KINDS[each % len(KINDS)]
        path = folder / f"team-{each % 10}" / f"{_title(drawn).lower().replace(' ', '-')}-{each:04}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make(drawn))


def _title(drawn: random.Random) -> str:
    return " ".join(drawn.choices(WORDS, k=3)).capitalize()


def _sentence(drawn: random.Random) -> str:
    return " ".join(drawn.choices(WORDS, k=drawn.randint(8, 20))).capitalize() + "."


def _sections(drawn: random.Random) -> list[Section]:
    return [(_title(drawn), [" ".join(_sentence(drawn) for _ in range(4)) for _ in range(4)]) for _ in range(6)]


def _text(drawn: random.Random) -> bytes:
    return "\n\n".join(f"{head.upper()}\n\n" + "\n\n".join(body) for head, body in _sections(drawn)).encode()


def _markdown(drawn: random.Random) -> bytes:
    return "\n\n".join(f"## {head}\n\n" + "\n\n".join(body) for head, body in _sections(drawn)).encode()


def _html(drawn: random.Random) -> bytes:
    parts = (f"<h2>{head}</h2>" + "".join(f"<p>{each}</p>\n" for each in body) for head, body in _sections(drawn))
    return f"<!doctype html><html><body><main>{''.join(parts)}</main></body></html>".encode()


def _table(drawn: random.Random) -> bytes:
    rows = (f"{n},{_title(drawn)},{drawn.randint(1, 9999)},{_sentence(drawn)}" for n in range(70))
    return ("number,name,amount,note\n" + "\n".join(rows)).encode()


def _word(drawn: random.Random) -> bytes:
    return docx([(kind, text) for head, body in _sections(drawn) for kind, text in _styled(head, body)])


def _pdf(drawn: random.Random) -> bytes:
    return pdf("A report", [list(_styled(head, body)) for head, body in _sections(drawn)])


def _styled(head: str, body: list[str]) -> list[tuple[str, str]]:
    return [("heading", head), *(("text", each) for each in body)]


_MAKERS: dict[str, Callable[[random.Random], bytes]] = {
    "md": _markdown, "txt": _text, "html": _html, "csv": _table, "docx": _word, "pdf": _pdf,
}  # fmt: skip
KINDS = [(suffix, _MAKERS[suffix]) for suffix in ["md", "md", "md", "txt", "txt", "html", "html", "csv", "docx", "pdf"]]
"""What every ten files are."""
