"""Scores of every shape that scorers have, with labels that some of them know."""

import numpy as np
import pytest

N, K, C = 3000, 6, 5


def _cases():
    rng = np.random.default_rng(0)
    labels_nc = rng.random((N, C)) < np.linspace(0.01, 0.6, C)
    base_nk = rng.standard_normal((N, K)) + 1.5 * labels_nc[:, np.arange(K) % C] * np.arange(K) / K
    cases = {
        "normal": base_nk,
        "far from zero": base_nk * 1e-2 - 30,
        "distances": -np.sqrt(base_nk**2 + 400),
        "heavy tails": np.exp(base_nk),
        "mostly zero": np.maximum(base_nk - 1.5, 0),
        "whole numbers": np.round(base_nk * 2),
        "two values": (base_nk > 0.5) * 3.0,
    }
    return labels_nc, {name: scores_nk.astype(np.float32) for name, scores_nk in cases.items()}


LABELS, SCORES = _cases()


@pytest.fixture
def labels_nc():
    return LABELS.copy()


@pytest.fixture(params=SCORES)
def scores_nk(request):
    return SCORES[request.param].copy()
