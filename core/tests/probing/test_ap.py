"""Average precision equals scikit-learn's, whatever the scores and labels look like."""

import sys
import tracemalloc
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score

from traits_core import TraitsError
from traits_core.probing import ap
from traits_core.probing.ap import average_precision, average_precision_pairs, kernel_for
from traits_core.probing.positives import Positives
from traits_core.probing.ranks import ap_of_few, count_at_least, fill_by_numpy


def slow_average_precision(scores_n, labels_n):
    """The definition: precision at each threshold, weighted by the recall that it adds."""
    total = 0.0
    for threshold in np.unique(scores_n):
        precision = labels_n[scores_n >= threshold].mean()
        total += precision * labels_n[scores_n == threshold].sum()
    return total / labels_n.sum() if labels_n.any() else 0.0


def sklearn_average_precision(scores_nk, labels_nt):
    finite_nk = np.clip(scores_nk.astype(np.float64), -1e30, 1e30)  # it refuses infinity
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of traits without a positive
        return np.array(
            [
                [average_precision_score(labels_n, scores_n) for labels_n in labels_nt.T]
                for scores_n in finite_nk.T
            ]
        )


RNG = np.random.default_rng(0)
CONTINUOUS = RNG.standard_normal((211, 9)).astype(np.float32)
LABELS = RNG.random((211, 13)) < np.linspace(0.01, 0.9, 13)
LABELS[:, 3] = False
LABELS[:, 7] = True
LABELS[:, 9] = np.arange(211) == 50
CASES = {
    "continuous": CONTINUOUS,
    "half precision": CONTINUOUS.astype(np.float16),
    "float64": CONTINUOUS.astype(np.float64),
    "coarse": np.round(CONTINUOUS * 2),
    "integer": np.round(CONTINUOUS * 3).astype(np.int64),
    "half zero": np.maximum(CONTINUOUS, 0),
    "mostly zero": np.where(RNG.random(CONTINUOUS.shape) < 0.95, 0, np.abs(CONTINUOUS)),
    "mostly zero, some below": np.where(RNG.random(CONTINUOUS.shape) < 0.95, 0, CONTINUOUS),
    "mostly zero, coarse": np.maximum(np.round(CONTINUOUS * 2), 1) - 1,
    "all zero": np.zeros_like(CONTINUOUS),
    "all negative": -1 - np.abs(CONTINUOUS),
    "signed zeros": np.where(CONTINUOUS > 0, np.float32(0.0), np.float32(-0.0)),
    "minus infinity": np.where(CONTINUOUS < 0, -np.inf, CONTINUOUS),
    "plus infinity": np.where(CONTINUOUS > 1, np.inf, CONTINUOUS),
    "constant": np.full_like(CONTINUOUS, 3.25),
    "constant minus infinity": np.full_like(CONTINUOUS, -np.inf),
    "sorted": np.sort(CONTINUOUS, axis=0),
    "column-major": np.asfortranarray(CONTINUOUS),
}


def fill_each_by_few(ap_kt, ranked, positives):
    """What `fill_by_numpy` does where most scores are the lowest, for all scores."""
    for ap_t, at_least_n in zip(ap_kt, count_at_least(ranked), strict=True):
        ap_t[:] = ap_of_few(at_least_n, positives)


KERNELS = {"numpy": fill_by_numpy, "few": fill_each_by_few}
if find_spec("numba"):
    from traits_core.probing.compiled import fill_compiled

    KERNELS["compiled"] = fill_compiled


@pytest.fixture(params=KERNELS)
def kernel(request):
    return KERNELS[request.param]


@pytest.mark.parametrize("case", CASES)
def test_ap_equals_scikit_learn(case, kernel):
    ap_kt = average_precision(CASES[case], Positives.of(LABELS), kernel=kernel)
    np.testing.assert_allclose(
        ap_kt, sklearn_average_precision(CASES[case], LABELS), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("case", CASES)
def test_ap_of_pairs_is_that_of_the_matrix(case):
    scores_nk, positives = CASES[case], Positives.of(LABELS)
    ap_kt = average_precision(scores_nk, positives)
    rng = np.random.default_rng(0)
    prototypes = rng.integers(scores_nk.shape[1], size=200)
    traits = rng.integers(LABELS.shape[1], size=200)
    found = average_precision_pairs(scores_nk, positives, prototypes, traits)
    np.testing.assert_allclose(found, ap_kt[prototypes, traits], rtol=0, atol=1e-14)


def test_ap_of_no_pairs_is_empty():
    none = np.zeros(0, np.intp)
    assert len(average_precision_pairs(CONTINUOUS, Positives.of(LABELS), none, none)) == 0


@pytest.mark.parametrize("n", [65535, 65536])
def test_many_examples_take_wider_ranks(n, kernel):
    rng = np.random.default_rng(n)
    scores_nk = rng.standard_normal((n, 2)).astype(np.float32)
    scores_nk[:, 1] = np.round(scores_nk[:, 1])
    labels_nt = rng.random((n, 2)) < (0.001, 0.5)
    ap_kt = average_precision(scores_nk, Positives.of(labels_nt), kernel=kernel)
    np.testing.assert_allclose(
        ap_kt, sklearn_average_precision(scores_nk, labels_nt), rtol=0, atol=1e-11
    )


@pytest.mark.parametrize("scores_at_a_time", [1, 211, 1000])
def test_batches_do_not_change_a_bit(scores_at_a_time, monkeypatch, kernel):
    positives = Positives.of(LABELS)
    pairs = np.arange(9), np.arange(9)
    whole_kt = average_precision(CONTINUOUS, positives, kernel=kernel)
    whole_c = average_precision_pairs(CONTINUOUS, positives, *pairs)
    monkeypatch.setattr(ap, "BATCH_SCORES", scores_at_a_time)
    batched_kt = average_precision(CONTINUOUS, positives, kernel=kernel)
    np.testing.assert_array_equal(batched_kt, whole_kt)
    batched_c = average_precision_pairs(CONTINUOUS, positives, *pairs)
    np.testing.assert_array_equal(batched_c, whole_c)


def test_numba_is_not_loaded_for_little_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "traits_core.probing.compiled", None)
    assert kernel_for(ap.WORTH_COMPILING - 1) is fill_by_numpy


def test_without_numba_numpy_does_all_the_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "traits_core.probing.compiled", None)
    assert kernel_for(ap.WORTH_COMPILING) is fill_by_numpy


@pytest.mark.skipif("compiled" not in KERNELS, reason="numba is not installed")
def test_with_numba_much_work_is_compiled():
    assert kernel_for(ap.WORTH_COMPILING) is KERNELS["compiled"]


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_ap_equals_the_definition_and_ignores_the_order_of_rows(kernel, data):
    n = data.draw(st.integers(1, 30))
    scores_nk = data.draw(
        hnp.arrays(np.float32, (n, 2), elements=st.sampled_from([-np.inf, -1, -0.0, 0, 0.5, 2]))
    )
    labels_nt = data.draw(hnp.arrays(np.bool_, (n, 3)))
    order = np.array(data.draw(st.permutations(range(n))))

    ap_kt = average_precision(scores_nk, Positives.of(labels_nt), threads=1, kernel=kernel)

    slow_kt = [[slow_average_precision(s, y) for y in labels_nt.T] for s in scores_nk.T]
    np.testing.assert_allclose(ap_kt, slow_kt, rtol=0, atol=1e-14)
    shuffled = Positives.of(labels_nt[order])
    shuffled_kt = average_precision(scores_nk[order], shuffled, threads=1, kernel=kernel)
    np.testing.assert_array_equal(shuffled_kt, ap_kt)


def test_tied_positives_do_not_profit_from_coming_first():
    labels_nt = (np.arange(1000) < 100)[:, None]
    scores_nk = np.zeros((1000, 1), np.float32)
    scores_nk[[5, 995], 0] = 1
    first = average_precision(scores_nk, Positives.of(labels_nt))
    last = average_precision(scores_nk[::-1], Positives.of(labels_nt[::-1]))
    assert first == last == pytest.approx(sklearn_average_precision(scores_nk, labels_nt))


@pytest.mark.parametrize("n", [1, 3, 7, 49, 103, 997])
def test_constant_scores_give_exactly_the_prevalence(n, kernel):
    labels_nt = np.arange(n)[:, None] < np.arange(n + 1)  # every number of positives
    scores_nk = np.full((n, 1), -0.5, np.float32)
    ap_kt = average_precision(scores_nk, Positives.of(labels_nt), kernel=kernel)
    np.testing.assert_array_equal(ap_kt[0], labels_nt.mean(axis=0))


def test_a_trait_without_positives_has_zero_and_one_without_negatives_has_one():
    labels_nt = np.stack([np.zeros(50, bool), np.ones(50, bool)], axis=1)
    ap_kt = average_precision(CONTINUOUS[:50], Positives.of(labels_nt))
    np.testing.assert_array_equal(ap_kt[:, 0], 0)
    np.testing.assert_allclose(ap_kt[:, 1], 1, rtol=0, atol=1e-15)


def test_no_positives_at_all_give_zeros():
    labels_nt = np.zeros((50, 4), bool)
    np.testing.assert_array_equal(average_precision(CONTINUOUS[:50], Positives.of(labels_nt)), 0)


@pytest.mark.parametrize("threads", [1, 2, 5, 32])
def test_threads_do_not_change_a_bit(threads, kernel):
    positives = Positives.of(LABELS)
    expected = average_precision(CONTINUOUS, positives, kernel=kernel)
    found = average_precision(CONTINUOUS, positives, threads, kernel)
    np.testing.assert_array_equal(found, expected)


def test_scores_and_labels_are_not_written_to():
    scores_nk, labels_nt = CONTINUOUS.copy(), LABELS.copy()
    scores_nk.flags.writeable = labels_nt.flags.writeable = False
    average_precision(scores_nk, Positives.of(labels_nt))
    average_precision_pairs(scores_nk, Positives.of(labels_nt), np.arange(9), np.arange(9))


def test_nan_scores_are_refused_by_place():
    scores_nk = CONTINUOUS.copy()
    scores_nk[17, 4] = np.nan
    with pytest.raises(TraitsError, match="example 17 in column 4"):
        average_precision(scores_nk, Positives.of(LABELS))
    with pytest.raises(TraitsError, match="NaN"):
        average_precision_pairs(scores_nk, Positives.of(LABELS), np.arange(9), np.arange(9))


def test_scores_of_other_examples_are_refused():
    with pytest.raises(TraitsError, match="211 examples"):
        average_precision(CONTINUOUS[:-1], Positives.of(LABELS))
    with pytest.raises(TraitsError, match="211 examples"):
        average_precision_pairs(CONTINUOUS[:-1], Positives.of(LABELS), np.arange(9), np.arange(9))


@pytest.mark.parametrize("labels_nt", [np.zeros((0, 3), bool), np.zeros((4, 3)), np.zeros(4, bool)])
def test_labels_that_are_no_boolean_matrix_are_refused(labels_nt):
    with pytest.raises(TraitsError, match="boolean labels"):
        Positives.of(labels_nt)


def test_memory_is_far_below_prototypes_x_examples_x_traits(kernel):
    n, k, t = 3000, 512, 200
    rng = np.random.default_rng(1)
    scores_nk = rng.standard_normal((n, k)).astype(np.float32)
    positives = Positives.of(rng.random((n, t)) < 0.1)
    sparse_nk = np.maximum(scores_nk - 0.8, 0)
    tracemalloc.start()
    for some_nk in (scores_nk, sparse_nk):
        average_precision(some_nk, positives, threads=1, kernel=kernel)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < k * t * 8 + 40 * ap.BATCH_SCORES + 100_000 < n * k * t / 10
