"""Law: every command does what the interface promises, with its exit code and its object on stdout."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

JOURNEY = {
    "journey_id", "plan_id", "kb", "status", "revision_before", "revision_after", "files", "steps", "checkpoints",
    "embeddings_computed",
}  # fmt: skip
PLAN = {
    "plan_id", "journey_type", "kb", "origin", "steps", "files", "questions", "declined", "summary", "estimated_time",
    "resources", "base", "digest", "generated_at",
}  # fmt: skip
ROLLBACK = {
    "success", "checkpoint_id", "already_there", "chunks_removed", "chunks_restored", "sources_removed",
    "sources_restored", "conflicts", "handlers", "verified", "revision_before", "revision_after", "state", "message",
    "error",
}  # fmt: skip


def test_the_first_journey_and_back(cli: Any) -> None:
    """Init, plan, apply, search, rollback: nothing changes before apply, and everything is as before afterwards."""
    assert cli("init").code == 0
    planned = cli("plan", "handbook", "--kb", "hr", "--json").json
    assert cli("kb", "list", "--json").json["kbs"] == []
    applied = cli("apply", planned["plan"]["plan_id"], "--json")
    assert applied.code == 0
    journey = applied.json["journey"]
    assert journey["status"] == "completed"
    assert {file["outcome"] for file in journey["files"]} == {"added"}
    hits = cli("search", "paid leave", "--kb", "hr", "-k", "3", "--json").json["results"]
    assert {hit["source"] for hit in hits} == {"welcome.md", "people/leave.md", "money/travel.md"}
    back = cli("rollback", "--journey", journey["journey_id"], "--yes", "--json")
    assert back.code == 0 and back.json["rollback"]["verified"] == "confirmed"
    assert cli("search", "paid leave", "--kb", "hr", "--json").json["results"] == []


def test_a_plan_has_every_promised_field(cli: Any) -> None:
    """The object of `plan`, down to its steps and files."""
    made = cli("plan", "handbook", "--kb", "hr", "--json").json
    assert made["format_version"] == "1.0" and "validation" in made
    plan = made["plan"]
    assert plan.keys() >= PLAN
    assert plan["steps"][0].keys() >= {
        "id", "action", "args", "depends_on", "milestone", "rollback_handler", "effect", "estimate",
    }  # fmt: skip
    assert plan["files"][0].keys() >= {
        "path", "source", "sha256", "bytes", "media_type", "action", "reason", "detail", "warnings", "chunks",
    }  # fmt: skip
    assert plan["summary"] == {"add": 3, "replace": 0, "remove": 0, "skip": 0, "reject": 0, "warn": 0}
    assert plan["estimated_time"].keys() >= {"p10", "p50", "p90"}
    assert plan["resources"].keys() >= {"embeddings", "model_calls", "disk_bytes"}


def test_validation_goes_with_the_plan_where_policy_validates(cli: Any) -> None:
    """Null by default; the validator's result under `documentation`."""
    assert cli("plan", "handbook", "--kb", "hr", "--json").json["validation"] is None
    made = cli("plan", "handbook", "--kb", "hr", "--policy", "documentation", "--json").json
    assert made["validation"] == {"valid": True, "errors": [], "warnings": []}


def test_a_journey_has_every_promised_field(cli: Any, home: Path) -> None:
    """The object of `status`, down to files, steps and checkpoints."""
    journey = cli("status", "--json").json["journey"]
    assert journey.keys() >= JOURNEY
    assert journey["files"][0].keys() >= {"path", "source", "outcome", "reason", "detail", "warnings", "chunks"}
    assert journey["steps"][0].keys() >= {"id", "action", "status", "seconds", "estimate"}
    assert journey["checkpoints"][0].keys() >= {"checkpoint_id", "milestone_id", "revision", "timestamp"}
    assert [one["milestone_id"] for one in journey["checkpoints"]] == [
        "before_upload", "upload_complete", "parse_complete", "embed_complete", "expose_complete",
    ]  # fmt: skip


def test_lists_have_every_promised_field(cli: Any, home: Path) -> None:
    """journeys, checkpoints, kb list, stats, log, digest, verify, documents, doctor."""
    assert cli("journeys", "--json").json["journeys"][0].keys() >= {"journey_id", "plan_id", "kb", "status"}
    assert cli("checkpoints", "--json").json["checkpoints"][0].keys() >= {
        "checkpoint_id", "milestone_id", "journey_id", "kb", "revision", "timestamp", "available_until",
    }  # fmt: skip
    assert cli("kb", "list", "--json").json["kbs"] == [{"name": "hr", "revision": 1, "sources": 3, "chunks": 3}]
    stats = cli("kb", "stats", "--kb", "hr", "--json").json["kb"]
    assert stats.keys() >= {"collection", "chroma_path", "embedder", "dimensions", "index_revision"}
    assert Path(stats["chroma_path"]).is_absolute()
    assert cli("kb", "log", "--kb", "hr", "--json").json["revisions"][0].keys() >= {
        "revision", "journey_id", "timestamp", "user", "added", "removed", "restorable",
    }  # fmt: skip
    digest = cli("kb", "digest", "--kb", "hr", "--json").json["digest"]
    assert digest.keys() >= {"kb", "revision", "chunks", "digest"} and len(digest["digest"]) == 64
    verify = cli("kb", "verify", "--kb", "hr", "--json")
    assert verify.code == 0 and verify.json["verify"] == {
        "ok": True, "chunks_expected": 3, "chunks_found": 3, "missing": [], "extra": [], "differing": [],
        "unsearchable": [], "crowded": [],
    }  # fmt: skip
    assert cli("documents", "--json").json["documents"][0].keys() >= {
        "document_id", "type", "journey_id", "timestamp", "content",
    }  # fmt: skip
    doctor = cli("doctor", "--json")
    assert doctor.code == 0 and all(one.keys() >= {"name", "ok", "detail", "next"} for one in doctor.json["checks"])


def test_search_results_have_every_promised_field(cli: Any, home: Path) -> None:
    """Rank from 1, score between 0 and 1, best first."""
    results = cli("search", "sixteen weeks", "--kb", "hr", "--json").json["results"]
    assert results[0].keys() >= {"rank", "score", "source", "location", "text", "chunk_id", "revision"}
    assert [one["rank"] for one in results] == [1, 2, 3]
    assert all(0 <= one["score"] <= 1 for one in results)


def test_searching_the_past(cli: Any, home: Path) -> None:
    """Revision 0 had nothing."""
    assert cli("search", "leave", "--kb", "hr", "--at", "0", "--json").json["results"] == []


def test_searching_for_an_audience(cli: Any, home: Path) -> None:
    """What is for them and for everybody; a name that nothing is for finds less and is told, with those there are."""
    Path("bands.md").write_text("# Bands\n\nPay bands of the leave year.\n")
    assert cli("ingest", "bands.md", "--kb", "hr", "--request", "only for the support team").code == 0
    found = {
        who: {
            one["source"] for one in cli("search", "leave", "--kb", "hr", "--audience", who, "--json").json["results"]
        }
        for who in ("Support team", "sales", "")
    }
    assert found["Support team"] - found["sales"] == {"bands.md"} and found["sales"] == found[""] != set()
    assert "bands.md" in cli("search", "leave", "--kb", "hr").out
    wrong = cli("search", "leave", "--kb", "hr", "--audience", "sales")
    assert "note: nothing in kb hr is for sales only; there are: support-team" in wrong.err
    both = cli("search", "leave", "--kb", "hr", "--audience", "sales", "--audience", "support-team")
    assert "bands.md" in both.out and "for support-team only" in both.out
    assert cli("kb", "stats", "--kb", "hr", "--json").json["kb"]["audiences"] == {"support-team": 1}
    assert "for support-team only 1 source" in cli("kb", "stats", "--kb", "hr").out


def test_a_diff_counts_both_ways(cli: Any, home: Path) -> None:
    """From nothing to everything, and back."""
    there = cli("kb", "diff", "--kb", "hr", "--from", "0", "--to", "1", "--json").json["diff"]
    back = cli("kb", "diff", "--kb", "hr", "--from", "1", "--to", "0", "--json").json["diff"]
    assert there["sources_added"] == back["sources_removed"] and len(there["sources_added"]) == 3
    assert there["chunks_added"] == back["chunks_removed"] == 3
    assert there["sources_changed"] == []


def test_global_options_stand_before_and_after_the_command(cli: Any) -> None:
    """Also between a group and its command; of one option the last counts, and `--set` adds up."""
    for words in (
        ("--home", "h", "--json", "kb", "list"),
        ("kb", "--home", "h", "--json", "list"),
        ("kb", "list", "--home", "h", "--json"),
        ("--home", "wrong", "kb", "list", "--json", "--home", "h"),
    ):
        assert cli(*words).json["kbs"] == []
    shown = cli("--set", "chunk.size=700", "policy", "show", "--set", "retention.days=9", "--json").json["policy"]
    assert shown["chunk.size"] == {"value": 700, "source": "arguments"}
    assert shown["retention.days"] == {"value": 9, "source": "arguments"}


def test_policy_show_says_where_each_value_comes_from(cli: Any, home: Path) -> None:
    """milepost.toml's preset, the environment, the arguments, defaults; with what it gives and costs."""
    shown = cli("policy", "show", "--json").json
    assert shown["policy"]["enable_rollback"] == {"value": True, "source": "preset rollback"}
    assert shown["policy"]["approval"]["source"] == "default"
    assert any(line.startswith("rollback on") for line in shown["guarantees"])
    text = cli("policy", "show").out
    assert "enable_rollback" in text and "preset rollback" in text and "- rollback on" in text


def test_policy_check_and_presets(cli: Any, tmp_path: Path) -> None:
    """A sound file is exit 0, a contradiction exit 3 with both keys; the presets are the proposal's four."""
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('policy = "full"\napproval = "never"\n')
    bad.write_text("enable_planning = false\nenable_ai_planning = true\n")
    assert cli("policy", "check", str(good), "--json").json["check"]["ok"] is True
    refused = cli("policy", "check", str(bad))
    assert refused.code == 3
    assert "enable_planning" in refused.err and "enable_ai_planning" in refused.err
    assert list(cli("policy", "presets", "--json").json["presets"]) == ["none", "rollback", "full", "documentation"]


def test_reading_makes_no_home(cli: Any, tmp_path: Path) -> None:
    """Whatever only looks leaves the folder as it was."""
    for words in (
        ("journeys",), ("checkpoints",), ("approvals",), ("kb", "list"), ("documents",), ("doctor",), ("status",),
        ("policy", "show"), ("kb", "stats", "--kb", "x"), ("search", "x", "--kb", "x"), ("show", "plan_1"),
        ("rollback", "x"),
    ):  # fmt: skip
        cli(*words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["handbook"]


def test_init_twice_keeps_what_is_there(cli: Any, tmp_path: Path) -> None:
    """The second one makes nothing and loses nothing."""
    first = cli("init", "--json").json["done"]
    assert len(first["made"]) == 2
    config = tmp_path / ".milepost" / "milepost.toml"
    assert 'policy = "rollback"' in config.read_text()
    config.write_text('policy = "none"\n')
    assert cli("init", "--json").json["done"]["made"] == []
    assert config.read_text() == 'policy = "none"\n'


def test_a_plan_file_is_shown_validated_and_applied(cli: Any, home: Path, tmp_path: Path) -> None:
    """What `-o` writes is taken back by show, validate and apply, and is what `--json` gives."""
    (tmp_path / "handbook" / "new.md").write_text("# New\n\nSomething new.\n")
    made = cli("plan", "handbook", "--kb", "hr", "-o", "p.json", "--json").json
    assert json.loads((tmp_path / "p.json").read_text()) == made
    assert cli("show", "p.json", "--json").json["plan"] == made["plan"]
    assert cli("validate", "p.json", "--json").json["validation"]["valid"] is True
    assert cli("show", "p.json", "--mermaid").out.startswith("flowchart LR")
    done = cli("apply", "p.json", "--json").json["journey"]
    assert done["plan_id"] == made["plan"]["plan_id"]
    drawn = cli("show", done["journey_id"], "--mermaid").out
    assert drawn.startswith(cli("show", "p.json", "--mermaid").out.rstrip()) and "class s1,s2,s3,s4 done" in drawn


def test_an_edited_plan_file_is_refused(cli: Any, home: Path, tmp_path: Path) -> None:
    """An edited plan is a new plan: exit 3, and nothing runs."""
    made = cli("plan", "handbook", "--kb", "hr", "-o", "p.json", "--json").json
    made["plan"]["kb"] = "other"
    (tmp_path / "p.json").write_text(json.dumps(made))
    refused = cli("apply", "p.json", "--json")
    assert refused.code == 3 and refused.json["error"]["code"] == "plan_rejected"
    assert [kb["name"] for kb in cli("kb", "list", "--json").json["kbs"]] == ["hr"]


def test_validate_lists_every_fault_of_a_file_at_once(cli: Any, tmp_path: Path) -> None:
    """Even of what is no plan of ours; exit 3; no home is made for it."""
    steps = [{"id": "a", "action": "fly", "args": {}, "depends_on": ["b"]}]
    (tmp_path / "bad.json").write_text(json.dumps({"steps": steps}))
    judged = cli("validate", "bad.json", "--json")
    assert judged.code == 3
    assert {one["code"] for one in judged.json["validation"]["errors"]} >= {"unknown_action", "missing_dependency"}
    assert not (tmp_path / ".milepost").exists()


def test_detailed_exit_codes(cli: Any, home: Path, tmp_path: Path) -> None:
    """0 without changes, 2 with some, 64 for mistakes of usage, before and after parsing."""
    assert cli("plan", "handbook", "--kb", "hr", "--detailed-exitcode").code == 0
    (tmp_path / "handbook" / "new.md").write_text("# New\n\nSomething new.\n")
    assert cli("plan", "handbook", "--kb", "hr", "--detailed-exitcode").code == 2
    assert cli("plan", "nowhere", "--kb", "hr", "--detailed-exitcode").code == 64
    assert cli("plan", "--wrong", "--detailed-exitcode").code == 64


def test_a_rejected_file_is_exit_5_and_resume_takes_it(cli: Any, tmp_path: Path) -> None:
    """Planning is exit 0 all the same; once the file is good, resume adds it."""
    empty = tmp_path / "handbook" / "later.md"
    empty.write_text("")
    assert cli("plan", "handbook", "--kb", "hr").code == 0
    done = cli("ingest", "handbook", "--kb", "hr", "--json")
    assert done.code == 5
    journey = done.json["journey"]
    assert [(one["source"], one["reason"]) for one in journey["files"] if one["outcome"] == "rejected"] == [
        ("later.md", "empty")
    ]
    assert cli("apply", journey["plan_id"]).code == 5
    empty.write_text("# Later\n\nNow there is something.\n")
    again = cli("resume", journey["journey_id"], "--json")
    assert again.code == 0 and again.json["journey"]["status"] == "completed"


def test_a_stale_plan_is_exit_4_and_says_what_moved(cli: Any, home: Path, tmp_path: Path) -> None:
    """The file is named; `--replan` plans again and runs."""
    page = tmp_path / "handbook" / "welcome.md"
    page.write_text("# Welcome\n\nFirst.\n")
    plan_id = cli("plan", "handbook", "--kb", "hr", "--json").json["plan"]["plan_id"]
    page.write_text("# Welcome\n\nSecond.\n")
    stale = cli("apply", plan_id)
    assert stale.code == 4 and "welcome.md" in stale.err and "--replan" in stale.err
    fresh = cli("apply", plan_id, "--replan", "--json")
    assert fresh.code == 0 and fresh.json["journey"]["plan_id"] != plan_id
    assert "Planned again, since" in fresh.err
    assert "welcome.md: replace, 1 chunk > replace, 1 chunk, another content" in fresh.err


def test_nothing_to_do_is_exit_0_and_makes_no_revision(cli: Any, home: Path) -> None:
    """The same files again: completed, and the revisions are equal."""
    journey = cli("ingest", "handbook", "--kb", "hr", "--json").json["journey"]
    assert journey["status"] == "completed"
    assert journey["revision_before"] == journey["revision_after"] == 1
    assert cli("ingest", "handbook", "--kb", "hr").code == 0


def test_a_plan_applied_twice_gives_its_journey(cli: Any, home: Path, tmp_path: Path) -> None:
    """Nothing is done the second time."""
    (tmp_path / "handbook" / "new.md").write_text("# New\n\nSomething new.\n")
    plan_id = cli("plan", "handbook", "--kb", "hr", "--json").json["plan"]["plan_id"]
    first, second = (cli("apply", plan_id, "--json").json["journey"] for _ in range(2))
    assert first["journey_id"] == second["journey_id"] and first["revision_after"] == second["revision_after"] == 2


def test_rollback_previews_then_undoes_then_redoes(cli: Any, home: Path) -> None:
    """`--dry-run` changes nothing and says success null; `--last` twice is undo and redo."""
    before = cli("kb", "digest", "--kb", "hr", "--json").json["digest"]["digest"]
    preview = cli("rollback", "--last", "--kb", "hr", "--dry-run", "--json").json["rollback"]
    assert preview.keys() >= ROLLBACK and preview["success"] is None
    assert preview["chunks_removed"] == 3 and len(preview["sources_removed"]) == 3
    assert cli("kb", "log", "--kb", "hr", "--json").json["revisions"][0]["revision"] == 1
    undone = cli("rollback", "--last", "--kb", "hr", "-y", "--json").json["rollback"]
    assert undone["success"] is True and undone["chunks_removed"] == 3
    cli("rollback", "--last", "--kb", "hr", "-y")
    assert cli("kb", "digest", "--kb", "hr", "--json").json["digest"]["digest"] == before


def test_a_second_rollback_is_already_there(cli: Any, home: Path) -> None:
    """Exit 0, no question, no revision."""
    checkpoint = cli("checkpoints", "--json").json["checkpoints"][0]["checkpoint_id"]
    cli("rollback", checkpoint, "--yes")
    again = cli("rollback", checkpoint, "--json")
    assert again.code == 0
    assert again.json["rollback"]["already_there"] is True and again.json["rollback"]["success"] is True
    assert cli("kb", "list", "--json").json["kbs"][0]["revision"] == 2


def test_a_conflict_is_exit_6_with_its_list(cli: Any, home: Path, tmp_path: Path) -> None:
    """A later journey changed the same source: refused with names, before any question; skip keeps it."""
    first = cli("journeys", "--json").json["journeys"][0]["journey_id"]
    (tmp_path / "handbook" / "welcome.md").write_text("# Welcome\n\nChanged by somebody.\n")
    later = cli("ingest", "handbook", "--kb", "hr", "--json").json["journey"]["journey_id"]
    refused = cli("rollback", "--journey", first, "--json")
    assert refused.code == 6
    told = refused.json["rollback"]
    assert told["conflicts"] == [{"source": "welcome.md", "changed_by": later}]
    assert told["success"] is False and told["error"]
    assert cli("rollback", "--journey", first).err.startswith("error: 1 source changed since")
    skipped = cli("rollback", "--journey", first, "--on-conflict", "skip", "--yes", "--json")
    assert skipped.code == 0 and skipped.json["rollback"]["conflicts"] == told["conflicts"]
    assert cli("kb", "list", "--json").json["kbs"][0]["sources"] == 1


def test_going_back_to_a_revision_of_the_whole_kb(cli: Any, home: Path) -> None:
    """`--to 0` empties it, `--to 1` brings it back."""
    assert cli("rollback", "--to", "0", "--kb", "hr", "--yes").code == 0
    assert cli("kb", "list", "--json").json["kbs"][0]["chunks"] == 0
    assert cli("rollback", "--to", "1", "--kb", "hr", "--yes").code == 0
    assert cli("kb", "list", "--json").json["kbs"][0]["chunks"] == 3


def test_without_rollback_there_is_no_way_back(cli: Any) -> None:
    """Said once when it starts, with the line that turns it on; going back is exit 3 with the reason."""
    done = cli("ingest", "handbook", "--kb", "hr")
    assert done.code == 0
    assert done.err.count("rollback is off") == 1 and 'policy = "rollback"' in done.err
    assert cli("rollback", "--last", "--kb", "hr", "--yes").code == 3


def test_an_approval_waits_and_is_given(cli: Any) -> None:
    """Exit 2 naming `--yes`; it is in `approvals`; `approve` and then `apply` run it."""
    plan_id = cli("plan", "handbook", "--kb", "hr", "--set", "approval=always", "--json").json["plan"]["plan_id"]
    waits = cli("apply", plan_id, "--set", "approval=always")
    assert waits.code == 2 and "--yes" in waits.err
    (waiting,) = cli("approvals", "--json").json["approvals"]
    assert waiting.keys() >= {"approval_id", "plan_id", "asked_by", "timestamp"} and waiting["plan_id"] == plan_id
    assert cli("approve", waiting["approval_id"], "--json").json["approval"]["approver"]
    assert cli("apply", plan_id, "--set", "approval=always", "--json").json["journey"]["status"] == "completed"
    assert cli("approvals", "--json").json["approvals"] == []


def test_yes_is_an_approval_by_the_user(cli: Any) -> None:
    """`--yes` runs it at once, and the timeline has who."""
    done = cli("ingest", "handbook", "--kb", "hr", "--policy", "full", "--user", "ada", "--yes", "--json")
    assert done.code == 0 and done.json["journey"]["status"] == "completed"
    assert "warning: the template made this plan" in done.err
    assert cli("kb", "log", "--kb", "hr", "--json").json["revisions"][0]["user"] == "ada"


def test_only_another_can_approve_is_exit_3(cli: Any, home: Path) -> None:
    """With four eyes asked for, its maker's `--yes` is refused, with who has to; the other's yes runs it."""
    (home / "milepost.toml").write_text('policy = "rollback"\napproval = "always"\napprove_by = "another"\n')
    refused = cli("ingest", "handbook/people", "--kb", "hr", "--user", "ann", "--yes")
    assert refused.code == 3 and "another person" in refused.err and "approve_by" in refused.err
    (waiting,) = cli("approvals", "--json").json["approvals"]
    assert waiting["approval_id"][:17] in refused.err and waiting["not_by"] == "ann"
    assert cli("approve", waiting["approval_id"], "--user", "ann").code == 3
    assert cli("approve", waiting["approval_id"], "--user", "ben").code == 0
    assert cli("apply", waiting["plan_id"], "--user", "ann", "--json").json["journey"]["status"] == "completed"
    assert "ben" in cli("status").out


def test_removing_a_source_is_a_journey_that_can_be_undone(cli: Any, home: Path) -> None:
    """The source is gone from search; `rollback --last` brings it back."""
    done = cli("kb", "remove", "welcome.md", "--kb", "hr", "--yes", "--json")
    assert done.code == 0 and done.json["done"]["journey_id"]
    assert cli("kb", "list", "--json").json["kbs"][0]["sources"] == 2
    assert cli("rollback", "--last", "--kb", "hr", "--yes").code == 0
    assert cli("kb", "list", "--json").json["kbs"][0]["sources"] == 3


def test_dropping_a_kb_takes_everything(cli: Any, home: Path) -> None:
    """After it there is no such kb."""
    assert cli("kb", "drop", "--kb", "hr", "--yes", "--json").json["done"]["kb"] == "hr"
    assert cli("kb", "list", "--json").json["kbs"] == []
    assert cli("kb", "stats", "--kb", "hr").code == 2


def test_rebuilding_keeps_the_digest(cli: Any, home: Path) -> None:
    """A new collection with the same contents."""
    before = cli("kb", "digest", "--kb", "hr", "--json").json["digest"]
    assert cli("kb", "rebuild", "--kb", "hr", "--json").json["done"]["chunks"] == 3
    assert cli("kb", "digest", "--kb", "hr", "--json").json["digest"] == before


@pytest.mark.parametrize(
    "words",
    [
        ("rollback", "--last", "--kb", "hr"),
        ("kb", "remove", "welcome.md", "--kb", "hr"),
        ("kb", "drop", "--kb", "hr"),
    ],
)
def test_destructive_commands_need_an_answer(cli: Any, home: Path, words: tuple[str, ...]) -> None:
    """Without a terminal and `--yes`: exit 2 naming it, nothing changed; `--dry-run` needs no answer."""
    refused = cli(*words)
    assert refused.code == 2
    assert "--yes" in refused.err and "state: nothing was changed" in refused.err
    assert refused.err.splitlines()[-1].startswith("next: milepost ") and refused.err.endswith("--yes\n")
    assert cli(*words, "--dry-run").code == 0
    assert cli("kb", "list", "--json").json["kbs"][0] == {"name": "hr", "revision": 1, "sources": 3, "chunks": 3}


def test_dry_runs_of_plan_and_ingest_save_nothing(cli: Any, home: Path, tmp_path: Path) -> None:
    """`ingest --dry-run` gives the plan; no plan waits afterwards."""
    (tmp_path / "handbook" / "new.md").write_text("# New\n\nSomething new.\n")
    for command in ("plan", "ingest"):
        shown = cli(command, "handbook", "--kb", "hr", "--policy", "full", "--dry-run", "--json")
        assert shown.code == 0 and shown.json["plan"]["summary"]["add"] == 1
    assert cli("apply", "--json").json["error"]["code"] == "not_found"
    said = cli("ingest", "handbook", "--kb", "hr", "--policy", "full", "--dry-run").out
    assert "Apply with" not in said and "nothing was saved" in said


def test_a_resume_says_of_a_folder_that_only_a_plan_looks_into_one(cli: Any, tmp_path: Path) -> None:
    """What could not be looked into when it was planned has no files that a journey knows of."""
    (tmp_path / "handbook" / "late").write_bytes(b"%PDF-1.7 cut off")
    journey = cli("ingest", "handbook", "--kb", "hr", "--json").json["journey"]
    (tmp_path / "handbook" / "late").unlink()
    (tmp_path / "handbook" / "late").mkdir()
    again = cli("resume", journey["journey_id"], "--json")
    said = {one["source"]: one["detail"] for one in again.json["journey"]["files"] if one["outcome"] == "failed"}
    assert again.code == 5 and said == {"late": "a folder, and folders are looked into by a plan; ingest it again"}


def test_no_expose_stages_and_resume_exposes(cli: Any, home: Path, tmp_path: Path) -> None:
    """`--no-expose` ends completed with "staged" and no revision; resume makes it searchable."""
    (tmp_path / "handbook" / "new.md").write_text("# New\n\nSomething new.\n")
    journey = cli("ingest", "handbook", "--kb", "hr", "--no-expose", "--json").json["journey"]
    assert journey["status"] == "completed" and journey["revision_after"] == 1
    assert "staged" in {one["outcome"] for one in journey["files"]}
    assert cli("resume", journey["journey_id"], "--json").json["journey"]["revision_after"] == 2


def test_ids_may_be_shortened_where_they_are_unambiguous(cli: Any, home: Path) -> None:
    """What the tables show is taken; the objects have the whole ids."""
    table = cli("journeys").out.splitlines()[1]
    short = table.split()[0]
    whole = cli("status", short, "--json").json["journey"]["journey_id"]
    assert whole.startswith(short) and len(whole) > len(short)
    assert cli("show", short).code == 0
    assert cli("checkpoints", short).code == 0
    assert cli("show", "checkpoint_before_upload", "--json").json["checkpoint"]["milestone_id"] == "before_upload"


def test_another_tenant_sees_nothing(cli: Any, home: Path) -> None:
    """No kb, no journey, and the same answer for an id that is another's as for one that never was."""
    assert cli("kb", "list", "--tenant", "other", "--json").json["kbs"] == []
    theirs = cli("journeys", "--json").json["journeys"][0]["journey_id"]
    seen = cli("status", theirs, "--tenant", "other", "--json")
    never = cli("status", "journey_0123456789abcdef", "--tenant", "other", "--json")
    assert (seen.code, seen.json["error"]["code"]) == (never.code, never.json["error"]["code"]) == (2, "not_found")


def test_tables_fit_eighty_columns(cli: Any, home: Path) -> None:
    """Every list for people, with ids of their usual length."""
    for words in (
        ("journeys",), ("checkpoints",), ("kb", "list"), ("kb", "log", "--kb", "hr"), ("documents",), ("status",),
        ("policy", "show"), ("policy", "presets"), ("search", "leave", "--kb", "hr"), ("kb", "diff", "--kb", "hr",
        "--from", "0", "--to", "1"), ("approvals",), ("rollback", "--last", "--kb", "hr", "--dry-run"),
    ):  # fmt: skip
        shown = cli(*words)
        assert shown.code == 0 and shown.out
        assert max(len(line) for line in shown.out.splitlines()) <= 80, words


def test_the_home_can_come_from_the_environment(cli: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MILEPOST_HOME is used, and `--home` is stronger."""
    monkeypatch.setenv("MILEPOST_HOME", os.fspath(home))
    monkeypatch.chdir("/")
    assert cli("kb", "list", "--json").json["kbs"][0]["name"] == "hr"
    assert cli("kb", "list", "--home", os.fspath(home / "none"), "--json").json["kbs"] == []


def test_resume_with_another_policy_is_a_new_journey(cli: Any, home: Path, tmp_path: Path) -> None:
    """A journey keeps its policy; with `--set` it is a new plan and a new journey that names its parent."""
    (tmp_path / "handbook" / "new.md").write_text("")
    first = cli("ingest", "handbook", "--kb", "hr", "--json").json["journey"]
    (tmp_path / "handbook" / "new.md").write_text("# New\n\nSomething new.\n")
    again = cli("resume", first["journey_id"], "--set", "chunk.size=500", "--json").json["journey"]
    assert again["parent"] == first["journey_id"] and again["journey_id"] != first["journey_id"]
    assert again["status"] == "completed"


def test_resume_from_a_checkpoint_goes_back_there_first(cli: Any, home: Path) -> None:
    """After `--from` the journey is complete again, nothing is embedded twice, and the digest is the same."""
    before = cli("kb", "digest", "--kb", "hr", "--json").json["digest"]["digest"]
    journey = cli("status", "--json").json["journey"]
    middle = journey["checkpoints"][1]["checkpoint_id"]
    assert cli("resume", journey["journey_id"], "--from", middle).code == 2
    again = cli("resume", journey["journey_id"], "--from", middle, "--yes", "--json").json["journey"]
    assert again["status"] == "completed" and again["revision_after"] == 3
    assert cli("kb", "digest", "--kb", "hr", "--json").json["digest"]["digest"] == before
