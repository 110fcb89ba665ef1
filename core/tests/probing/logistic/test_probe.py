"""The logistic probe: numbers recomputed row by row, and degenerate splits that have defined results."""

import json
import subprocess
import sys

import attrs
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, log_loss, precision_recall_curve

from traits_core import DataError
from traits_core.probing.logistic import regressions
from traits_core.probing.logistic.config import LogisticConfig
from traits_core.probing.logistic.probe import LogisticProbe
from traits_core.testing.small_probe import Scores, Split

from .reference import newton

ROWS = ("gaussian", "activations", "method")


def run(train, test, seed=0, **options):
    return LogisticProbe(LogisticConfig(**options))(train, test, seed)


def headline(result):
    return {row["row"]: row for row in result.headline}


def pairs(result, row="method", rank=1):
    return [pair for pair in result.tables["pairs"] if (pair["row"], pair["rank"]) == (row, rank)]


def best_by_row(train, row, trait, ridge):
    """Prototypes by Akaike's criterion, best first, from fits on every row."""
    labels_n = train.traits.labels_nt[:, trait]
    losses = [newton(scores_n, labels_n, ridge)[2] for scores_n in train.scores[row].scores_nk.T]
    return np.argsort(losses), np.sort(losses)


def test_every_number_is_that_of_the_rows(planted):
    train, test = planted(0, n=400, k=8, t=4), planted(1, n=300, k=8, t=4)
    result = run(train, test, ridge=(1e-3,), bins=4096)
    for row in ROWS:
        for t, pair in enumerate(pairs(result, row)):
            order, losses = best_by_row(train, row, t, 1e-3)
            assert pair["prototype"] == order[0]
            assert pair["loss_train"] == pytest.approx(losses[0], abs=1e-6)

            train_n, test_n = (
                split.scores[row].scores_nk[:, order[0]].astype(float) for split in (train, test)
            )
            train_y, test_y = train.traits.labels_nt[:, t], test.traits.labels_nt[:, t]
            likely_n = 1 / (1 + np.exp(-(pair["intercept"] + pair["slope"] * test_n)))
            assert pair["loss"] == pytest.approx(log_loss(test_y, likely_n), rel=1e-6)
            null = log_loss(test_y, np.full(len(test_y), train_y.mean()))
            assert pair["null_loss"] == pytest.approx(null)
            assert pair["r2"] == pytest.approx(1 - pair["loss"] / null)
            assert pair["ap"] == pytest.approx(average_precision_score(test_y, likely_n))

            sign = np.sign(pair["slope"])
            precision, recall, _ = precision_recall_curve(train_y, sign * train_n)
            best_f1 = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-9))
            decided = sign * train_n >= np.float32(sign * pair["threshold"])
            assert f1_score(train_y, decided) == pytest.approx(best_f1)
            decided = sign * test_n >= np.float32(sign * pair["threshold"])
            assert pair["f1"] == pytest.approx(f1_score(test_y, decided, zero_division=0))
            assert pair["n_positive"] == test_y.sum()
        entry = headline(result)[row]
        for column, of in (("map", "ap"), ("r2", "r2"), ("loss", "loss"), ("f1", "f1")):
            assert entry[column] == pytest.approx(np.mean([p[of] for p in pairs(result, row)]))


def test_ranks_are_in_the_order_of_train_loss(planted):
    train = planted(0, n=300, k=8, t=3)
    result = run(train, planted(1, k=8, t=3), ridge=(1e-3,), bins=4096, pairs=8, batch_rows=70)
    for t in range(3):
        found = [pairs(result, rank=rank)[t]["prototype"] for rank in range(1, 9)]
        # Degrees of freedom are nearly the same with such a small ridge.
        assert found[:4] == best_by_row(train, "method", t, 1e-3)[0][:4].tolist()
        assert sorted(found) == list(range(8))


def test_knowledge_in_low_scores_is_found(split):
    rng = np.random.default_rng(0)
    made = []
    for _ in range(2):
        labels_nt = rng.random((200, 1)) < 0.3
        scores_nk = rng.standard_normal((200, 4))
        scores_nk[:, 2] -= 3 * labels_nt[:, 0]
        made.append(split(labels_nt, method=scores_nk))
    (pair,) = pairs(run(*made))
    assert pair["prototype"] == 2
    assert pair["slope"] < 0
    assert pair["ap"] > 0.9
    assert pair["recall"] > 0.8


def test_rows_come_nulls_first_and_share_their_keys(planted):
    result = run(planted(0), planted(1))
    names = [row["row"] for row in result.headline]
    assert names == ["constant", "permuted", "gaussian", "activations", "method"]
    for table in (result.headline, result.tables["pairs"]):
        assert len({tuple(entry) for entry in table}) == 1
        assert json.loads(json.dumps(table, allow_nan=False)) == [dict(row) for row in table]


def test_nulls_say_nothing_and_a_method_that_knows_says_more(planted):
    rows = headline(run(planted(0, n=400), planted(1, n=400)))
    assert rows["constant"]["r2"] == 0
    assert rows["constant"]["map"] == rows["constant"]["prevalence"]
    assert rows["permuted"]["r2"] < 0.02
    assert rows["gaussian"]["r2"] < 0.02
    assert rows["method"]["r2"] > 0.15
    assert rows["method"]["map_ci95_low"] > max(
        rows[null]["map"] for null in ("constant", "permuted", "gaussian", "activations")
    )


def without_permuted(result):
    """Permutations are of places: of rows in another order, they give other labels."""
    return attrs.evolve(result, headline=[r for r in result.headline if r["row"] != "permuted"])


def assert_same(one, other):
    tables = [(*result.headline, *result.tables["pairs"]) for result in (one, other)]
    for first, second in zip(*tables, strict=True):
        for column, value in first.items():
            assert second[column] == (
                pytest.approx(value, rel=1e-8, abs=1e-12) if isinstance(value, float) else value
            )


@pytest.mark.parametrize("at_a_time", [1, 1 << 24])
def test_batches_do_not_change_a_number(planted, at_a_time, monkeypatch):
    train, test = planted(0, k=70), planted(1, k=70)
    one = run(train, test)
    monkeypatch.setattr(regressions, "AT_A_TIME", at_a_time)
    assert_same(run(train, test, batch_rows=7), one)


def test_sparse_and_dense_scores_give_the_same(planted):
    """Through another way of reading and counting: that of entries."""
    dense, sparse = [], []
    for seed in (0, 1):
        made = planted(seed, n=300, k=40)
        scores = {row: np.maximum(of.scores_nk - 1, 0) for row, of in made.scores.items()}
        scores["method"][:, 7] = 0
        for splits, form in ((dense, "dense"), (sparse, "sparse")):
            matrices = {row: Scores(scores_nk, form) for row, scores_nk in scores.items()}
            splits.append(Split(matrices, made.traits))
    one, other = run(*dense, batch_rows=64), run(*sparse, batch_rows=64)
    assert_same(other, one)


def test_scores_are_never_read_by_more_rows_than_asked_for(planted):
    @attrs.frozen
    class Watched(Scores):
        def rows(self, start, stop):
            assert 0 <= start < stop <= start + 16
            return super().rows(start, stop)

        def block(self, start, stop):
            raise AssertionError

    splits = [
        Split({row: Watched(of.scores_nk) for row, of in made.scores.items()}, made.traits)
        for made in (planted(0), planted(1))
    ]
    run(*splits, batch_rows=16)


def test_rows_in_another_order_give_the_same(planted, split):
    train, test = planted(0, n=200), planted(1, n=150)
    shuffled = []
    for made, seed in ((train, 3), (test, 4)):
        order = np.random.default_rng(seed).permutation(len(made.traits.labels_nt))
        scores = {row: matrix.scores_nk[order] for row, matrix in made.scores.items()}
        shuffled.append(split(made.traits.labels_nt[order], **scores))
    one, other = run(train, test), run(*shuffled)
    assert_same(*(without_permuted(result) for result in (one, other)))


def test_selection_never_sees_test(planted):
    train = planted(0)
    first, second = run(train, planted(1)), run(train, planted(2))
    for one, other in zip(first.tables["pairs"], second.tables["pairs"], strict=True):
        assert one["prototype"] == other["prototype"]
        assert one["ridge"] == other["ridge"]
        assert one["loss"] != other["loss"]


def test_pruning_keeps_the_best(planted):
    train, test = planted(0, k=60, n=300), planted(1, k=60)
    every, few = run(train, test), run(train, test, prune=3, pairs=1)
    assert [p["prototype"] for p in pairs(few)] == [p["prototype"] for p in pairs(every)]
    assert pairs(few)[0]["loss"] == pytest.approx(pairs(every)[0]["loss"], rel=1e-9)


def test_little_noisy_data_gets_a_strong_ridge_and_much_clear_data_a_weak_one(planted):
    noise = run(planted(0, n=30, strength=0.0), planted(1, n=30))
    clear = run(planted(0, n=2000, strength=1.0), planted(1, n=2000))
    assert {pair["ridge"] for pair in pairs(clear)} == {1e-5}
    assert max(pair["ridge"] for pair in pairs(noise)) == 1e-1


@pytest.mark.parametrize("ridge", [0.0, 1e-4])
def test_separable_pairs_are_flagged_and_finite(split, ridge):
    rng = np.random.default_rng(0)
    labels_nt = rng.random((100, 2)) < 0.4
    scores_nk = rng.standard_normal((100, 3))
    scores_nk[:, 1] = labels_nt[:, 0] * 2 + rng.random(100)
    made = split(labels_nt, method=scores_nk)
    result = run(made, made, ridge=(ridge,))
    separable, other = pairs(result)
    assert separable["separable"]
    assert not other["separable"]
    assert separable["ap"] == separable["f1"] == 1
    assert 0 <= separable["loss_train"] < 0.02
    assert np.isfinite(separable["slope"])
    assert headline(result)["method"]["n_separable"] == 1


def test_traits_that_a_split_lacks_or_has_throughout(planted):
    train, test = planted(0), planted(1)
    train.traits.labels_nt[:, 0], test.traits.labels_nt[:, 1] = False, False
    train.traits.labels_nt[:, 2], test.traits.labels_nt[:, 3] = True, True
    result = run(train, test)
    for row in ROWS:
        found = pairs(result, row)
        assert [t for t in range(6) if found[t]["ap"] is None] == [1]
        assert [t for t in range(6) if found[t]["ap_train"] is None] == [0]
        assert [t for t in range(6) if found[t]["loss"] is None] == [0, 2]
        assert [t for t in range(6) if found[t]["r2"] is None] == [0, 2]
        assert found[0]["prototype"] == found[2]["prototype"] == 0
        assert found[0]["slope"] == 0
        assert found[0]["ap"] == found[0]["prevalence"]
        assert headline(result)[row]["n_traits"] == 5


def test_prototypes_that_are_all_zero_constant_or_infinite_are_measured(split):
    rng = np.random.default_rng(0)
    labels_nt = rng.random((60, 2)) < 0.4
    scores_nk = np.zeros((60, 4))
    scores_nk[:, 1], scores_nk[:, 2] = -7.3, -np.inf
    scores_nk[:, 3] = np.where(rng.random(60) < 0.2, -np.inf, rng.standard_normal(60))
    made = split(labels_nt, method=scores_nk, gaussian=scores_nk[:, :3])
    result = run(made, made, pairs=4)
    dead = pairs(result, "gaussian")
    assert [pair["prototype"] for pair in dead] == [0, 0]
    assert [pair["r2"] for pair in dead] == pytest.approx([0, 0], abs=1e-12)
    assert [pair["ap"] for pair in dead] == labels_nt.mean(axis=0).tolist()
    assert all(pair["loss"] is not None for pair in result.tables["pairs"])


def test_all_tied_but_one_prototype_per_class(split):
    labels_nt = np.arange(20)[:, None] < [10]
    made = split(labels_nt, method=np.repeat(np.round(np.linspace(0, 1, 20))[:, None], 5, axis=1))
    assert [pairs(run(made, made), rank=r)[0]["prototype"] for r in range(1, 6)] == list(range(5))


def test_one_image_and_one_prototype_are_enough(split):
    made = split(np.array([[True, False]]), method=[[1.0]])
    assert headline(run(made, made))["method"]["map"] == 1


def test_nan_is_refused(planted):
    train = planted(0)
    train.scores["method"].scores_nk[3, 2] = np.nan
    with pytest.raises(DataError, match="NaN"):
        run(train, planted(1))
    with pytest.raises(DataError, match="NaN"):
        run(planted(1), train)


def test_options_are_listed_without_importing_numpy():
    code = (
        "import sys, traits_core.probing.logistic.config; "
        "sys.exit(bool({'numpy', 'torch'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
