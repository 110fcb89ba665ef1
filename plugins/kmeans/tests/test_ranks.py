import torch


def test_two_processes_equal_one(learner, fit, planted, run_ranks):
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
    assert first == second
    torch.testing.assert_close(first_kd, alone.scorer().centroids_kd, rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(first, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            torch.testing.assert_close(ours[name], theirs[name], rtol=1e-6, atol=1e-6)


def test_processes_agree_on_the_start_and_on_reseeding_whatever_rows_they_see(
    learner, planted, run_ranks
):
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


def test_processes_draw_different_numbers(learner, run_ranks):
    first, second = run_ranks(2, lambda comm: learner(4, n_clusters=2, comm=comm).state_dict())
    assert not torch.equal(first["generator"], second["generator"])
