"""The largest of each row by tiles, the n-th largest of a batch, and thresholds of many batches."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from traits_core import NullComm
from traits_core.testing import run_ranks
from traits_plugin_sae.precision import choosing_dtype
from traits_plugin_sae.thresholds import Sketch, nth_largest
from traits_plugin_sae.top_per_row import TopPerRow

CPU = torch.device("cpu")


def test_tiles_make_no_difference(weights):
    weights = weights(d_model=12, n_latents=40)
    rows_bd = torch.randn(23, 12, generator=torch.Generator().manual_seed(1))
    whole = TopPerRow(torch.empty(64, 40))(weights, rows_bd, 6)
    tiled = TopPerRow(torch.empty(5, 40))(weights, rows_bd, 6)
    torch.testing.assert_close(whole[0].sort(dim=1).values, tiled[0].sort(dim=1).values)
    assert torch.equal(whole[1].sort(dim=1).values, tiled[1].sort(dim=1).values)


@settings(deadline=None, max_examples=100)
@given(
    values=st.lists(st.floats(0, 2.0**100, width=32), max_size=60),
    n=st.integers(1, 70),
)
def test_the_nth_largest_is_that_of_a_sort(values, n):
    values_e = torch.tensor(values, dtype=torch.float32) + 0.0  # no negative zero
    expected = float(values_e.sort(descending=True).values[n - 1]) if n <= len(values) else 0.0
    assert nth_largest(values_e, n, NullComm()) == expected


def test_the_nth_largest_is_over_all_processes():
    values_e = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    parts = [values_e[:300], values_e[300:]]
    found = run_ranks(2, lambda comm: nth_largest(parts[comm.rank], 250, comm))
    assert found == [float(values_e.sort(descending=True).values[249])] * 2


def test_a_sketch_finds_the_threshold_above_which_k_per_row_are():
    sketch = Sketch.empty(CPU)
    values_e = torch.rand(100_000, generator=torch.Generator().manual_seed(0)).square()
    sketch.observe(values_e, 1000, NullComm())
    for k in (1, 7.5, 50):
        per_row = float((values_e > sketch.threshold(k)).sum()) / 1000
        assert per_row == pytest.approx(k, rel=0.01)
    assert sketch.threshold(101) == 0.0
    assert Sketch.empty(CPU).threshold(4) == 0.0


def test_a_sketch_forgets():
    sketch = Sketch.empty(CPU)
    generator = torch.Generator().manual_seed(0)
    for factor in (1.0, 10.0):
        for _ in range(600):
            sketch.observe(factor * torch.rand(1000, generator=generator), 100, NullComm())
    assert sketch.threshold(5) == pytest.approx(5.0, rel=0.02)


def test_bfloat16_chooses_and_float32_measures(weights):
    weights = weights(d_model=24, n_latents=64)
    rows_bd = torch.randn(50, 24, generator=torch.Generator().manual_seed(1))
    values_bk, latents_bk = TopPerRow.of(64, CPU, torch.bfloat16)(weights, rows_bd, 4)
    pre_bs = rows_bd @ weights.encoder_sd.T + weights.encoder_bias_s
    torch.testing.assert_close(values_bk, pre_bs.gather(1, latents_bk))
    fourth_b = pre_bs.topk(4, dim=1).values[:, -1:]
    assert (values_bk > fourth_b - 0.02 * pre_bs.abs().amax(dim=1, keepdim=True)).all()
    assert not torch.equal(values_bk, values_bk.bfloat16().float())


@pytest.mark.parametrize(
    ("flags", "dtype"), [({"amx_bf16": True}, torch.bfloat16), ({"avx2": True}, torch.float32)]
)
def test_bfloat16_is_used_only_where_the_hardware_has_it(flags, dtype, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags, raising=False)
    assert choosing_dtype("bfloat16", CPU) is dtype
    assert choosing_dtype("float32", CPU) is torch.float32
