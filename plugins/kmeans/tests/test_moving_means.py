import pytest
import torch

from traits_plugin_kmeans.moving_means import move_means


def test_means_are_those_of_all_rows_weighted_by_their_age():
    generator = torch.Generator().manual_seed(0)
    start_kd = torch.randn(3, 4, generator=generator)
    means_kd, weights_k = start_kd.clone(), torch.tensor([2.0, 0.5, 1.0])
    rows, weights = [[row] for row in start_kd.double()], [[w] for w in weights_k.double()]
    for step in range(6):
        batch_bd = torch.randn(20, 4, generator=generator)
        labels_b = torch.randint(3, (20,), generator=generator)
        labels_b[labels_b == 2] = 0 if step % 2 else 2  # cluster 2 gets no rows in every other step
        sums_kd = torch.zeros(3, 4).index_add_(0, labels_b, batch_bd)
        counts_k = torch.bincount(labels_b, minlength=3)
        rate = move_means(means_kd, weights_k, sums_kd, counts_k, decay=0.8)
        hit = []
        for k in range(3):
            mine_bd = batch_bd[labels_b == k].double()
            rows[k] += list(mine_bd)
            weights[k] = [w * 0.8 for w in weights[k]] + [torch.tensor(1.0).double()] * len(mine_bd)
            if len(mine_bd):
                hit.append(len(mine_bd) / float(sum(weights[k])))
        assert rate == pytest.approx(sum(hit) / len(hit), rel=1e-5)
    for k in range(3):
        w, x = torch.stack(weights[k]), torch.stack(rows[k])
        assert float(weights_k[k]) == pytest.approx(float(w.sum()), rel=1e-5)
        expected_d = (w[:, None] * x).sum(dim=0) / w.sum()
        torch.testing.assert_close(means_kd[k].double(), expected_d, rtol=1e-4, atol=1e-5)


def test_clusters_without_rows_stay_where_they_are_whatever_they_weigh():
    means_kd, weights_k = torch.tensor([[1.0], [2.0]]), torch.tensor([0.0, 3.0])
    rate = move_means(
        means_kd, weights_k, torch.zeros(2, 1), torch.zeros(2, dtype=torch.int64), 0.5
    )
    assert means_kd.tolist() == [[1.0], [2.0]]
    assert weights_k.tolist() == [0.0, 1.5]
    assert rate == 0.0
