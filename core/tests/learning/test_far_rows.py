import torch

from traits_core import FarRows, NullComm
from traits_core.testing import run_ranks

CPU = torch.device("cpu")


def drawn(weights, capacity, seed, batch=7):
    far = FarRows.empty(capacity, 1, CPU)
    generator = torch.Generator().manual_seed(seed)
    rows_nd = torch.arange(len(weights), dtype=torch.float32)[:, None]
    for start in range(0, len(weights), batch):
        part = slice(start, start + batch)
        far.offer(rows_nd[part], torch.tensor(weights[part]), generator)
    return far


def test_rows_stay_with_probability_proportional_to_their_weight():
    weights = [1.0, 2.0, 3.0, 4.0] * 5
    first = [int(drawn(weights, 1, seed).earliest(1, NullComm())[0, 0]) % 4 for seed in range(2000)]
    shares = torch.bincount(torch.tensor(first), minlength=4) / 2000
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.2, 0.3, 0.4]), atol=0.035, rtol=0)


def test_no_row_is_drawn_twice_and_none_of_weight_zero():
    far = drawn([0.0, 1.0] * 10, 16, seed=3)
    rows = far.earliest(16, NullComm())[:, 0].tolist()
    assert sorted(rows) == [float(i) for i in range(1, 20, 2)]


def test_the_earliest_of_all_rows_are_kept_in_any_batching():
    assert torch.equal(
        drawn([1.0] * 100, 10, seed=1, batch=100).earliest(10, NullComm()),
        drawn([1.0] * 100, 10, seed=1, batch=32).earliest(10, NullComm()),
    )


def test_all_processes_draw_the_same_rows_of_all_of_them():
    def work(comm):
        far = FarRows.empty(8, 1, CPU)
        rows_nd = torch.arange(4, dtype=torch.float32)[:, None] + 100 * comm.rank
        far.offer(rows_nd, torch.ones(4), torch.Generator().manual_seed(comm.rank))
        return far.earliest(8, comm), far.earliest(3, comm)

    (all_0, few_0), (all_1, few_1) = run_ranks(2, work)
    assert torch.equal(all_0, all_1)
    assert torch.equal(few_0, few_1)
    assert torch.equal(few_0, all_0[:3])
    assert sorted(all_0[:, 0].tolist()) == [0, 1, 2, 3, 100, 101, 102, 103]
