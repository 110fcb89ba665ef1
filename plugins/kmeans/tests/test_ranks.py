import pytest
import torch

from traits_core import NullComm
from traits_core.testing import run_ranks


def test_two_processes_equal_one(learner, fit, planted):
    rows_nd, _ = planted(spread=1.0, mean=20.0)
    options = {"n_clusters": 15, "max_epochs": 4, "tol": 0.0, "small_cluster": 0.0}

    def work(comm):
        method = learner(16, comm=comm, **options)
        method.initialize(rows_nd)
        history = []
        while not method.done:
            for acts_bd in torch.split(rows_nd[comm.rank :: 2], 128):
                method.update(acts_bd)
            history.append(dict(method.end_epoch()))
        return method.scorer().centroids_kd, history

    alone = learner(16, **options)
    expected = fit(alone, rows_nd)
    (first_kd, first), (second_kd, second) = run_ranks(2, work)
    assert torch.equal(first_kd, second_kd)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first_kd, alone.scorer().centroids_kd, rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(first, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            torch.testing.assert_close(ours[name], theirs[name], rtol=1e-6, atol=1e-6)


def test_two_processes_equal_one_in_mini_batch_epochs(learner, planted):
    rows_nd, _ = planted(n=2048, spread=1.0, mean=20.0)
    options = {
        "n_clusters": 15,
        "max_epochs": 5,
        "exact_passes": 2,
        "window": 24.0,
        "small_cluster": 0.0,
        "tol": 0.0,
        "patience": 9,
    }

    def work(comm, part):
        method = learner(16, comm=comm, **options)
        method.initialize(rows_nd)
        history = []
        while not method.done:
            for acts_bd in torch.split(rows_nd, 256):  # as many rows as one step takes
                method.update(part(acts_bd, comm.rank))
            history.append(dict(method.end_epoch()))
        return method.scorer().centroids_kd, history

    [(expected_kd, expected)] = run_ranks(1, lambda comm: work(comm, lambda acts_bd, rank: acts_bd))
    (first_kd, first), (second_kd, second) = run_ranks(
        2, lambda comm: work(comm, lambda acts_bd, rank: acts_bd[rank::2])
    )
    assert sum("window" in epoch for epoch in first) == 3
    assert torch.equal(first_kd, second_kd)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first_kd, expected_kd, rtol=1e-4, atol=1e-4)
    for ours, theirs in zip(first, expected, strict=True):
        assert ours["inertia"] == pytest.approx(theirs["inertia"], rel=1e-5)


def test_steps_that_do_not_divide_hold_the_same_rows_in_any_number_of_processes(learner, planted):
    rows_nd, _ = planted(n=2030, spread=1.0)

    def learned(comm):
        method = learner(16, comm=comm, n_clusters=15, max_epochs=2, exact_passes=0)
        method.initialize(rows_nd)
        for acts_bd in torch.split(rows_nd, 1015):  # five steps of 203 rows
            method.update(acts_bd[comm.rank :: comm.world_size])
        return method.scorer().centroids_kd

    one_kd = learned(NullComm())
    for each_kd in run_ranks(2, learned) + run_ranks(3, learned):
        torch.testing.assert_close(each_kd, one_kd, rtol=1e-5, atol=1e-5)


def test_a_process_that_ran_out_of_rows_takes_part_in_steps(learner, planted):
    rows_nd, _ = planted(n=600)

    def work(comm):
        method = learner(16, comm=comm, n_clusters=5, exact_passes=0)
        method.initialize(rows_nd)
        method.update(rows_nd if comm.rank else rows_nd[:0])
        return method.end_epoch()

    first, second = run_ranks(2, work)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_processes_agree_on_the_start_and_on_reseeding_whatever_rows_they_see(learner, planted):
    rows_nd, _ = planted(spread=0.1)

    def work(comm):
        method = learner(16, comm=comm, n_clusters=12, max_epochs=3)
        mine_nd = rows_nd[comm.rank :: 2]
        method.initialize(mine_nd[:1].repeat(12, 1))
        for _ in range(3):
            method.update(mine_nd)
            metrics = method.end_epoch()
        return method.scorer().centroids_kd, metrics

    (first_kd, metrics), (second_kd, _) = run_ranks(2, work)
    assert torch.equal(first_kd, second_kd)
    assert metrics["utilisation"] == 1.0


def test_processes_draw_different_numbers(learner):
    first, second = run_ranks(2, lambda comm: learner(4, n_clusters=2, comm=comm).state_dict())
    assert not torch.equal(first["generator"], second["generator"])
