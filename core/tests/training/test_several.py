"""Several methods on one pass: each ends as if it were alone, and every batch is read once."""

import json

import numpy as np
import pytest
import torch


def record(directory):
    lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    timed = ("seconds", "rows_per_second", "peak_bytes")
    return [{name: v for name, v in line.items() if name not in timed} for line in lines]


ALL = [(epoch, batch) for epoch in range(3) for batch in range(7)]


def same(state, other):
    return state.keys() == other.keys() and all(torch.equal(state[k], other[k]) for k in state)


def test_each_ends_as_if_it_were_alone_and_batches_are_read_once(counting, train, stream, tmp_path):
    together = {tmp_path / f"{seed}": counting(seed=seed) for seed in range(3)}
    train(together, stream)
    assert stream.read == ALL
    for seed, (directory, method) in enumerate(together.items()):
        alone = counting(seed=seed)
        train({tmp_path / f"alone-{seed}": alone}, type(stream)())
        assert same(method.state_dict(), alone.state_dict())
        assert record(directory) == record(tmp_path / f"alone-{seed}")


def test_one_that_needs_fewer_epochs_leaves_the_others_alone(counting, train, stream, tmp_path):
    methods = {tmp_path / "short": counting(epochs=1), tmp_path / "long": counting(epochs=3)}
    train(methods, stream)
    assert stream.read == ALL
    assert [method.updates for method in methods.values()] == [7, 21]


@pytest.mark.parametrize("fails_at", [1, 3, 7, 8, 12, 20])
def test_those_behind_catch_up_and_the_others_join_where_they_are(
    counting, train, stream, tmp_path, fails_at
):
    ahead = tmp_path / "ahead"
    with pytest.raises(ConnectionError):
        train({ahead: counting(seed=1, fails_at=fails_at)}, type(stream)())
    methods = {ahead: counting(seed=1), tmp_path / "behind": counting(seed=2)}
    train(methods, stream)
    assert stream.read == ALL
    for seed, (directory, method) in enumerate(methods.items(), 1):
        alone = counting(seed=seed)
        train({tmp_path / f"alone-{seed}": alone}, type(stream)())
        assert same(method.state_dict(), alone.state_dict())
        assert record(directory) == record(tmp_path / f"alone-{seed}")
    last_kept = max(step for step in (0, 4, 7, 8, 12, 14, 16, 20) if step < fails_at)
    assert methods[ahead].updates == 21 - last_kept


def test_a_metric_with_many_values_is_recorded_as_a_histogram(counting, train, stream, tmp_path):
    method = counting(epochs=1)
    train({tmp_path / "a": method}, stream)
    (epoch,) = [line for line in record(tmp_path / "a") if line["kind"] == "epoch"]
    counts, edges = np.histogram(method.state_d.numpy(), bins=64)
    assert epoch["state"] == {"low": edges[0], "high": edges[-1], "counts": counts.tolist()}


def test_what_is_done_is_not_trained_again(counting, train, stream, tmp_path):
    train({tmp_path / "a": counting()}, stream)
    again = counting()
    train({tmp_path / "a": again}, stream)
    assert again.updates == 0
    assert stream.read == ALL
