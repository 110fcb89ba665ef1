"""Scorers behind a normaliser."""

import attrs
import pytest
import torch

from traits_core import BlockwiseScorer, SparseScorer
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


class Blockwise(Dense):
    """Hands out its columns by block."""

    def blocks(self, acts_bd, width):
        return iter(acts_bd.split(width, dim=1))


class Both(Sparse, Blockwise):
    """Is sparse, and hands out its columns by block."""


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


@pytest.mark.parametrize("kind", [Blockwise, Both])
def test_a_normalised_scorer_hands_out_the_columns_of_its_scores(fitted, kind):
    rows_nd = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)) * 3 + 1
    normalizer = fitted("standardize", rows_nd)
    first_nw, last_nw = normalized(normalizer, kind()).blocks(rows_nd, 4)
    assert torch.equal(first_nw, normalizer(rows_nd)[:, :4])
    assert torch.equal(last_nw, normalizer(rows_nd)[:, 4:])


@pytest.mark.parametrize("kind", [Dense, Sparse, Blockwise, Both])
def test_a_normalised_scorer_is_sparse_or_blockwise_only_when_its_scorer_is(fitted, kind):
    scorer = normalized(fitted("center", torch.randn(20, 6)), kind())
    assert isinstance(scorer, SparseScorer) == issubclass(kind, Sparse)
    assert isinstance(scorer, BlockwiseScorer) == issubclass(kind, Blockwise)
