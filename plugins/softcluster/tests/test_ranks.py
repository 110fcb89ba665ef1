import pytest
import torch

from traits_core.testing import run_ranks


@pytest.mark.parametrize("top_m", [4, 15])
@pytest.mark.parametrize("exact_epochs", [0, 2, 4])
def test_two_processes_equal_one(learner, planted, top_m, exact_epochs):
    rows_nd, *_ = planted(n=1024, kappa=20.0)
    options = {"n_clusters": 15, "max_epochs": 4, "tol": 0.0, "small_cluster": 0.0}
    options |= {"top_m": top_m, "exact_epochs": exact_epochs}

    def train(comm_options, mine):
        method = learner(16, **comm_options, **options)
        method.initialize(rows_nd)
        history = []
        while not method.done:
            for acts_bd in torch.split(rows_nd, 256):
                method.update(acts_bd[mine])
            history.append(dict(method.end_epoch()))
        return method.scorer().centres.centres_kd, history

    expected_kd, expected = train({}, slice(None))
    (first_kd, first), (second_kd, second) = run_ranks(
        2, lambda comm: train({"comm": comm}, slice(comm.rank, None, 2))
    )
    assert torch.equal(first_kd, second_kd)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first_kd, expected_kd, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(first, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-4)


def test_processes_agree_on_reseeding_whatever_rows_they_see(learner, planted):
    rows_nd, *_ = planted(kappa=3.0)

    def work(comm):
        options = {"n_clusters": 60, "temperature": 0.01, "small_cluster": 0.9}
        method = learner(16, comm=comm, **options)
        mine_nd = rows_nd[comm.rank :: 2]
        method.initialize(mine_nd)
        for _ in range(2):
            method.update(mine_nd)
            moved = method.end_epoch()["n_reseeded"]
        return method.scorer().centres.centres_kd, moved

    (first_kd, moved), (second_kd, _) = run_ranks(2, work)
    assert torch.equal(first_kd, second_kd)
    assert moved > 0
