"""Taking checkpoints: the document goes to the librarian and is read back, then the ledger's row makes it one."""

from __future__ import annotations

import uuid
from typing import Any

from ..store.checkpoints import body_digest
from ..store.faults import faultpoint
from ..store.librarian import Document
from ..store.policy import Policy
from ..store.records import Checkpoint
from ..store.revisions import revision_digest
from .services import Services

CHECKPOINT = "rollback_checkpoint"


def take(
    services: Services,
    *,
    journey_id: str,
    milestone_id: str,
    kb_id: int | None,
    policy: Policy,
    state: dict[str, Any],
    rollback_handler: str | None = None,
    before: bool = False,
) -> str | None:
    """Take a journey's checkpoint at a milestone, where its policy wants one; returns its id.

    The same moment twice (a step that ran again after a kill) gives the checkpoint that is there. Documents that were
    laid by go along with its own, unless it is taken `before` them.
    """
    home = services.home
    if not policy.checkpoints_at(milestone_id):
        return None
    receipt_seq = home.ledger.last_receipt(journey_id)
    revision, digest = 0, ""
    if kb_id is not None:
        with home.record.read() as reading:
            revision = home.knowledge.by_id(kb_id).head
            digest = revision_digest(reading, kb_id, revision)
    known = home.checkpoints.at(journey_id, milestone_id)
    if known is not None and (known["receipt_seq"], known["revision"]) == (receipt_seq, revision):
        return str(known["checkpoint_id"])
    journey = home.ledger.journey(journey_id, None)
    checkpoint = Checkpoint(
        checkpoint_id=f"checkpoint_{milestone_id}_{uuid.uuid4()}", milestone_id=milestone_id, journey_id=journey_id,
        kb=journey.kb, revision=revision, timestamp=home.clock.now(), rollback_handler=rollback_handler,
        state_digest=digest, state={"journey_id": journey_id, "kb": journey.kb, "revision": revision, **state},
    )  # fmt: skip
    store(services, checkpoint, tenant=journey.tenant, kb_id=kb_id, receipt_seq=receipt_seq, before=before)
    return checkpoint.checkpoint_id


def store(
    services: Services, checkpoint: Checkpoint, *, tenant: str, kb_id: int | None, receipt_seq: int,
    before: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Write a checkpoint's document, read it back, and commit its row; returns the document."""
    body = checkpoint_document(checkpoint)
    services.home.librarian.write_documents(
        [
            Document(
                document_id=checkpoint.checkpoint_id,
                content=body,
                metadata={"type": CHECKPOINT},
                tenant=tenant,
                journey_id=checkpoint.journey_id or None,
            )
        ],
        before=before,
    )
    faultpoint("checkpoint.before_commit")
    services.home.checkpoints.commit(
        checkpoint, tenant=tenant, kb_id=kb_id, receipt_seq=receipt_seq, digest=body_digest(body)
    )
    faultpoint("checkpoint.after_commit")
    return body


def checkpoint_document(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint as the librarian keeps it: the proposal's fields, and ours."""
    return checkpoint.model_dump(mode="json", exclude={"available_until"})
