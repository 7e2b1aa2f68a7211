"""What languages files are in: read, as planning reads them, where a request or a model is to choose by that."""

from __future__ import annotations

from collections.abc import Sequence

from ..store.content import Content, ParseKey
from ..store.policy import Policy
from ..tools.chunk import chunker_id
from ..tools.language import language_of, spread
from ..tools.parse import PARSER
from ..tools.services import Services
from .inputs import Input
from .reading import Reader


def languages_of(services: Services, inputs: Sequence[Input], policy: Policy) -> dict[str, str | None]:
    """The language of each input by its source, None where it is not clear; hashed inputs, which are read for it."""
    reader = Reader(services, policy)
    for one in inputs:
        if not one.reason:
            reader.read(one)
    reader.flush()
    return languages_read(services, inputs, policy)


def languages_read(services: Services, inputs: Sequence[Input], policy: Policy) -> dict[str, str | None]:
    """The language of each input that was read already, by its source."""
    content, chunker = services.home.content, chunker_id(policy.chunk)
    keys = {one.source: ParseKey(one.sha256, one.suffix, PARSER, chunker) for one in inputs if one.sha256}
    known = {source: parsed for source, key in keys.items() if (parsed := content.parsed(key)) and parsed.chunks}
    told = languages_in(content, [parsed.parsed_id for parsed in known.values()])
    return {source: told[parsed.parsed_id] for source, parsed in known.items()}


def languages_in(content: Content, parsed_ids: Sequence[int]) -> dict[int, str | None]:
    """The language of what parsing gave, by parse result; each is looked at once, and remembered."""
    known = content.languages(parsed_ids)
    found = {one: _language(content, one) for one in parsed_ids if one not in known}
    if found:
        content.keep_languages(found)
    return known | found


def _language(content: Content, parsed_id: int) -> str | None:
    pieces = spread(content.pieces(parsed_id))
    texts = content.texts(piece.text_id for piece in pieces)
    return language_of([texts[piece.text_id] for piece in pieces])
