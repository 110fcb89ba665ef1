"""What more prototypes add, and what the tables say."""

import attrs
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from traits_core.probing.ksparse.config import KSparseConfig
from traits_core.probing.ksparse.probe import KSparseProbe


def task(rng, n):
    """Three classes and a trait; each class is spread out over two prototypes, the trait over none."""
    classes_n = rng.integers(3, size=n)
    one_hot_nc = classes_n[:, None] == np.arange(3)
    labels_nt = np.hstack([one_hot_nc, rng.random((n, 1)) < 0.3])
    spread_nk = np.repeat(one_hot_nc, 2, axis=1) + rng.normal(size=(n, 6))
    return labels_nt, np.hstack([rng.normal(size=(n, 4)), spread_nk])


@pytest.fixture
def splits(split):
    rng = np.random.default_rng(0)
    made = []
    for n in (600, 400):
        labels_nt, scores_nk = task(rng, n)
        noise_nk = rng.normal(size=scores_nk.shape)
        made.append(split(labels_nt, method=scores_nk, gaussian=noise_nk, activations=noise_nk))
    groups = ("class", "class", "class", "other")
    return [regrouped(one, groups) for one in made]


def regrouped(one, groups):
    return attrs.evolve(one, traits=attrs.evolve(one.traits, groups=groups))


@pytest.fixture
def result(splits):
    return KSparseProbe(KSparseConfig(k=(1, 2, 6), block=4))(*splits, seed=0)


def rows_of(table, row):
    return [entry for entry in table if entry["row"] == row]


def test_the_prototypes_that_a_class_is_spread_over_know_more_together(result):
    map_of_k = {entry["k"]: entry["map"] for entry in rows_of(result.tables["sparsity"], "method")}
    assert map_of_k[1] + 0.05 < map_of_k[2] < map_of_k[6]


def test_the_headline_is_the_largest_k(result):
    (shown,) = rows_of(result.headline, "method")
    (largest,) = [e for e in rows_of(result.tables["sparsity"], "method") if e["k"] == 6]
    assert largest.items() <= shown.items()
    assert [(entry["row"], entry["k"]) for entry in result.headline] == [
        *(("constant", 0), ("permuted", 6), ("gaussian", 6), ("activations", 6), ("method", 6))
    ]


def test_more_prototypes_than_there_are_are_all(splits):
    probe = KSparseProbe(KSparseConfig(k=(2, 16, 64), block=4))
    result = probe(*splits, seed=0)
    assert {entry["k"] for entry in result.tables["sparsity"]} == {2, 10}
    (shown,) = rows_of(result.headline, "method")
    (largest,) = [e for e in rows_of(result.tables["sparsity"], "method") if e["k"] == 10]
    assert shown["map"] == largest["map"]


def test_groups_of_exclusive_traits_are_classified_and_others_are_not(result):
    classes = result.tables["classes"]
    assert {entry["group"] for entry in classes} == {"class"}
    (best,) = [e for e in rows_of(classes, "method") if e["k"] == 6]
    assert best["n_classes"] == 3
    assert best["accuracy"] > best["accuracy_majority"] + 0.2
    (noise,) = [e for e in rows_of(classes, "gaussian") if e["k"] == 6]
    assert abs(noise["accuracy"] - 1 / 3) < 0.1
    shown = {entry["row"]: entry["accuracy"] for entry in result.headline}
    assert (shown["method"], shown["gaussian"]) == (best["accuracy"], noise["accuracy"])
    assert (shown["constant"], shown["permuted"]) == (best["accuracy_majority"], None)


def test_without_groups_of_classes_there_is_no_accuracy(splits):
    groups = ("a", "b", "c", "d")
    result = KSparseProbe(KSparseConfig())(*(regrouped(one, groups) for one in splits), seed=0)
    assert {entry["accuracy"] for entry in result.headline} == {None}
    assert "classes" not in result.tables


def test_one_prototype_ranks_as_its_scores_do(splits, result):
    train, test = splits
    (trait,) = [e for e in rows_of(result.tables["traits"], "method") if e["trait"] == "trait 0"]
    assert trait["prototype"] in (4, 5)
    one = KSparseProbe(KSparseConfig(k=(1,)))(train, test, seed=0)
    (found,) = [e for e in rows_of(one.tables["traits"], "method") if e["trait"] == "trait 0"]
    scores_n = test.scores["method"].scores_nk[:, found["prototype"]]
    wanted = average_precision_score(test.traits.labels_nt[:, 0], scores_n)
    assert found["ap"] == pytest.approx(wanted, abs=1e-12)


def test_noise_reaches_the_permuted_floor_and_the_method_passes_it(result):
    found = {entry["row"]: entry["map"] for entry in result.headline}
    assert found["permuted"] < found["method"] - 0.1
    assert abs(found["gaussian"] - found["permuted"]) < 0.06
    assert found["constant"] == pytest.approx(
        rows_of(result.headline, "constant")[0]["prevalence"], abs=1e-12
    )
