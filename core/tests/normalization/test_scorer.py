"""Scorers behind a normaliser."""

import attrs
import pytest
import torch

from traits_core import SparseScorer
from traits_core.normalization.scorer import normalized


@attrs.frozen
class Dense:
    """Scores are the activations."""

    n_prototypes = 6

    def __call__(self, acts_bd):
        return acts_bd


class Sparse(Dense):
    """Keeps the two largest."""

    def sparse(self, acts_bd):
        largest = acts_bd.topk(2, dim=1)
        return largest.values, largest.indices


@pytest.mark.parametrize("kind", ["standardize", "unit-norm", "zca"])
def test_a_normalised_scorer_keeps_what_its_scorer_keeps(fitted, kind):
    rows_nd = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)) * 3 + 1
    normalizer = fitted(kind, rows_nd)
    scorer = normalized(normalizer, Sparse())
    assert isinstance(scorer, SparseScorer)
    values_bj, prototypes_bj = scorer.sparse(rows_nd)
    expected = normalizer(rows_nd).topk(2, dim=1)
    torch.testing.assert_close(values_bj, expected.values, rtol=0, atol=0)
    assert torch.equal(prototypes_bj, expected.indices)
    torch.testing.assert_close(scorer(rows_nd), normalizer(rows_nd), rtol=0, atol=0)


def test_a_normalised_scorer_is_sparse_only_when_its_scorer_is(fitted):
    normalizer = fitted("center", torch.randn(20, 6))
    assert not isinstance(normalized(normalizer, Dense()), SparseScorer)
