import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from traits_core.reporting.exemplars import top_examples


@given(st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0])), st.integers(0, 12))
def test_top_examples_are_the_largest_and_ties_go_to_the_lowest_index(scores, k):
    expected = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:k]
    assert top_examples(np.array(scores, np.float32), k).tolist() == expected


def test_nan_is_never_a_top_example_while_there_is_another():
    assert top_examples(np.array([np.nan, -np.inf, 1.0]), 2).tolist() == [2, 1]
