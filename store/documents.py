"""A document: JSON that comes back as it went in, with flat metadata to find it by."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from langgraph.store.base import get_text_at_path

from .errors import StoreDamaged, UsageError

EMBEDDED_CHARACTERS = 4_000
"""Of a document's text, from its beginning: what it is found by in meaning."""

Namespace = tuple[str, ...]
Json: TypeAlias = "dict[str, Json] | list[Json] | tuple[Json, ...] | str | int | float | bool | None"


@dataclass(frozen=True)
class Document:
    """A document to be written: `content` is any JSON object, `metadata` is flat.

    `fields` are the paths whose text it is found by in meaning: None is everything, empty is nothing.
    """

    document_id: str
    content: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    tenant: str = "default"
    journey_id: str | None = None
    namespace: Namespace = ()
    fields: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Shelved:
    """A document as the ledger has it. `meaning` is the SHA-256 of the text it is found by, or None."""

    seq: int
    id: str
    namespace: Namespace
    key: str
    body: str
    metadata: dict[str, Any]
    tenant: str
    type: str | None
    journey_id: str | None
    digest: str
    fields: tuple[str, ...] | None
    meaning: bytes | None
    created: str
    updated: str
    deleted: bool
    fresh: bool
    """Whether Chroma was never given it with other metadata keys."""

    @cached_property
    def content(self) -> dict[str, Any]:
        """The JSON object, read by `json` and nothing that could make objects of other kinds."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def checked(self) -> Shelved:
        """Itself; `StoreDamaged` where the ledger's copy is not what was written."""
        if sha(self.body) != self.digest:
            raise tampered(self.key, "the ledger")
        return self


def row_id(namespace: Namespace, key: str) -> str:
    """The id of a document's row in Chroma: a hash, never people's text."""
    return sha(f"{name_of(namespace)}\0{key}")


def name_of(namespace: Namespace) -> str:
    """A namespace as one text, in which a prefix of labels is a prefix of the text (without its bracket)."""
    return json.dumps(list(namespace))


def sha(text: str) -> str:
    """SHA-256 of a text, in hexadecimal; of one that is no valid Unicode, too."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def encode(document: Document) -> str:
    """The document's canonical JSON; `UsageError` where reading it would give something else."""
    try:
        _plain(document.content)
        body = json.dumps(document.content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        if not valid(body):  # half a surrogate pair, as in a file name of unknown encoding
            body = json.dumps(document.content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        back = json.loads(body)
    except (TypeError, ValueError, RecursionError) as refused:
        raise _refused(document, str(refused)[:200] or type(refused).__name__) from refused
    if back != _lists(document.content):
        raise _refused(document, "JSON would give back something else")
    return body


def check_names(document: Document) -> None:
    """Refuse an id, a namespace or metadata that could not be stored or found again as they are."""
    if not isinstance(document.content, dict):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers from outside
        raise _refused(document, f"it is a {type(document.content).__name__}, not an object")
    for name in (document.document_id, document.tenant, *document.namespace):
        if not isinstance(name, str) or not valid(name):  # pyright: ignore[reportUnnecessaryIsInstance]  # as above
            raise UsageError(f"{name!r:.100} cannot be the name of a document", cause="it is no valid text")
    for key, value in document.metadata.items():
        _check_flat(document.document_id, key, value)


def tampered(key: str, where: str) -> StoreDamaged:
    """What is said of a document that is not the one that was written: it is refused, not obeyed."""
    return StoreDamaged(
        f"the document {key} is not the one that was written",
        cause=f"its digest in {where} differs from the recorded one",
        state="nothing was changed",
        next="milepost doctor",
    )


def meaning_text(content: dict[str, Any], fields: tuple[str, ...] | None) -> str:
    """The text that a document is found by in meaning: its values with their names, or the fields asked for."""
    if fields is None:
        text = "\n".join(_leaves(content))
    else:
        text = "\n".join(part for path in fields for part in get_text_at_path(content, path))
    return embeddable(text[:EMBEDDED_CHARACTERS])


def embeddable(text: str) -> str:
    """The text with a question mark for each half of a character, which embedders do not take."""
    return text.encode(errors="replace").decode()


def _leaves(value: Json, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _leaves(value[key], key)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one, name)
    elif value not in (None, ""):
        yield f"{name} {value}".replace("_", " ")


def _plain(value: Json) -> None:
    """Refuse what JSON would quietly change: keys that are no text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # that is what is found out here
                raise TypeError(f"the key {key!r:.60} is not text")
            _plain(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _plain(inner)


def _lists(value: Json) -> Json:
    """Tuples as the lists that JSON makes of them."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_lists(inner) for inner in value]
    return value


def _check_flat(document_id: str, key: object, value: object) -> None:
    if not isinstance(key, str) or not valid(key):
        problem = "the key is no valid text"
    elif value is not None and not isinstance(value, str | int | float | bool):
        problem = f"it is a {type(value).__name__}; text, numbers and booleans can be filtered by"
    elif isinstance(value, float) and not math.isfinite(value):
        problem = "it is not a finite number"
    elif isinstance(value, str) and not valid(value):
        problem = "it is no valid text"
    else:
        return
    raise UsageError(f"metadata {key!r:.100} of document {document_id!r:.100} cannot be kept", cause=problem)


def valid(text: str) -> bool:
    """Whether a text is valid Unicode, so that it can be stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused(document: Document, cause: str) -> UsageError:
    return UsageError(f"document {document.document_id!r:.100} would not come back as it is", cause=cause)
