"""The retrieval probe: numbers recomputed by other means, and the nulls that keep it honest."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from traits_core.probing.null_rows import _ap_of_constant
from traits_core.probing.positives import Positives
from traits_core.probing.retrieval import RetrievalProbe
from traits_core.probing.retrieval_config import RetrievalConfig


def run(train, test, seed=0, **options):
    return RetrievalProbe(RetrievalConfig(**options))(train, test, seed)


def headline(result):
    return {row["row"]: row for row in result.headline}


def column(result, row, name):
    return [entry[name] for entry in result.tables["traits"] if entry["row"] == row]


def by_scikit_learn(train, test, row):
    """(prototype, AP on train, AP on test) of each trait."""
    found = []
    train_nk, test_nk = train.scores[row].scores_nk, test.scores[row].scores_nk
    for train_n, test_n in zip(train.traits.labels_nt.T, test.traits.labels_nt.T, strict=True):
        ap_k = [average_precision_score(train_n, scores_n) for scores_n in train_nk.T]
        best = int(np.argmax(np.round(ap_k, 12)))
        found.append((best, ap_k[best], average_precision_score(test_n, test_nk[:, best])))
    return tuple(np.array(values) for values in zip(*found, strict=True))


@pytest.mark.parametrize("block", [5, 512])
def test_every_number_equals_what_scikit_learn_gives(planted, block):
    train, test = planted(0), planted(1, n=70)
    result = run(train, test, block=block)
    prevalence_t = test.traits.labels_nt.mean(axis=0)
    for row in ("gaussian", "activations", "method"):
        best_t, ap_train_t, ap_t = by_scikit_learn(train, test, row)
        assert column(result, row, "prototype") == best_t.tolist()
        np.testing.assert_allclose(column(result, row, "ap_train"), ap_train_t, atol=1e-12)
        np.testing.assert_allclose(column(result, row, "ap"), ap_t, atol=1e-12)
        lift_t = (ap_t - prevalence_t) / (1 - prevalence_t)
        np.testing.assert_allclose(column(result, row, "lift"), lift_t, atol=1e-12)

        entry = headline(result)[row]
        assert entry["map"] == pytest.approx(ap_t.mean(), abs=1e-12)
        assert entry["map_train"] == pytest.approx(ap_train_t.mean(), abs=1e-12)
        assert entry["lift"] == pytest.approx(lift_t.mean(), abs=1e-12)
        assert entry["prevalence"] == pytest.approx(prevalence_t.mean(), abs=1e-12)
        assert entry["ap_p05_traits"] == pytest.approx(np.percentile(ap_t, 5), abs=1e-12)
        assert entry["ap_p95_traits"] == pytest.approx(np.percentile(ap_t, 95), abs=1e-12)
        assert entry["map_ci95_low"] < entry["map"] < entry["map_ci95_high"]
        assert (entry["n_traits"], entry["n_traits_skipped"], entry["n_prototypes"]) == (6, 0, 24)


def test_rows_come_nulls_first_and_unknown_scorers_last(split):
    rng = np.random.default_rng(0)
    labels_nt = rng.random((30, 4)) < 0.4
    names = ["extra", "method", "activations", "gaussian"]
    made = split(labels_nt, **{name: rng.standard_normal((30, 5)) for name in names})
    result = run(made, made)
    order = ["constant", "permuted", "gaussian", "activations", "method", "extra"]
    assert [row["row"] for row in result.headline] == order
    assert [entry["row"] for entry in result.tables["traits"]] == [
        row for row in order for _ in range(4)
    ]
    assert len({tuple(row) for row in result.headline}) == 1
    assert len({tuple(entry) for entry in result.tables["traits"]}) == 1


def test_a_method_that_knows_traits_beats_every_null(planted):
    rows = headline(run(planted(0, n=300), planted(1, n=300)))
    nulls = max(rows[name]["map"] for name in ("constant", "permuted", "gaussian", "activations"))
    assert rows["method"]["map_ci95_low"] > nulls


def test_constant_is_the_prevalence(planted):
    test = planted(1, n=71)
    result = run(planted(0), test)
    assert column(result, "constant", "ap") == test.traits.labels_nt.mean(axis=0).tolist()
    assert headline(result)["constant"]["map"] == headline(result)["constant"]["prevalence"]
    assert headline(result)["constant"]["lift"] == 0
    assert set(column(result, "constant", "prototype")) == {None}


def test_a_kernel_that_breaks_ties_by_row_is_noticed_at_run_time(monkeypatch, planted):
    def in_order_of_rows(scores_nk, positives):
        assert isinstance(positives, Positives)
        return np.full((scores_nk.shape[1], positives.n_traits), 0.5)

    monkeypatch.setattr("traits_core.probing.null_rows.average_precision", in_order_of_rows)
    with pytest.raises(Exception, match="not the prevalence"):
        _ap_of_constant(planted().traits.labels_nt)


def test_the_permuted_floor_is_above_constant_on_noise_and_shows_how_selection_overfits(planted):
    train, test = (planted(seed, n=40, k=256, t=20, strength=0.0) for seed in (0, 1))
    rows = headline(run(train, test, n_permutations=10))
    assert rows["permuted"]["map"] > rows["constant"]["map"]
    assert rows["permuted"]["map_train"] > 2 * rows["constant"]["map_train"]
    assert rows["method"]["map_train"] == pytest.approx(rows["permuted"]["map_train"], rel=0.05)
    assert rows["method"]["map"] == pytest.approx(rows["permuted"]["map"], abs=0.05)


def test_permuting_labels_destroys_what_the_method_knows_and_keeps_prevalence(planted):
    result = run(planted(0, n=300, strength=5.0), planted(1, n=300, strength=5.0))
    rows = headline(result)
    assert rows["method"]["map"] > 0.95
    assert rows["permuted"]["map"] < 0.5
    assert rows["permuted"]["prevalence"] == rows["method"]["prevalence"]


def test_labels_are_permuted_within_train_and_within_test(planted):
    """With one prototype selection decides nothing: each split's AP tells of its own labels."""
    splits = [planted(seed, n=400, k=1, t=1, strength=6.0) for seed in (0, 1)]
    rows = headline(run(*splits, n_permutations=20))
    for number in ("map", "map_train"):
        assert rows["method"][number] > 0.95
        assert rows["permuted"][number] == pytest.approx(rows["constant"][number], abs=0.03)


def test_the_seed_decides_the_permutations_and_nothing_else(planted):
    train, test = planted(0), planted(1)
    first, again, other = (run(train, test, seed) for seed in (0, 0, 1))
    assert first == again
    assert headline(first)["permuted"] != headline(other)["permuted"]
    assert headline(first)["method"] == headline(other)["method"]


def test_blocks_do_not_change_a_number(planted):
    train, test = planted(0), planted(1)
    assert run(train, test, block=1) == run(train, test, block=7) == run(train, test, block=512)


def test_selection_never_sees_test(planted):
    train = planted(0)
    seen, other = planted(1), planted(2)
    for row in ("gaussian", "activations", "method"):
        first, second = run(train, seen), run(train, other)
        assert column(first, row, "prototype") == column(second, row, "prototype")
        assert column(first, row, "ap_train") == column(second, row, "ap_train")
        assert column(first, row, "ap") != column(second, row, "ap")


def test_traits_without_positives_are_counted_and_undefined_is_none(planted):
    train, test = planted(0), planted(1)
    train.traits.labels_nt[:, 1] = False
    test.traits.labels_nt[:, 2] = False
    test.traits.labels_nt[:, 3] = True
    result = run(train, test)
    for name, row in headline(result).items():
        assert (row["n_traits"], row["n_traits_skipped"], row["n_traits_unselected"]) == (5, 1, 1)
        ap_t, lift_t = column(result, name, "ap"), column(result, name, "lift")
        assert [t for t in range(6) if ap_t[t] is None] == [2]
        assert [t for t in range(6) if lift_t[t] is None] == [2, 3]
        assert [t for t in range(6) if column(result, name, "ap_train")[t] is None] == [1]
        assert row["map"] == pytest.approx(
            np.mean([ap for ap in ap_t if ap is not None]), abs=1e-14
        )
    assert column(result, "method", "prototype")[1] == 0
    assert column(result, "method", "n_positive")[2:4] == [0, 80]
    assert column(result, "method", "n_positive_train")[1] == 0


def test_tables_are_plain_json_without_nan(planted):
    train, test = planted(0), planted(1)
    test.traits.labels_nt[:, 2] = False
    result = run(train, test)
    tables = [*result.headline, *result.tables["traits"], *result.tables["grid"]]
    assert json.loads(json.dumps(tables, allow_nan=False)) == tables


def test_one_image_and_one_prototype_are_enough(split):
    labels_nt = np.array([[True, False]])
    made = split(labels_nt, method=[[1.0]])
    rows = headline(run(made, made))
    assert rows["method"]["map"] == 1
    assert rows["method"]["lift"] is None


def test_options_are_listed_without_importing_numpy():
    code = (
        "import sys, traits_core.probing.retrieval_config; "
        "sys.exit(bool({'numpy', 'torch'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
