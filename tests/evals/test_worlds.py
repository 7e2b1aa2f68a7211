"""Law: a case's world is what the case tells of: its files, what lies in the kb, its checkpoints and its past."""

from __future__ import annotations

from typing import Any

from milepost.evals.worlds import TODAY, world_of


def case(**context: Any) -> dict[str, Any]:
    """A case without anything but what is said."""
    usual: dict[str, Any] = {
        "files": [], "knowledge_base": "notes", "already_in_kb": [], "checkpoints": [], "history": []
    }  # fmt: skip
    return {"id": "w-1", "request": "put the files in", "context": usual | context}


def test_files_have_their_sizes_and_dates() -> None:
    """Sparse beyond the first line, as large as the case says, and as old."""
    files = [{"name": "sub/big.pdf", "size_mb": 7.5, "modified": "2025-02-03"}, {"name": "x.md", "size_mb": 0.1}]
    with world_of(case(files=files)) as world:
        status = (world.folder / "sub" / "big.pdf").stat()
        assert status.st_size == 7_500_000
        plan = world.plan()
        assert {file.source: file.bytes for file in plan.files} == {"sub/big.pdf": 7_500_000, "x.md": 100_000}
        assert plan.generated_at.startswith(TODAY)


def test_what_lies_in_the_kb_was_ingested_and_what_is_held_is_staged() -> None:
    """Sources are there at revisions of their own; held ones are ready and not searchable."""
    there = [{"name": "a.pdf", "size_mb": 1.0, "modified": "2025-01-01"}, {"name": "b.md", "size_mb": 0.1}]
    with world_of(case(already_in_kb=there)) as world:
        assert world.milepost.kb_stats("notes").sources == 2
    with world_of(case(already_in_kb=there, history=["a.pdf and b.md are held for Omar"])) as world:
        assert world.milepost.kb_stats("notes").sources == 0
        assert [file.outcome for file in world.milepost.status().files] == ["staged"]


def test_checkpoints_have_the_names_of_the_case() -> None:
    """Of several journeys, in their kbs and at their dates, or of one journey's milestones."""
    with world_of(case(checkpoints=["ops-2026-10-02-before-upload", "j2-before-upload"])) as world:
        named = {name: world.milepost.show(one) for one, name in world.names.items()}
        assert {name: one.kb for name, one in named.items()} == {  # type: ignore[union-attr]
            "ops-2026-10-02-before-upload": "ops", "j2-before-upload": "notes"
        }  # fmt: skip
    with world_of(case(checkpoints=["before-upload", "parse_complete"])) as world:
        assert sorted(world.names.values()) == ["before-upload", "parse_complete"]


def test_the_past_is_there() -> None:
    """A journey that was rolled back, one of yesterday with its request, and one that is under way."""
    with world_of(case(checkpoints=["j2-before-upload"], history=["rolled back j2"])) as world:
        assert "rolled_back" in {journey.status for journey in world.milepost.journeys("notes")}
    with world_of(case(history=["yesterday: ingest n_*.md into notes, keep tables"])) as world:
        (journey,) = world.milepost.journeys("notes")
        plan = world.milepost.show(journey.plan_id)
        assert plan.request == "ingest n_*.md into notes, keep tables"  # type: ignore[union-attr]
        assert journey.started_at.startswith("2026-11-26")
    with world_of(case(files=[{"name": "q.md"}], history=["running: ingest q.md into notes; at parse"])) as world:
        assert [journey.status for journey in world.milepost.journeys("notes")] == ["running"]
