"""The classifier against scikit-learn's, and where there is nothing to fit."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from traits_core.probing.ksparse.classifier import Classifier


@pytest.fixture
def task():
    rng = np.random.default_rng(0)
    features_nj = rng.normal(size=(400, 5)) * [1, 10, 0.01, 3, 1] + [0, 5, -1, 100, 0]
    features_nj[:, 4] = 7.0
    logits_n = features_nj[:, 0] - 0.2 * features_nj[:, 1] + 50 * (features_nj[:, 2] + 1)
    return features_nj, rng.random(400) < 1 / (1 + np.exp(-logits_n))


@pytest.mark.parametrize("ridge", [1e-4, 0.01, 1.0])
def test_logits_equal_those_of_scikit_learn(task, ridge):
    features_nj, labels_n = task
    scaled_nj = (features_nj - features_nj.mean(0)) / np.maximum(features_nj.std(0), 1e-9)
    peer = LogisticRegression(C=1 / (ridge * len(labels_n)), tol=1e-10, max_iter=10_000)
    peer.fit(scaled_nj, labels_n)
    found_n = Classifier.fit(features_nj, labels_n, ridge).logits(features_nj)
    np.testing.assert_allclose(found_n, peer.decision_function(scaled_nj), rtol=1e-5, atol=1e-5)


def test_a_constant_feature_gets_no_slope(task):
    assert Classifier.fit(*task, ridge=0.01).slopes_j[4] == 0


def test_separable_labels_have_finite_slopes_that_separate():
    features_n1 = np.array([[-1e-3], [-2e-3], [4e-3], [5e-3]])
    labels_n = np.array([False, False, True, True])
    found = Classifier.fit(features_n1, labels_n, ridge=1e-6)
    assert np.isfinite(found.slopes_j).all()
    np.testing.assert_array_equal(found.logits(features_n1) > 0, labels_n)


@pytest.mark.parametrize(("label", "bias"), [(False, -np.inf), (True, np.inf)])
def test_labels_of_one_class_have_no_slopes(label, bias):
    found = Classifier.fit(np.ones((3, 2)), np.full(3, label), ridge=0.01)
    assert found.bias == bias
    assert not found.slopes_j.any()


def test_equal_examples_stay_tied_wherever_they_stand(task):
    features_nj, labels_n = task
    found = Classifier.fit(features_nj, labels_n, ridge=0.01)
    again_nj = np.repeat(features_nj[:1], 37, axis=0)
    assert len(set(found.logits(again_nj).tolist())) == 1
