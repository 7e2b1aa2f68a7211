"""Blocks of mails and mailboxes: who, what, when, the body once, and what attachments say."""

from __future__ import annotations

import email
import email.policy
import re
from base64 import b64decode
from collections.abc import Iterator
from email.errors import CloseBoundaryNotFoundDefect, InvalidBase64LengthDefect
from email.message import EmailMessage, Message
from typing import cast

from .decode import decode
from .document import Block, Document
from .parse_html import markup_blocks
from .parse_text import plain

_SHOWN = ("From", "To", "Cc", "Date")
_BETWEEN = re.compile(
    rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From \S+.{0,100}?[A-Z][a-z]{2} +[A-Z][a-z]{2} +\d+ +\d\d:\d\d.*(?:\n|\Z)"
)
"""The line above each mail: after an empty line, who and a date in full; others that begin so are text."""
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_FORMS = ("text/plain", "text/html")
"""What the text of a mail itself comes in."""
_UNREAD = ("text/css", "text/javascript", "application/javascript", "application/x-javascript")
"""What a saved page brings along without a name; no text for people."""
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_DEEPEST = 10
"""Mails inside mails, at most."""
_STUB = 2
"""How many times longer an HTML body is than the plain one beside it that cannot be the same text."""


def mail_blocks(document: Document) -> Iterator[Block]:
    """Subject as heading, other headers, the body (plain before HTML), attachments under their names."""
    yield from _message(_read(document.data), document)


def mailbox_blocks(document: Document) -> Iterator[Block]:
    """Every mail of an mbox file."""
    for part in _BETWEEN.split(document.data):
        if part.strip():
            yield from _message(_read(_QUOTED.sub(rb"\1", part)), document)


def _read(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data.lstrip(), policy=email.policy.default)


def _message(message: EmailMessage, document: Document, depth: int = 0) -> Iterator[Block]:
    yield Block(_header(message, "Subject"), "heading", level=1)  # an empty one ends the mail before
    lines = [f"{key}: {value}" for key in _SHOWN if (value := _header(message, key))]
    if lines:
        yield Block("\n".join(lines))
    body = _chosen(message, document)
    if body is not None:
        yield from _body(body, document)
    for part in _parts(message, body):
        if part is body:
            continue
        if part.get_content_type() == "message/rfc822":
            yield from _forwarded(part, document, depth)
        elif _is_attached(part):
            yield from _attachment(part, document)
        else:
            yield from _body(part, document)
    if any(isinstance(defect, CloseBoundaryNotFoundDefect) for part in message.walk() for defect in part.defects):
        document.warn("a mail is cut off: its end is missing")


def _forwarded(part: Message, document: Document, depth: int) -> Iterator[Block]:
    if depth >= _DEEPEST:
        document.warn(f"mails inside mails more than {_DEEPEST} deep were not read")
        return
    for inner in cast(EmailMessage, part).iter_parts():
        yield from _message(cast(EmailMessage, inner), document, depth + 1)


def _parts(part: Message, body: Message | None) -> Iterator[Message]:
    """The parts to read, forwarded mails whole: of several forms of one text, the body or else the plain one."""
    if part.get_content_type() == "message/rfc822" or not part.is_multipart():
        written = part.get_content_maintype() in ("text", "message") and part.get_content_type() not in _UNREAD
        if written or part.get_filename() or _is_file(part):
            yield part
        return
    inner = [each for child in cast("list[Message]", part.get_payload()) for each in _parts(child, body)]
    if part.get_content_type() == "multipart/alternative":
        forms = [each for each in inner if each.get_content_type() in _FORMS and not _is_attached(each)]
        shown = next((each for each in forms if each is body), forms[0] if forms else None)
        inner = [each for each in inner if each is shown or each not in forms]
    yield from inner


def _is_file(part: Message) -> bool:
    """Whether a part without a name is a file all the same, and no signature or key."""
    if part.get_content_disposition() == "attachment":
        return True
    kind = part.get_content_type()
    return (
        kind.startswith("application/")
        and kind not in _UNREAD
        and not kind.endswith(("signature", "encrypted", "keys"))
    )


def _header(message: EmailMessage, key: str) -> str:
    try:
        return " ".join(str(message.get(key) or "").split())
    except Exception:  # the header parser has its own bugs on hostile headers; the rest of the mail is still good
        return ""


def _is_attached(part: Message) -> bool:
    """Whether it is a file for itself, and not a text of the mail."""
    if part.get_filename() or part.get_content_disposition() == "attachment":
        return True
    return part.get_content_type() not in _FORMS


def _chosen(message: EmailMessage, document: Document) -> Message | None:
    """The plain body; the HTML one where that is all, or where the plain one only says to look there."""
    plainly, html = message.get_body(("plain",)), message.get_body(("html",))
    if plainly is None or html is None:
        return plainly or html
    shown = sum(len(block.text) for block in _body(html, document))
    return html if shown > 100 + _STUB * len(_text(plainly)) or not _text(plainly).strip() else plainly


def _body(part: Message, document: Document) -> Iterator[Block]:
    text = _text(part)
    if part.get_content_type() == "text/html":
        yield from markup_blocks(text, document)
    else:
        for block in plain(text):
            block.start = block.end = None
            yield block


def _text(part: Message) -> str:
    payload = _payload(part)
    decoded = decode(payload, part.get_content_charset()) if payload else None
    return decoded.text if decoded else ""


def _payload(part: Message) -> bytes:
    """A part's bytes; of base64 that is cut off inside a group, what is whole."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return b""
    if not any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects):
        return payload
    letters = _NO_BASE64.sub(b"", payload)
    return b64decode(letters[: len(letters) // 4 * 4])


def _attachment(part: Message, document: Document) -> Iterator[Block]:
    """An attachment's own blocks; one that cannot be read is a warning, and the mail is still taken."""
    from .parse import attached_blocks  # parse registers this module

    payload = _payload(part)
    name = part.get_filename() or part.get_content_type()
    yield Block(f"Attachment: {name}", "heading", level=2)
    if payload:
        yield from attached_blocks(payload, name, document)
