"""Planted clusters are pure, dead prototypes count nowhere, and what is learned is learned on train."""

import numpy as np
import pytest

from traits_core.probing.purity.config import PurityConfig
from traits_core.probing.purity.probe import PurityProbe


def planted(split, rng, n, dead_score=-9.0):
    """Prototypes 0 to 2 are the classes, nine times of ten; prototype 3 never scores highest."""
    classes_n = rng.integers(3, size=n)
    told_n = np.where(rng.random(n) < 0.9, classes_n, rng.integers(3, size=n))
    scores_nk = np.hstack([told_n[:, None] == np.arange(3), np.full((n, 1), dead_score)])
    noise_nk = rng.normal(size=(n, 4))
    labels_nt = classes_n[:, None] == np.arange(3)
    return split(labels_nt, method=scores_nk, gaussian=noise_nk, activations=noise_nk)


@pytest.fixture
def result(split):
    rng = np.random.default_rng(0)
    return PurityProbe(PurityConfig(rows=64))(
        planted(split, rng, 900), planted(split, rng, 600), seed=0
    )


def row(result, name):
    (found,) = [entry for entry in result.headline if entry["row"] == name]
    return found


def test_planted_clusters_are_found_and_nulls_are_not(result):
    method = row(result, "method")
    assert method["purity"] == pytest.approx(0.9 + 0.1 / 3, abs=0.02)
    assert method["n_alive"] == 3
    assert method["nmi"] > 0.6
    for null in ("constant", "permuted", "gaussian"):
        assert row(result, null)["purity"] == pytest.approx(1 / 3, abs=0.06)
        assert row(result, null)["nmi"] < 0.02


def test_a_dead_prototype_is_in_no_table(result):
    assert [entry["prototype"] for entry in result.tables["prototypes"]] == [0, 1, 2]
    for entry in result.tables["prototypes"]:
        assert entry["trait"] == f"trait {entry['prototype']}"
        assert entry["purity"] == pytest.approx(0.93, abs=0.04)


def test_a_prototype_that_only_test_rows_go_to_has_no_purity(split):
    rng = np.random.default_rng(1)
    train, test = planted(split, rng, 300), planted(split, rng, 200, dead_score=0.5)
    test.scores["method"].scores_nk[:20, :3] = 0
    found = PurityProbe(PurityConfig())(train, test, seed=0)
    (late,) = [entry for entry in found.tables["prototypes"] if entry["prototype"] == 3]
    assert (late["n_train"], late["n"], late["trait"], late["purity"]) == (0, 20, None, None)
    assert row(found, "method")["purity"] > 0.85


def test_names_are_learned_on_train(split):
    """Prototypes that mean other classes on test are as wrong as they are there."""
    rng = np.random.default_rng(2)
    train, test = planted(split, rng, 600), planted(split, rng, 600)
    test.scores["method"].scores_nk[:, :3] = test.scores["method"].scores_nk[:, [1, 2, 0]]
    found = PurityProbe(PurityConfig())(train, test, seed=0)
    assert row(found, "method")["purity"] < 0.1
    assert row(found, "method")["nmi"] > 0.6
