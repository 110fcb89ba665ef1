"""What is odd about activations is named by the stated rules, and nothing else is."""

import json

import pytest
import torch

from traits_core.config.structure import structure_record, unstructure
from traits_core.statistics.collect import collect
from traits_core.statistics.summary import Summary, summarize

POSITIONS = 6


def plain(n=600, d=32):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def summary_of(store_of):
    return lambda rows_nd, **options: summarize(
        collect(store_of(rows_nd, positions=POSITIONS), "a", **options)
    )


def test_plain_activations_have_nothing_odd(summary_of):
    found = summary_of(plain())
    assert found.constant_dimensions == found.outlier_dimensions == found.sink_positions == ()
    assert (found.zero_rows, found.duplicate_rows, found.most_repeated) == (0, 0, 1)
    assert (found.rows, found.positions, found.d_model) == (600, POSITIONS, 32)


def test_large_means_and_large_spreads_are_outliers(summary_of):
    rows_nd = plain()
    rows_nd[:, 4] += 40
    rows_nd[:, 9] *= 15
    rows_nd[:, 20] += 8  # large, but below ten times the median
    first, second = summary_of(rows_nd).outlier_dimensions
    assert (first.dimension, second.dimension) == (4, 9)
    assert first.mean == pytest.approx(40, abs=0.2)
    assert second.std == pytest.approx(15, rel=0.1)
    assert first.ratio == pytest.approx(40, rel=0.1)


def test_dimensions_that_are_zero_do_not_make_the_others_outliers(summary_of):
    rows_nd = plain()
    rows_nd[:, 8:] = 0
    found = summary_of(rows_nd)
    assert found.outlier_dimensions == ()
    assert found.constant_dimensions == tuple(range(8, 32))


def test_all_zeros_are_described_without_a_division_by_zero(summary_of):
    found = summary_of(torch.zeros(600, 3), covariance=True)
    assert found.zero_rows == 600
    assert found.duplicate_rows == 599
    assert found.effective_dimensions == 0
    json.dumps(unstructure(found), allow_nan=False)


def test_a_position_of_long_rows_is_a_sink(summary_of):
    rows_nd = plain()
    rows_nd[0::POSITIONS] *= 150
    rows_nd[3::POSITIONS] *= 4  # below five times the median
    (sink,) = summary_of(rows_nd).sink_positions
    assert sink.position == 0
    assert sink.ratio == pytest.approx(150, rel=0.1)


def test_effective_dimensions_count_equal_directions(summary_of):
    rows_nd = plain(60_000, 8)
    assert summary_of(rows_nd, covariance=True).effective_dimensions == pytest.approx(8, rel=0.01)
    rows_nd[:, 3:] = 0
    assert summary_of(rows_nd, covariance=True).effective_dimensions == pytest.approx(3, rel=0.01)
    assert summary_of(rows_nd).effective_dimensions is None


def test_the_schema_survives_json(summary_of):
    found = summary_of(plain(), covariance=True)
    text = json.dumps(unstructure(found), allow_nan=False)
    assert structure_record(Summary, json.loads(text)) == found
