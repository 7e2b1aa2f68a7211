"""Why a file was not taken as it is: the codes of `reason`, and what each means."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "changed_while_reading": "It changed while it was read, or is not the file that was planned. Plan again.",
    "corrupt": "It is damaged or cut off, or holds bytes that are no text.",
    "duplicate": "Another file has the same content; its name is remembered. Skipped, not rejected.",
    "empty": "There is nothing in it.",
    "encrypted": "It needs a password, or is protected by rights management.",
    "excluded": "The request or the policy leaves it out. Skipped, not rejected.",
    "no_text": "It holds no text that can be read: a picture, or a scan without a text layer.",
    "not_regular": "It is a device, a pipe, a socket or a link of an archive, and no regular file.",
    "outside_root": "It is a link that leads out of the folder that was given.",
    "path_traversal": "Its name leads out of the folder or the archive.",
    "purged": "It was purged since: deleted everywhere, for ever. A journey that goes on leaves it out.",
    "too_large": "It is over one of the policy's limits; the detail names which.",
    "too_slow": "Reading it took longer than limits.parse_seconds allow a file of its size.",
    "unchanged": "It is in the knowledge base as it is. Skipped, not rejected.",
    "unreadable": "The system does not let it be read, or it has gone.",
    "unsupported_type": "No parser reads what it is; or it is an archive that nobody said to open.",
}
"""Every code that a plan's or a journey's file may have; docs/reference/errors.md is this table."""
