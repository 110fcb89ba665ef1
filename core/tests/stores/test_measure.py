"""The statistics of a shard are those that torch computes, value by value."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from traits_core.stores.commit import measure
from traits_core.stores.dtypes import TORCH_DTYPES, decode, encode
from traits_core.stores.open_shards import OpenShards
from traits_core.stores.shard_entries import SparseShard
from traits_core.stores.shard_memory import DenseShard

WIDTHS = {torch.float32: np.int32, torch.float16: np.int16, torch.bfloat16: np.int16}
SIGNS = {"any": lambda x: x, "positive": torch.abs, "negative": lambda x: -x.abs()}


@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("sign", SIGNS)
@given(data=st.data())
def test_any_bits_are_measured_as_torch_measures_them(dtype, sign, data):
    bits = data.draw(hnp.arrays(WIDTHS[dtype], st.integers(0, 5)))
    tensor = SIGNS[sign](torch.from_numpy(bits).view(dtype))
    stats, finite = measure(tensor), tensor[tensor.isfinite()]
    assert stats.n_nan == int(tensor.isnan().sum())
    assert stats.n_inf == int(tensor.isinf().sum())
    if finite.numel():
        extremes = (finite.min(), finite.max(), finite.abs().max())
        assert (stats.min, stats.max, stats.absmax) == tuple(map(float, extremes))
    else:
        assert (stats.min, stats.max, stats.absmax) == (0, 0, 0)


@pytest.mark.parametrize("source", [torch.float64, *WIDTHS])
@pytest.mark.parametrize("stored", TORCH_DTYPES)
@pytest.mark.parametrize("memory", [DenseShard, SparseShard])
@given(data=st.data())
def test_rows_are_measured_before_as_after_they_are_rounded(evolve, memory, source, stored, data):
    finite = st.floats(-65000, 65000, width=32)
    rows = torch.tensor(data.draw(st.lists(finite, min_size=2, max_size=8)))[:, None].to(source)
    rows = rows[rows.abs()[:, 0] < 65000]
    if not len(rows):
        return
    place = OpenShards(evolve(dtype=stored, rows_per_shard=8), memory).place(0, len(rows))
    place.put("low", rows)
    (part,) = place.parts
    found, after = part.stats["low"], measure(decode(encode(rows, stored), stored))
    assert found == after
    assert math.isfinite(found.absmax)
