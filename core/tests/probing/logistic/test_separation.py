"""Separable pairs are found all and found alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.linear_model import LogisticRegression

from traits_core.probing.logistic.separation import separable


def by_definition(scores_n, labels_n):
    if labels_n.all() or not labels_n.any() or scores_n.min() == scores_n.max():
        return False
    yes_n, no_n = scores_n[labels_n], scores_n[~labels_n]
    return no_n.max() <= yes_n.min() or yes_n.max() <= no_n.min()


@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_flags_are_those_of_the_definition(data):
    n = data.draw(st.integers(1, 12))
    values = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.001, 0.5, 1e6])
    scores_na = data.draw(hnp.arrays(np.float32, (n, 4), elements=values))
    labels_na = data.draw(hnp.arrays(np.bool_, (n, 4)))
    expected = [by_definition(s, y) for s, y in zip(scores_na.T, labels_na.T, strict=True)]
    assert separable(scores_na, labels_na).tolist() == expected


@pytest.mark.parametrize("sign", [1, -1])
def test_one_row_on_the_wrong_side_decides(sign):
    scores_na = np.sort(np.random.default_rng(0).standard_normal((20_000, 1)), axis=0)
    labels_na = np.arange(20_000)[:, None] >= 19_000
    scores_na = (sign * scores_na).astype(np.float32)
    assert separable(scores_na, labels_na)
    labels_na[18_998] = True
    assert not separable(scores_na, labels_na)


def test_without_penalty_the_slope_of_separable_pairs_has_no_bound():
    """Scikit-learn's grows with the iterations it is allowed; that of a pair that overlaps does not."""
    scores_na = np.float32([[0, 0], [0, 0], [0, 1], [1, 0], [1, 1], [1, 1]])
    labels_na = np.array([0, 0, 0, 0, 1, 1], bool)[:, None].repeat(2, axis=1)
    labels_na[:, 1] = [0, 1, 0, 0, 1, 1]
    growth = []
    for a in range(2):
        slopes = [
            LogisticRegression(C=c, tol=1e-12, max_iter=10_000)
            .fit(scores_na[:, [a]], labels_na[:, a])
            .coef_.item()
            for c in (1e3, 1e6)
        ]
        growth.append(slopes[1] / slopes[0])
    assert (
        (np.array(growth) > 1.5).tolist()
        == separable(scores_na, labels_na).tolist()
        == [True, False]
    )
