"""A plan that never ran is for the kb as it is under the lease, whatever was true when somebody last looked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from milepost import Journey, Milepost, StalePlan
from milepost.agents import journeys
from milepost.agents.workspace import AsyncMilepost
from milepost.tools.embedders import FakeEmbedder


def _opened(home: Path) -> Milepost:
    return Milepost(home, policy="rollback", embedder=FakeEmbedder(16))


def test_a_plan_that_grew_stale_before_the_lease_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first look saw nothing, the second, with the store held, does; nothing changes, no journey is left."""
    with _opened(tmp_path) as one, _opened(tmp_path) as other:
        plan = one.plan([("a.txt", b"what the one has to say")], kb="kb")
        other.ingest([("b.txt", b"what the other has to say")], kb="kb")
        monkeypatch.setattr(AsyncMilepost, "_moved", lambda self, plan: [])
        with pytest.raises(StalePlan) as refused:
            one.apply(plan)
        assert refused.value.facts["moved"] == ["kb kb is at revision 1, the plan was made at 0"]
        assert one.kb_stats("kb").revision == 1
        assert len(one.journeys()) == 1
        other.ingest([("c.txt", b"the store was given back")], kb="kb")


def test_an_ingest_that_was_overtaken_plans_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody publishes between its plan and its run: both are there in the end."""
    with _opened(tmp_path) as one, _opened(tmp_path) as other:
        run: Any = journeys.Journeys._run
        overtaken: list[str] = []

        async def late(self: Any, plan: Any, **options: Any) -> Journey:
            if self is one.workspace and not overtaken:
                overtaken.append(plan.plan_id)
                other.ingest([("b.txt", b"what the other has to say")], kb="kb")
            done: Journey = await run(self, plan, **options)
            return done

        monkeypatch.setattr(journeys.Journeys, "_run", late)
        journey = one.ingest([("a.txt", b"what the one has to say")], kb="kb")
        assert overtaken and journey.plan_id != overtaken[0]
        assert (journey.status, journey.revision_before, journey.revision_after) == ("completed", 1, 2)
        assert one.kb_stats("kb").sources == 2
        other.ingest([("c.txt", b"the store was given back")], kb="kb")
