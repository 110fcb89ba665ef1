import pytest
import torch

from traits_core import ConfigError, DataError, StoreError
from traits_core.testing import run_ranks

SOLVERS = pytest.mark.parametrize(
    "solver", [{}, {"n_components": 4, "exact_up_to": 0, "tol": 0.0}], ids=["exact", "randomized"]
)


@SOLVERS
def test_before_the_first_batch_the_scorer_is_that_of_the_sample(learner, fit, spread_rows, solver):
    sample_nd = spread_rows(n=300)
    started, trained = learner(24, **solver), learner(24, **{**solver, "max_epochs": 1})
    started.initialize(sample_nd)
    fit(trained, sample_nd, batch=300)
    components = [method.scorer().spectrum.components_kd[:4] for method in (started, trained)]
    torch.testing.assert_close(*components, rtol=0, atol=0.05 if solver else 1e-5)


@SOLVERS
def test_rows_of_the_sample_are_not_counted_twice(learner, spread_rows, solver):
    rows_nd = spread_rows(n=600)
    method = learner(24, **solver)
    method.initialize(rows_nd)
    method.update(rows_nd)
    method.end_epoch()
    assert method.scorer().spectrum.n_rows == 600


@SOLVERS
def test_two_processes_find_what_one_finds(learner, fit, spread_rows, solver):
    rows_nd = spread_rows(n=2000, mean=5.0)

    def work(comm):
        method = learner(24, comm=comm, **solver)
        # Samples differ: all processes must take that of rank 0.
        method.initialize(rows_nd[:500] if comm.rank == 0 else rows_nd[500:1000])
        while not method.done:
            for acts_bd in torch.split(rows_nd[comm.rank :: 2], 300):
                method.update(acts_bd)
            method.end_epoch()
        return method.scorer()

    one = learner(24, **solver)
    one.initialize(rows_nd[:500])
    while not one.done:
        one.update(rows_nd)
        one.end_epoch()
    expected = one.scorer()
    for scorer in run_ranks(2, work):
        assert scorer.spectrum.n_rows == 2000
        torch.testing.assert_close(scorer(rows_nd), expected(rows_nd), rtol=0, atol=1e-4)


def test_a_process_without_rows_adds_nothing(learner, spread_rows):
    rows_nd = spread_rows(n=500)

    def work(comm):
        method = learner(24, comm=comm)
        method.initialize(rows_nd)
        if comm.rank == 0:
            method.update(rows_nd)
        return method.end_epoch()["total_variance"]

    variance = float(rows_nd.double().var(dim=0).sum())
    assert run_ranks(2, work) == pytest.approx([variance, variance], rel=1e-6)


@SOLVERS
@pytest.mark.parametrize("interrupted", range(7))
def test_interrupted_anywhere_it_ends_bit_for_bit_the_same(
    learner, spread_rows, solver, interrupted
):
    rows_nd = spread_rows(n=700)

    def go_on(method, start):
        for step in range(start, 6):  # two passes of two batches, each with its end
            if method.done:
                return method
            if step % 3 == 2:
                method.end_epoch()
            else:
                method.update(rows_nd[350 * (step % 3) :][:350])
            if step == interrupted - 1:
                kept.update(method.state_dict())
        return method

    kept = {}
    whole = learner(24, **solver)
    whole.initialize(rows_nd)
    kept.update(whole.state_dict())
    go_on(whole, 0)
    kept = dict(kept)
    steps = min(interrupted, 3 * whole.max_epochs)
    resumed = learner(24, **solver)
    resumed.initialize(spread_rows(n=50, seed=1))
    resumed.scorer()  # has solved for what is then forgotten
    resumed.load_state_dict(kept)
    go_on(resumed, steps)
    assert resumed.done == whole.done
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name
    assert torch.equal(resumed.scorer()(rows_nd), whole.scorer()(rows_nd))


@SOLVERS
def test_a_checkpoint_of_other_options_is_refused(learner, solver):
    with pytest.raises(StoreError, match="not a checkpoint of this PCA of 25 dimensions"):
        learner(25, **solver).load_state_dict(learner(24, **solver).state_dict())


@SOLVERS
def test_rows_that_do_not_vary_are_refused(learner, solver):
    method = learner(24, **solver)
    method.initialize(torch.full((50, 24), 0.3))
    method.update(torch.full((50, 24), 0.3))
    with pytest.raises(DataError, match="no variance in 50 rows"):
        method.end_epoch()


def test_a_pass_without_rows_is_refused(learner, spread_rows):
    method = learner(24)
    method.initialize(spread_rows())
    with pytest.raises(DataError, match="0 rows"):
        method.end_epoch()


def test_more_components_than_dimensions_are_refused_with_both_numbers(learner):
    with pytest.raises(ConfigError, match=r"no 25 components .* 24 dimensions"):
        learner(24, n_components=25)


def test_randomized_needs_a_number_of_components(learner):
    with pytest.raises(ConfigError, match=r"needs n_components.*exact_up_to to 24"):
        learner(24, explained=0.9, exact_up_to=23)


def test_the_width_decides_how_many_passes_there_are(learner):
    assert learner(24, n_components=2, exact_up_to=24, max_epochs=7).max_epochs == 1
    assert learner(25, n_components=2, exact_up_to=24, max_epochs=7).max_epochs == 7


def test_a_batch_may_be_overwritten_after_it_was_learned(learner, spread_rows):
    rows_nd = spread_rows(n=500)
    method = learner(24)
    method.initialize(rows_nd)
    buffer_bd = torch.empty(250, 24)
    for acts_bd in torch.split(rows_nd, 250):
        method.update(buffer_bd.copy_(acts_bd))
    buffer_bd.zero_()
    variance = float(rows_nd.double().var(dim=0).sum())
    assert method.end_epoch()["total_variance"] == pytest.approx(variance, rel=1e-6)
