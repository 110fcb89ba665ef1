"""A run that is killed at any instant, and started again, ends in the numbers of one that was not."""

import signal

import pytest

INSTANTS = [
    ("extract train", "fsync", 2),  # while the store is being laid out
    ("extract train", "fsync", 23),  # among the shards
    ("extract test", "fsync", 24),
    ("train", "update", 1),  # before the first step
    ("train", "update", 57),  # in the second epoch, between two checkpoints
    ("train", "fsync", 9),  # while a checkpoint is being written
    ("train", "update", 132),  # the last step
    ("materialize train", "fsync", 5),
    ("materialize test", "fsync", 7),
    ("probe", "fsync", 4),
    ("report", "fsync", 3),
]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "event", "count"), INSTANTS)
def test_a_killed_run_ends_in_the_same_numbers(
    uninterrupted, drive, outcome, tmp_path, stage, event, count
):
    expected, happened = uninterrupted
    assert count <= happened[stage, event], f"nothing to kill: {happened}"
    killed = drive(tmp_path, stage, event, count)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed = drive(tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert outcome(tmp_path) == expected


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_still_arrives(
    uninterrupted, drive, outcome, tmp_path
):
    for stage, event, count in INSTANTS:
        killed = drive(tmp_path, stage, event, min(count, 3))
        assert killed.returncode in (-signal.SIGKILL, 0), killed.stderr
    assert drive(tmp_path).returncode == 0
    assert outcome(tmp_path) == uninterrupted[0]
