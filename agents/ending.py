"""The end of a journey: its status, and the documents that say what came of it, written as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..store.faults import faultpoint
from ..store.librarian import Document
from ..store.plan import Plan
from ..store.policy import Policy
from ..store.receipts import Receipt
from ..store.records import Journey, JourneyStatus
from ..store.standing import ENDED, LIVE
from ..tools.services import Services
from .order import Order
from .outcomes import outcome_document

Came = Callable[[Plan, Journey, Mapping[str, int], Sequence[Receipt], Policy], list[Document]]
"""The documents about what came of a journey, told without its files, by how many of them came to what."""


def settle(services: Services, journey_id: str, order: Order, came: Came | None) -> Journey:
    """Settle a journey's status from what its files came to, with the documents of `came`.

    They are one transaction: no journey has ended whose documents do not say how. Then Chroma gets them.
    """
    home = services.home
    with home.record.write():
        journey = home.ledger.journey(journey_id, None)
        if journey.status == JourneyStatus.RUNNING:
            status, detail = order.ending()
            _stage_rest(services, journey_id)
            home.ledger.set_status(journey_id, status, detail=detail)
            _time(services, journey)
        home.librarian.lay_by(_what_came(services, journey_id, order, came))
    faultpoint("journey.ended")
    home.librarian.bring()
    return home.ledger.journey(journey_id, None)


def _what_came(services: Services, journey_id: str, order: Order, came: Came | None) -> list[Document]:
    """What is kept of a journey for people, and for the next ones to be planned with."""
    learns = order.policy.learn_from_results
    if came is None and not learns:
        return []
    ledger = services.home.ledger
    journey = ledger.journey(journey_id, None)
    journey.steps = ledger.steps(journey_id, live=journey.status in LIVE)
    documents: list[Document] = []
    if came is not None:
        documents += came(order.plan, journey, ledger.tally(journey_id), ledger.receipts(journey_id), order.policy)
    if learns and journey.status in ENDED:
        documents.append(outcome_document(journey, order.plan, ledger.files(journey_id)))
    return documents


def _stage_rest(services: Services, journey_id: str) -> None:
    """Files that are ready but were not to be exposed: staged, until a resume exposes them."""
    rows = services.home.ledger.files_at(journey_id, "embedded")
    services.home.ledger.update_files(journey_id, [replace(row, outcome="staged") for row in rows])


def _time(services: Services, journey: Journey) -> None:
    """Keep how long the whole took, of a journey that ran in one go."""
    began = services.began.pop(journey.journey_id, None)
    if began is not None:
        seconds = services.home.clock.monotonic() - began
        services.home.ledger.record_timing(
            journey.tenant, "journey", "", units=1.0, seconds=seconds, journey_id=journey.journey_id
        )
