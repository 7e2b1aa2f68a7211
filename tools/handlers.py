"""Undo handlers: small registered functions, found by name, run with what the record holds."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from ..store.faults import faultpoint
from ..store.receipts import Receipt
from ..store.records import HandlerOutcome
from ..store.secrets import told
from .registry import find_handler, register_handler
from .services import Services

DELETE_UPLOADED_FILE = "delete_uploaded_file"


def upload_receipts(services: Services, journey_id: str, after: int) -> list[Receipt]:
    """The uploads of a journey after a checkpoint that have not been undone, newest first."""
    receipts = services.home.ledger.receipts(journey_id, after=after)
    return [r for r in reversed(receipts) if r.action == "upload" and r.state != "undone"]


def run_handlers(services: Services, journey_id: str, receipts: list[Receipt]) -> list[HandlerOutcome]:
    """Run the handler of each receipt; one that fails does not stop the others.

    Where the journey keeps an older upload, a retry's is kept with it: which files were whose is not told apart.
    """
    outcomes = []
    for receipt in receipts:
        name = receipt.handler or DELETE_UPLOADED_FILE
        if _kept_before(services, receipts[-1]):
            outcome = HandlerOutcome(name=name, status="skipped")
        else:
            outcome = run_handler(services, name, {"journey_id": receipt.journey_id})
        if outcome.status in ("done", "skipped"):
            services.home.ledger.mark_undone([receipt.seq])
        outcomes.append(outcome)
        faultpoint("rollback.after_handler")
    return outcomes


def _kept_before(services: Services, oldest: Receipt) -> bool:
    uploads = upload_receipts(services, oldest.journey_id, 0)
    return any(receipt.seq < oldest.seq for receipt in uploads)


def run_handler(services: Services, name: str, state: dict[str, Any]) -> HandlerOutcome:
    """Run one registered handler; an unknown name runs nothing."""
    handler = find_handler(name)
    if handler is None:
        return HandlerOutcome(name=name, status="no_handler", error=f"no handler {name!r} is registered")
    try:
        done = handler.run(services, state)
        if inspect.iscoroutine(done):
            done = asyncio.run(done)
    except Exception as failure:  # a handler may raise anything; the rollback reports it and goes on
        return HandlerOutcome(name=name, status="failed", error=told(failure))
    return HandlerOutcome(name=name, status="done" if done else "skipped")


def delete_uploaded_file(services: Services, state: dict[str, Any]) -> bool:
    """Remove uploads that nothing else needs: a journey's (`journey_id`), or one by its SHA-256 (`file_id`).

    Whether anything was removed is told as one tenant sees it: what only another one keeps is gone for this one.
    """
    home = services.home
    if "file_id" in state:
        wanted = {str(state["file_id"])}
    else:
        wanted = {row.sha256 for row in home.ledger.files(str(state.get("journey_id", ""))) if row.sha256}
    journey_id = str(state.get("journey_id", ""))
    there = {sha256 for sha256 in wanted if home.blobs.has(sha256)}
    home.blobs.delete_all(wanted - _needed(services, wanted, journey_id, None))
    return bool(there - _needed(services, wanted, journey_id, services.user.tenant))


def _needed(services: Services, wanted: set[str], journey_id: str, tenant: str | None) -> set[str]:
    """Those blobs that a kb of a tenant (None: of any) shows now, or another journey uploaded and did not take back."""
    with services.home.record.read() as reading:
        shown = reading.execute(
            "SELECT DISTINCT v.sha256 FROM source_spans s JOIN versions v USING (version_id)"
            " JOIN kbs k ON k.kb_id = s.kb_id WHERE s.gone IS NULL AND (?1 IS NULL OR k.tenant = ?1)",
            (tenant,),
        ).fetchall()
        others = reading.execute(
            "SELECT DISTINCT f.sha256 FROM journey_files f JOIN journeys j USING (journey_id)"
            " WHERE f.journey_id != ?1 AND f.stage != 'planned' AND (?2 IS NULL OR j.tenant = ?2)"
            " AND EXISTS (SELECT 1 FROM receipts r WHERE r.journey_id = f.journey_id AND r.action = 'upload'"
            " AND r.state != 'undone')",
            (journey_id, tenant),
        ).fetchall()
    return wanted & {row[0] for row in [*shown, *others]}


register_handler(DELETE_UPLOADED_FILE, delete_uploaded_file)
