"""Previews of rollbacks that were shown to somebody: what they were of, for whom, until when, and whether used."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from .errors import NotFound, StalePlan
from .ports import Clock
from .record import Record
from .records import UserContext

MINUTES = 15
"""How long a preview may be acted on."""
_AGAIN = "milepost rollback CHECKPOINT --dry-run"


@dataclass(frozen=True)
class Preview:
    """A preview as it was shown: `digest` is over all that it said."""

    preview_id: str
    checkpoint_id: str
    digest: str
    expires: str


class Previews:
    """Rows of previews. Each is for one person, for a quarter of an hour, and for one rollback."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock

    def keep(self, user: UserContext, checkpoint_id: str, digest: str) -> Preview:
        """Keep what was shown to somebody, under a new id; those that expired long ago go."""
        now = datetime.fromisoformat(self._clock.now())
        expires = (now + timedelta(minutes=MINUTES)).isoformat()
        preview = Preview(f"preview_{uuid.uuid4().hex}", checkpoint_id, digest, expires)
        with self._record.write() as writing:
            writing.execute("DELETE FROM previews WHERE expires < ?", ((now - timedelta(days=1)).isoformat(),))
            writing.execute(
                "INSERT INTO previews (preview_id, tenant, user, checkpoint_id, digest, expires) VALUES (?,?,?,?,?,?)",
                (preview.preview_id, user.tenant, user.user, checkpoint_id, digest, expires),
            )
        return preview

    def get(self, preview_id: str, user: UserContext) -> Preview:
        """A preview that may still be acted on.

        `NotFound` for somebody else's as for one that never was; `StalePlan` where it was used or has expired.
        """
        with self._record.read() as reading:
            row = self._row(reading, preview_id, user)
        if row["used"] is not None:
            raise StalePlan(f"{preview_id} was used already", cause="a preview is good for one rollback",
                            state="nothing was changed", next=_AGAIN)  # fmt: skip
        if row["expires"] <= self._clock.now():
            raise StalePlan(f"{preview_id} has expired", cause=f"a preview is good for {MINUTES} minutes",
                            state="nothing was changed", next=_AGAIN)  # fmt: skip
        return Preview(row["preview_id"], row["checkpoint_id"], row["digest"], row["expires"])

    def use(self, preview_id: str, user: UserContext) -> None:
        """Use a preview up, before its rollback; of two at once one does, the other gets `StalePlan`."""
        with self._record.write() as writing:
            self.get(preview_id, user)
            writing.execute("UPDATE previews SET used = ? WHERE preview_id = ?", (self._clock.now(), preview_id))

    def _row(self, reading: sqlite3.Connection, preview_id: str, user: UserContext) -> sqlite3.Row:
        row: sqlite3.Row | None = reading.execute(
            "SELECT * FROM previews WHERE preview_id = ? AND tenant = ? AND user = ?",
            (preview_id, user.tenant, user.user),
        ).fetchone()
        if row is None:
            raise NotFound(f"there is no preview {preview_id!r}", state="nothing was changed", next=_AGAIN)
        return row
