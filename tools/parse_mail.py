"""Blocks of mails and mailboxes: who, what, when, the body once, and what attachments say."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
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


def _message(message: EmailMessage, document: Document) -> Iterator[Block]:
    subject = _header(message, "Subject")
    if subject:
        yield Block(subject, "heading", level=1)
    lines = [f"{key}: {value}" for key in _SHOWN if (value := _header(message, key))]
    if lines:
        yield Block("\n".join(lines))
    body = _chosen(message, document)
    if body is not None:
        yield from _body(body, document)
    for part in message.walk():
        if part is not body and not part.is_multipart() and _is_attached(part, body):
            yield from _attachment(part, document)
    for part in message.iter_attachments() if message.is_multipart() else ():
        if part.get_content_type() == "message/rfc822" and document.depth < 3:
            for inner in part.iter_parts():
                yield from _message(cast(EmailMessage, inner), document)


def _header(message: EmailMessage, key: str) -> str:
    try:
        return " ".join(str(message.get(key) or "").split())
    except Exception:  # the header parser has its own bugs on hostile headers; the rest of the mail is still good
        return ""


def _is_attached(part: Message, body: Message | None) -> bool:
    if part.get_filename():
        return True
    alternative = part.get_content_type() in ("text/plain", "text/html") and body is not None
    return part.get_content_disposition() == "attachment" or not (alternative or part.get_content_maintype() != "text")


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
    payload = part.get_payload(decode=True)
    decoded = decode(payload, part.get_content_charset()) if isinstance(payload, bytes) else None
    return decoded.text if decoded else ""


def _attachment(part: Message, document: Document) -> Iterator[Block]:
    """An attachment's own blocks; one that cannot be read is a warning, and the mail is still taken."""
    from .parse import attached_blocks  # parse registers this module

    payload = part.get_payload(decode=True)
    name = part.get_filename() or part.get_content_type()
    yield Block(f"Attachment: {name}", "heading", level=2)
    if isinstance(payload, bytes) and payload:
        yield from attached_blocks(payload, name, document)
