"""Checkpoints: when they are written, which are kept, and who can go on from them."""

import os
import signal
import threading

import pytest
import torch

from traits_core import StoreError
from traits_core.interruption import Interrupted, stopping_on_signals
from traits_core.testing import run_ranks
from traits_core.training import loop
from traits_core.training.checkpoint import Checkpoints


def steps(directory):
    return Checkpoints(directory / "checkpoints").steps()


def test_the_last_two_are_kept_and_the_last_one_between_epochs(counting, train, stream, tmp_path):
    with pytest.raises(ConnectionError):
        train({tmp_path / "a": counting(fails_at=14)}, stream, every=2)
    assert steps(tmp_path / "a") == [7, 10, 12]


def test_they_are_written_when_enough_time_has_passed(counting, train, stream, tmp_path):
    with pytest.raises(ConnectionError):
        train({tmp_path / "a": counting(fails_at=7)}, stream, every=100, minutes=0.0)
    assert steps(tmp_path / "a") == [0, 5, 6]


def test_a_signal_ends_training_after_the_step_with_a_checkpoint(counting, train, stream, tmp_path):
    stream.before_batch = lambda epoch, batch: (
        os.kill(os.getpid(), signal.SIGTERM) if (epoch, batch) == (1, 2) else None
    )
    interrupted = {tmp_path / "a": counting(seed=1), tmp_path / "b": counting(seed=2)}
    with pytest.raises(Interrupted), stopping_on_signals():
        train(interrupted, stream)
    assert [method.updates for method in interrupted.values()] == [10, 10]
    assert [steps(directory)[-1] for directory in interrupted] == [10, 10]


def test_a_damaged_one_is_refused_by_name(counting, train, stream, tmp_path):
    with pytest.raises(ConnectionError):
        train({tmp_path / "a": counting(fails_at=10)}, stream)
    newest = tmp_path / "a" / "checkpoints" / "step-000000008.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.raises(StoreError, match="step-000000008"):
        train({tmp_path / "a": counting()}, stream)


@pytest.fixture
def expected(counting, train, stream, tmp_path):
    method = counting()
    train({tmp_path / "one process": method}, stream)
    return method.state_d


@pytest.fixture
def among(counting, train, stream, tmp_path):
    """Train one run in several processes; returns the method of each."""

    def run(n, directory="shared", **options):
        def work(comm):
            method = counting(comm=comm, **options)
            train({tmp_path / directory: method}, type(stream)(), comm)
            return method

        (tmp_path / directory).mkdir(exist_ok=True)
        return run_ranks(n, work)

    return run


@pytest.mark.parametrize("n", [2, 3, 9])
def test_processes_find_what_one_finds_and_take_each_row_once(among, expected, n):
    methods = among(n)
    assert {method.updates for method in methods} == {21}
    for method in methods:
        torch.testing.assert_close(method.state_d, expected)


@pytest.mark.parametrize(("before", "after"), [(2, 2), (2, 3), (2, 1), (1, 2), (3, 3)])
@pytest.mark.parametrize("fails_at", [2, 6, 7, 8, 13])
def test_any_number_of_processes_can_go_on(among, expected, before, after, fails_at):
    with pytest.raises(ConnectionError):
        among(before, fails_at=fails_at)
    methods = among(after)
    for method in methods:
        torch.testing.assert_close(method.state_d, expected)
    same = before == after
    between_epochs = (fails_at - 1) // 7 * 7
    last = max(step for step in (0, 4, 7, 8, 12) if step < fails_at)
    assert {method.updates for method in methods} == {21 - (last if same else between_epochs)}


def test_a_checkpoint_that_a_process_did_not_write_does_not_count(among, expected, tmp_path):
    with pytest.raises(ConnectionError):
        among(2, fails_at=7)
    directory = tmp_path / "shared" / "checkpoints"
    (directory / "step-000000004.rank-1.safetensors").unlink()
    for method in among(2):
        assert method.updates == 21
        torch.testing.assert_close(method.state_d, expected)


def test_a_signal_to_one_process_stops_all_after_the_same_step(
    counting, train, stream, tmp_path, monkeypatch
):
    asked = threading.local()  # signals reach processes, which are threads here
    monkeypatch.setattr(loop, "asked_to_stop", lambda: getattr(asked, "to_stop", False))
    (tmp_path / "shared").mkdir()

    def work(comm):
        method, mine = counting(comm=comm), type(stream)()
        mine.before_batch = lambda epoch, batch: setattr(
            asked, "to_stop", comm.rank == 1 and (epoch, batch) >= (1, 2)
        )
        with pytest.raises(Interrupted):
            train({tmp_path / "shared": method}, mine, comm)
        return method.updates

    assert run_ranks(2, work) == [10, 10]
    assert steps(tmp_path / "shared")[-1] == 10
