"""Mixing is 1 for a whole-store shuffle, 0 for batches of one example, and grows with the window."""

import numpy as np
import pytest
from scipy.stats import entropy

from traits_core.errors import DataError
from traits_core.streaming.mixing import measure_mixing
from traits_core.streaming.shuffle import ShuffledStream


def test_a_window_of_everything_mixes_like_chance(ramp):
    store, _ = ramp(rows=4096, chunk_rows=64, positions=16)
    mixing = measure_mixing(ShuffledStream(store, "a", 256, seed=0, window_chunks=64))
    assert mixing.ratio == pytest.approx(1, abs=0.01)


def test_batches_of_one_example_do_not_mix(ramp):
    store, _ = ramp(rows=256, chunk_rows=16, positions=16)
    mixing = measure_mixing(ShuffledStream(store, "a", 16, seed=0, window_chunks=1))
    assert (mixing.stream, mixing.ratio) == (0, 0)


def test_larger_windows_mix_better(ramp):
    store, _ = ramp(rows=4096, chunk_rows=64, positions=16)
    ratios = [
        measure_mixing(ShuffledStream(store, "a", 256, 0, window)).ratio for window in (1, 4, 16)
    ]
    assert ratios == sorted(ratios)
    assert ratios[0] < 0.6 < 0.8 < ratios[2]


def test_the_entropy_is_that_of_scipy(ramp):
    store, _ = ramp(rows=400, chunk_rows=8, positions=4)
    stream = ShuffledStream(store, "a", 30, seed=1)
    expected = [entropy(np.bincount(ids // 4), base=2) for ids in list(stream.row_ids(2))[:5]]
    assert measure_mixing(stream, epoch=2, n_batches=5).stream == pytest.approx(np.mean(expected))


def test_nothing_is_read(ramp):
    store, reads = ramp(rows=400)
    measure_mixing(ShuffledStream(store, "a", 30, seed=1))
    assert reads == []


def test_one_example_in_all_is_mixed_as_well_as_can_be(ramp):
    store, _ = ramp(rows=16, positions=16)
    assert measure_mixing(ShuffledStream(store, "a", 8, seed=0)).ratio == 1


def test_an_epoch_without_a_whole_batch_is_refused(ramp):
    store, _ = ramp(rows=16)
    with pytest.raises(DataError, match="17 of 16 rows"):
        measure_mixing(ShuffledStream(store, "a", 17, seed=0))
