"""Law: the strongest source that speaks decides; its false silences a weaker true; origins tell the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store.errors import NotFound, PolicyError, UsageError
from milepost.store.policy import PRESETS, Policy
from milepost.store.policy_keys import leaves, parse_setting
from milepost.store.policy_sources import guarantees, policy_from, resolve_policy


def test_the_strongest_source_decides_and_is_named() -> None:
    """Of preset, file, environment and arguments each key takes the last that says it, with its name."""
    resolved = resolve_policy(
        ("milepost.toml", {"policy": "full", "chunk.size": 500, "retention": {"days": 7}}),
        ("environment", {"retention.days": "90", "prove": "all"}),
        ("arguments", {"prove": "sample"}),
    )
    policy, origins = resolved.policy, resolved.origins
    assert (policy.chunk.size, policy.retention.days, policy.prove, policy.approval) == (
        500,
        90,
        "sample",
        "always",
    )
    assert origins["chunk.size"] == "milepost.toml"
    assert origins["retention.days"] == "environment"
    assert origins["prove"] == "arguments"
    assert origins["approval"] == "preset full"
    assert origins["undo_by"] == "default"
    assert resolved.table()["retention.days"] == {"value": 90, "source": "environment"}
    assert list(origins) == list(leaves())


def test_a_preset_of_a_stronger_source_replaces_the_weaker_ones() -> None:
    """--policy none over a file that says full gives none; the file's own keys stay."""
    resolved = resolve_policy(("milepost.toml", {"policy": "full", "chunk.size": 500}), ("arguments", "none"))
    assert resolved.policy == Policy(chunk={"size": 500})
    over = resolve_policy(("milepost.toml", {"enable_rollback": False}), ("arguments", "rollback"))
    assert over.policy.enable_rollback and over.origins["enable_rollback"] == "preset rollback"


@pytest.mark.parametrize(
    ("key", "needs", "value"),
    [
        ("enable_ai_planning", "enable_planning", True),
        ("enable_ai_planning", "validate_plan", True),
        ("validate_plan", "enable_planning", True),
        ("orchestration", "enable_rollback", "saga"),
        ("rollback_checkpoints", "enable_rollback", ["upload_complete"]),
        ("generate_plan", "enable_forward_docs", True),
    ],
)
def test_a_stronger_false_silences_a_weaker_true(key: str, needs: str, value: Any) -> None:
    """What needs a switch that a stronger source sets to false has no effect, and it is said."""
    resolved = resolve_policy(("milepost.toml", {key: value}), ("arguments", {needs: False}))
    assert getattr(resolved.policy, key) == getattr(Policy(), key)
    assert getattr(resolved.policy, needs) is False
    [silenced] = resolved.silenced
    assert (silenced.key, silenced.by_key, silenced.by_source) == (key, needs, "arguments")
    assert key in resolved.notes[0] and "milepost.toml" in resolved.notes[0]


def test_a_stronger_capability_lifts_a_weaker_false() -> None:
    """Asking for AI planning switches on what it needs; validation cannot stay off under it."""
    off = {"enable_planning": False, "validate_plan": False, "enable_rollback": False}
    resolved = resolve_policy(("milepost.toml", off), ("arguments", {"enable_ai_planning": True}))
    assert resolved.policy.enable_ai_planning and resolved.policy.enable_planning and resolved.policy.validates
    assert resolved.origins["enable_planning"] == "implied by enable_ai_planning"
    saga = resolve_policy(("milepost.toml", off), ("arguments", {"orchestration": "saga"}))
    assert saga.policy.enable_rollback
    assert resolve_policy(("x", "none"), ("y", {"enable_ai_planning": True})).policy.enable_planning


def test_a_stronger_detail_lifts_nothing() -> None:
    """Listing milestones does not switch rollback on over a source that says it is off."""
    resolved = resolve_policy(("milepost.toml", "none"), ("arguments", {"rollback_checkpoints": ["upload_complete"]}))
    assert not resolved.policy.enable_rollback and resolved.policy.rollback_checkpoints == ()
    assert "has no effect" in resolved.notes[0]


def test_only_a_source_that_contradicts_itself_is_refused() -> None:
    """The error names the source and both keys."""
    with pytest.raises(PolicyError, match=r"environment contradicts itself.*saga.*enable_rollback"):
        resolve_policy(("environment", {"enable_rollback": False, "orchestration": "saga"}))


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(sorted(PRESETS))), max_size=4))
def test_the_last_preset_is_the_policy(named: list[tuple[str, str]]) -> None:
    """Presets do not add up: with nothing else said, the strongest one is the whole policy."""
    expected = policy_from(named[-1][1]) if named else Policy()
    assert resolve_policy(*named).policy == expected


SWITCHES = [
    "enable_rollback", "auto_checkpoint", "enable_forward_docs", "generate_plan", "document_steps",
    "validate_plan", "enable_planning", "enable_ai_planning",
]  # fmt: skip


@given(st.lists(st.tuples(st.just("one"), st.tuples(st.sampled_from(SWITCHES), st.booleans())), max_size=8))
def test_sources_with_one_switch_each_never_fail(said: list[tuple[str, tuple[str, bool]]]) -> None:
    """No order of single switches is an error; the last word on a switch with false is kept."""
    resolved = resolve_policy(*[(name, {key: value}) for name, (key, value) in said])
    assert Policy.model_validate(resolved.policy.model_dump()) == resolved.policy
    if said and said[-1][1][1] is False:
        assert getattr(resolved.policy, said[-1][1][0]) is False


def test_nested_and_dotted_keys_are_the_same() -> None:
    """Both forms are taken, but not one key in both."""
    assert policy_from({"chunk.size": 700}) == policy_from({"chunk": {"size": 700}})
    with pytest.raises(PolicyError, match="twice"):
        policy_from({"chunk.size": 700, "chunk": {"size": 800}})


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"size": 7}, "did you mean chunk.size"),
        ({"chunk_size": 700}, "did you mean chunk.size"),
        ({"retention.dayz": 7}, "did you mean retention.days"),
        ({"chunk": 700}, "group of keys"),
        ({"chunk.size": True}, "chunk.size cannot be True"),
        ({"chunk.size": "many"}, 'chunk.size cannot be "many"'),
        ({"on_conflict": "ask"}, 'on_conflict cannot be "ask"'),
        ({"enable_rollback": "perhaps"}, 'enable_rollback cannot be "perhaps"'),
        ({"\x1b[2J": 1}, "no key"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any], message: str) -> None:
    """Unknown keys get the nearest, bad values what is allowed, and no control character comes through."""
    with pytest.raises(PolicyError) as caught:
        resolve_policy(("milepost.toml", said))
    assert message in caught.value.message and "(milepost.toml)" in caught.value.message
    assert "\x1b" not in caught.value.message


def test_an_unknown_preset_does_not_exist() -> None:
    """A preset's name that is none is not found, with the nearest that is."""
    with pytest.raises(NotFound, match="did you mean rollback"):
        policy_from("rolback")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chunk.size=800", ("chunk.size", 800)),
        ("enable_rollback=true", ("enable_rollback", True)),
        ("enable_rollback = no", ("enable_rollback", False)),
        ("retention.days=none", ("retention.days", None)),
        ("validate_plan=none", ("validate_plan", None)),
        ("ai.deadline_seconds=2.5", ("ai.deadline_seconds", 2.5)),
        ("on_missing=remove", ("on_missing", "remove")),
        (
            "rollback_checkpoints=upload_complete,parse_complete",
            ("rollback_checkpoints", ("upload_complete", "parse_complete")),
        ),
        ('rollback_checkpoints=["upload_complete"]', ("rollback_checkpoints", ("upload_complete",))),
        ("rollback_checkpoints=", ("rollback_checkpoints", ())),
    ],
)  # fmt: skip
def test_a_setting_has_the_type_of_its_key(text: str, expected: tuple[str, Any]) -> None:
    """KEY=VALUE becomes the key and a value that the policy takes."""
    key, value = parse_setting(text)
    assert (key, value) == expected and type(value) is type(expected[1])
    resolve_policy(("arguments", {key: value}))


@pytest.mark.parametrize("text", ["chunk.size", "=800", "", "  "])
def test_a_setting_without_a_value_is_a_usage_error(text: str) -> None:
    """What is not KEY=VALUE says how it is written."""
    with pytest.raises(UsageError, match="KEY=VALUE"):
        parse_setting(text)


@pytest.mark.parametrize(
    "text", ["chunk=5", "chunk.size=", "chunk.size=1e99", "nonsense=1", 'rollback_checkpoints=["x']
)
def test_a_setting_that_cannot_be_is_refused(text: str) -> None:
    """A wrong key or value is a policy error."""
    with pytest.raises(PolicyError):
        parse_setting(text)


def test_a_file_is_a_policy(tmp_path: Path) -> None:
    """A TOML file has a preset, keys at the top and keys in [set], nested or dotted; other settings pass."""
    file = tmp_path / "strict.toml"
    file.write_text('\ufeffpolicy = "full"\nprove = "all"\nembedder = "fake"\n[set]\nchunk.size = 700\n', "utf-8")
    expected = Policy.full(prove="all", chunk={"size": 700})
    assert policy_from(file) == policy_from(str(file)) == expected
    assert resolve_policy(("arguments", str(file))).origins["prove"] == f"arguments, {file}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"policy = \n", "line 1"),
        (b"a = 1\nb = 'x\n", "line 2"),
        (b"\xff\xfe", "not UTF-8"),
        (b"policy = 'fulll'", "policy cannot be 'fulll'"),
        (b"policy = 3", "policy cannot be 3"),
        (b"set = 3", "table"),
        (b"prove = 'all'\n[set]\nprove = 'all'", "twice"),
        (b"embeder = 'fake'", "did you mean embedder"),
        (b"[chunk]\nsize = '9'", "chunk.size cannot be"),
        (b"enable_rollback = false\norchestration = 'saga'", "contradicts itself"),
    ],
)
def test_a_damaged_file_says_where(tmp_path: Path, content: bytes, message: str) -> None:
    """Broken TOML is refused with its line, wrong keys and values with their names."""
    file = tmp_path / "policy.toml"
    file.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        policy_from(file)
    assert message in caught.value.message and "policy.toml" in caught.value.message


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    """A path that is none is not found; a folder cannot be read."""
    with pytest.raises(NotFound):
        policy_from(tmp_path / "none.toml")
    with pytest.raises(PolicyError, match="cannot read"):
        policy_from(tmp_path)


def test_a_doubtful_milestone_is_noted() -> None:
    """An own milestone that looks like a misspelt one is allowed, with a note."""
    resolved = resolve_policy(("arguments", {"enable_rollback": True, "rollback_checkpoints": ["uplod_complete"]}))
    assert "did you mean upload_complete" in resolved.notes[0]


def test_a_whole_policy_decides_every_key() -> None:
    """A Policy as a source is a complete statement, which a stronger source can still change."""
    resolved = resolve_policy(("milepost.toml", "full"), ("call", Policy(prove="all")), ("x", {"chunk.size": 500}))
    assert resolved.policy == Policy(prove="all", chunk={"size": 500, "overlap": 100})
    assert policy_from(Policy.full()) == Policy.full()


def test_every_switch_says_what_it_gives() -> None:
    """Turning any capability changes the lines, and each line is one line."""
    base = guarantees(Policy())
    changes: list[dict[str, Any]] = [
        {"enable_rollback": True},
        {"enable_forward_docs": True},
        {"enable_planning": True},
        {"enable_ai_planning": True},
        {"learn_from_results": True},
        {"orchestration": "structured"},
        {"orchestration": "saga"},
        {"approval": "always"},
        {"approval": "destructive"},
        {"on_file_error": "stop"},
        {"on_missing": "remove"},
        {"prove": "all"},
    ]
    for change in changes:
        lines = guarantees(Policy(**change))
        assert lines != base, change
        assert all(line == line.strip() and "\n" not in line for line in lines)
    details: list[dict[str, Any]] = [
        {"retention": {"days": None}},
        {"retention": {"bytes": 5_000_000}},
        {"rollback_checkpoints": ["parse_complete"]},
        {"auto_checkpoint": False},
    ]
    for detail in details:
        assert guarantees(Policy.rollback(**detail)) != guarantees(Policy.rollback()), detail


def test_with_rollback_off_the_line_says_so() -> None:
    """The cost of the default is told: no undo, and replaced content goes."""
    assert any("cannot be undone" in line for line in guarantees(Policy()))
    assert any("for 30 days" in line for line in guarantees(Policy.rollback()))
    assert any("at most 5 MB" in line for line in guarantees(Policy.rollback(retention={"bytes": 5_000_000})))


def test_max_repairs_may_be_given_without_its_group(tmp_path: Path) -> None:
    """`max_repairs` is `ai.max_repairs` in a dict, a model, a file and a setting; both at once are refused."""
    file = tmp_path / "policy.toml"
    file.write_text("max_repairs = 1\n")
    expected = Policy(ai={"max_repairs": 1})
    assert Policy(max_repairs=1) == policy_from({"max_repairs": 1}) == policy_from(file) == expected
    assert parse_setting("max_repairs=1") == ("ai.max_repairs", 1)
    for twice in ({"max_repairs": 1, "ai": {"max_repairs": 2}}, {"max_repairs": 1, "ai.max_repairs": 2}):
        with pytest.raises(PolicyError, match="twice"):
            policy_from(twice)
    with pytest.raises(PolicyError, match="twice"):
        Policy(max_repairs=1, ai={"max_repairs": 2})
