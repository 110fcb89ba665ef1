"""One of several that fails is dropped, by all processes at the same place, and leaves no trace in the others."""

import pytest
import torch

from traits_core import DataError, NullComm
from traits_core.errors import DiskFullError, StageError
from traits_core.testing import run_ranks
from traits_core.training.checkpoint import Checkpoints
from traits_core.training.fate import FateComm

HOOKS = ["initialize", "update", "end_epoch"]


@pytest.fixture
def failing(counting):
    """Make a method of which one hook raises at its `call`-th call, in one process or in all."""

    def make(hook, call=1, rank=None, error=DataError, **options):
        class Failing(counting):
            calls = 0

        def fail(self, *arguments):
            self.calls += 1
            if self.calls == call and rank in (None, self.comm.rank):
                raise error(f"{hook} in process {self.comm.rank}")
            return getattr(counting, hook)(self, *arguments)

        setattr(Failing, hook, fail)
        return Failing(**options)

    return make


@pytest.fixture
def alone(counting, train, stream, tmp_path):
    """What a method with a seed ends with when it is trained alone."""

    def state_of(seed):
        method = counting(seed=seed)
        train({tmp_path / f"alone-{seed}": method}, type(stream)())
        return method.state_d

    return state_of


@pytest.mark.parametrize(
    ("hook", "call"), [*((hook, 1) for hook in HOOKS), ("update", 9), ("state_dict", 2)]
)
def test_the_others_end_as_if_it_had_not_been_there(
    counting, failing, train, stream, alone, tmp_path, hook, call
):
    comm = FateComm(NullComm())
    methods = [counting(seed=1), failing(hook, call), counting(seed=2)]
    directories = [tmp_path / name for name in "abc"]
    first, failed, last = train(dict(zip(directories, methods, strict=True)), stream, comm)
    assert str(failed.failure) == f"{hook} in process 0"
    assert isinstance(failed.failure.__cause__, DataError)
    assert first.failure is last.failure is None
    assert torch.equal(methods[0].state_d, alone(1))
    assert torch.equal(methods[2].state_d, alone(2))
    kept = {
        ("initialize", 1): [],
        ("update", 1): [0],
        ("update", 9): [7, 8],
        ("state_dict", 2): [0],
    }
    assert Checkpoints(directories[1] / "checkpoints").steps() == kept.get((hook, call), [0, 4])


@pytest.mark.parametrize("bad", [float("nan"), torch.tensor([1.0, torch.nan])], ids=type)
def test_a_metric_that_is_nan_names_the_last_good_checkpoint(
    counting, train, stream, tmp_path, bad
):
    class Diverging(counting):
        def update(self, acts_bd):
            found = super().update(acts_bd)
            return found | {"loss": bad if self.updates == 6 else 1.0}

    methods = {tmp_path / "a": Diverging(), tmp_path / "b": counting()}
    failed, other = train(methods, stream, FateComm(NullComm()))
    assert str(failed.failure) == (
        f"step 6: loss is NaN; the last good checkpoint is in {tmp_path}/a/checkpoints"
    )
    assert Checkpoints(tmp_path / "a" / "checkpoints").steps() == [0, 4]
    assert other.finished


def test_when_all_have_failed_nothing_more_is_read(failing, train, stream, tmp_path):
    methods = {tmp_path / "a": failing("update", 2), tmp_path / "b": failing("update", 4)}
    learners = train(methods, stream, FateComm(NullComm()))
    assert [learner.cursor.step for learner in learners] == [1, 3]
    assert stream.read == [(0, batch) for batch in range(4)]


def test_an_error_without_a_word_is_told_by_its_kind(counting, failing, train, stream, tmp_path):
    silent = failing("update", 2, error=lambda text: DataError())
    failed, _ = train(
        {tmp_path / "a": silent, tmp_path / "b": counting()}, stream, FateComm(NullComm())
    )
    assert str(failed.failure) == "DataError"


@pytest.mark.parametrize("error", [DiskFullError, StageError, RuntimeError])
def test_what_concerns_all_ends_all(counting, failing, train, stream, tmp_path, error):
    methods = {tmp_path / "a": failing("update", 2, error=error), tmp_path / "b": counting()}
    with pytest.raises(error):
        train(methods, stream, FateComm(NullComm()))


@pytest.mark.parametrize("rank", [0, 1, None])
@pytest.mark.parametrize("hook", HOOKS)
def test_all_processes_drop_what_fails_in_one(
    counting, failing, train, stream, alone, tmp_path, hook, rank
):
    for name in "abc":
        (tmp_path / name).mkdir()

    def work(comm):
        own = FateComm(comm)
        methods = [
            counting(seed=1, comm=own),
            failing(hook, 1, rank, comm=own),
            counting(seed=2, comm=own),
        ]
        directories = [tmp_path / name for name in "abc"]
        learners = train(dict(zip(directories, methods, strict=True)), type(stream)(), own)
        return [learner.failure for learner in learners], [method.state_d for method in methods]

    for failures, states in run_ranks(2, work):
        assert [str(failure) for failure in failures] == [
            "None",
            f"{hook} in process {rank or 0}",
            "None",
        ]
        torch.testing.assert_close(states[0], alone(1))
        torch.testing.assert_close(states[2], alone(2))
