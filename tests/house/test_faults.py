"""Law: every fault that Milepost says it survives has its test. The table is the promise; this holds it to the tests.

Numbers are those of the project's list of faults; where one row has several tests, each shows another side of it.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

CRASH = "laws/test_crashes.py::test_killed_at_every_point"
SWEEP = "laws/test_sweep.py::test_killed_at_every_call"
FULL = "laws/test_disk.py::test_many_failing_calls"
SURVIVED: dict[str, tuple[str, ...]] = {
    "1-3 killed before, while and after a plan is approved": (SWEEP, CRASH),
    "4 killed in the middle of an upload": ("store/test_blobs.py::test_a_failure_on_the_way_leaves_nothing", CRASH),
    "5 killed between an upload and its ledger": (
        "store/test_blobs.py::test_a_failure_after_the_rename_leaves_the_whole_blob",
        CRASH,
    ),
    "6-7 killed while parsing, and between two batches of embedding": (CRASH, SWEEP),
    "8 killed at each call of an upsert": (SWEEP,),
    "9 killed between a checkpoint's document and its commit": (CRASH,),
    "10-11 killed before, at and after the publish": ("laws/test_crashes.py::test_a_killed_process_leaves_old_or_new",),
    "12-14 killed anywhere in a rollback": (CRASH, SWEEP),
    "15 killed in a compensation": ("laws/test_saga.py::test_killed_at_every_point",),
    "16 killed three times at one place": (
        "laws/test_parking.py::test_a_journey_that_kills_its_process_three_times_is_parked",
        "laws/test_parking.py::test_a_rollback_that_kills_its_process_three_times_is_parked",
        "laws/test_parking.py::test_work_that_gets_on_is_not_parked",
    ),
    "17 SIGTERM and Ctrl-C": (
        "milepost/test_signals.py::test_a_batch_that_comes_to_no_end_is_not_waited_for",
        "milepost/test_cli_streams.py::test_ctrl_c_is_130_with_the_command_that_goes_on",
    ),
    "18 no space while rows are added": (FULL, "milepost/test_circumstances.py::test_a_disk_that_is_full"),
    "19 no space in a rollback": (
        "laws/test_disk.py::test_a_rollback_on_a_full_disk_has_the_reserve",
        "laws/test_disk.py::test_a_rollback_that_the_reserve_is_too_small_for_has_the_collections_room",
        "laws/test_disk.py::test_a_kill_after_the_collections_gave_their_room",
    ),
    "20 no space for the ledger": ("laws/test_disk.py::test_no_effect_is_started_that_could_not_be_written_down",),
    "21 a sync that fails": ("laws/test_disk.py::test_a_failed_sync_of_the_record_is_not_tried_again",),
    "22 a home that is read only": ("milepost/test_circumstances.py::test_a_home_that_is_read_only",),
    "23 a limit on the size of files": ("milepost/test_circumstances.py::test_a_limit_on_the_size_of_files",),
    "24 an error, and the rows are there": (
        "store/test_follow.py::test_a_follow_that_stopped_anywhere_is_finished_by_the_next_holder",
        FULL,
    ),
    "25 two processes at once": ("milepost/test_circumstances.py::test_two_processes_at_once",),
    "26 a process that waits": ("store/test_lease.py::test_the_second_process_is_told_who_holds_it",),
    "27 a holder that is stopped": (
        "store/test_lease.py::test_a_stopped_process_keeps_it_and_is_named_as_stopped",
        "store/test_lease.py::test_a_killed_process_frees_it_at_once",
    ),
    "30 one undo, twice at once": ("laws/test_readers.py::test_two_processes_undo_one_journey",),
    "39 a damaged database of Chroma's": ("laws/test_damage.py::test_any_damage",),
    "40 a damaged or deleted index": (
        "laws/test_damage.py::test_a_damaged_folder_is_noticed_and_made_anew",
        "laws/test_damage.py::test_any_damage",
    ),
    "52 a clock that jumps": ("milepost/test_circumstances.py::test_a_clock_that_went_back",),
    "57 a home of another version": ("milepost/test_circumstances.py::test_a_home_of_a_newer_version",),
}


@pytest.mark.parametrize("fault", SURVIVED)
def test_the_fault_has_its_tests(fault: str) -> None:
    """Each test that is named is there, and is a test."""
    for test in SURVIVED[fault]:
        file, _, name = test.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name.startswith("test_") and name in found, test
