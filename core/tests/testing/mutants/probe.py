"""Probes that flatter."""

from __future__ import annotations

import numpy as np
from good_plugin.probe import GoodProbe

from mutants import breaks
from traits_core import ProbeResult


@breaks("check_headline_has_its_nulls", "missing from the headline: permuted")
class NoPermutedRow(GoodProbe):
    def __call__(self, train, test, seed):
        result = super().__call__(train, test, seed)
        rows = tuple(row for row in result.headline if row["row"] != "permuted")
        return ProbeResult(headline=rows, tables=result.tables)


@breaks("check_headline_has_its_nulls", "`map` of 'constant'")
class NumpyMap(GoodProbe):
    def row(self, name, aps_t):
        return {"row": name, "map": np.float64(np.mean(aps_t))}


@breaks("check_tables_are_tidy", "int64 is no JSON value")
class NumpyCounts(GoodProbe):
    def row(self, name, aps_t):
        return {**super().row(name, aps_t), "n_traits": np.int64(len(aps_t))}


@breaks("check_tables_are_tidy", "cannot be written")
class NanInATable(GoodProbe):
    def row(self, name, aps_t):
        return {**super().row(name, aps_t), "lift": float("nan")}


@breaks("check_tables_are_tidy", "other columns")
class RaggedRows(GoodProbe):
    def row(self, name, aps_t):
        row = super().row(name, aps_t)
        return {**row, "null": False} if name == "method" else row


@breaks("check_tables_are_tidy", "cannot be written")
class MixedColumn(GoodProbe):
    def row(self, name, aps_t):
        return {**super().row(name, aps_t), "n": len(aps_t) if name == "method" else "none"}


@breaks("check_constant_scores_give_the_prevalence", "of 'method' is")
class PositivesFirst(GoodProbe):
    """Sorts ties by chance of the input: positives that come first look found."""

    def ap(self, labels_n, scores_n):
        order_n = np.argsort(-scores_n - 1e-9 * labels_n, kind="stable")
        found_n = labels_n[order_n]
        precision_n = found_n.cumsum() / np.arange(1, len(found_n) + 1)
        return float(precision_n[found_n].mean())


@breaks("check_constant_scores_give_the_prevalence", "of 'constant' is")
class WrongConstantRow(GoodProbe):
    def row(self, name, aps_t):
        row = super().row(name, aps_t)
        return {**row, "map": row["map"] / 2} if name == "constant" else row


@breaks("check_example_order_does_not_matter", "in another order")
class FirstExamplesOnly(GoodProbe):
    def ap(self, labels_n, scores_n):
        return super().ap(labels_n[:40], scores_n[:40])


@breaks("check_tied_scores_do_not_depend_on_the_order", "tied scores")
class BreaksTiesByOrder(GoodProbe):
    def ap(self, labels_n, scores_n):
        order_n = np.argsort(-scores_n, kind="stable")
        found_n = labels_n[order_n]
        precision_n = found_n.cumsum() / np.arange(1, len(found_n) + 1)
        return float(precision_n[found_n].mean())


@breaks("check_selection_ignores_test", "select on train only")
class SelectsOnTest(GoodProbe):
    def select(self, train, test, labels_n, test_labels_n):
        return super().select(test, train, test_labels_n, labels_n)


@breaks("check_perfect_scores_reach_one", "not 1")
class SelectsTheFirst(GoodProbe):
    def select(self, train, test, labels_n, test_labels_n):
        return 0


@breaks("check_results_are_measured_on_test", "measure on test")
class MeasuresOnTrain(GoodProbe):
    def measured(self, train, test, labels_nt, test_labels_nt):
        return super().measured(train, train, labels_nt, labels_nt)


@breaks("check_seed_decides", "two results")
class Unseeded(GoodProbe):
    def generator(self, seed):
        return np.random


@breaks("check_seed_decides", "beside the headline")
class UnseededTable(GoodProbe):
    def __call__(self, train, test, seed):
        result = super().__call__(train, test, seed)
        return ProbeResult(headline=result.headline, tables={"x": ({"x": np.random.random()},)})


@breaks("check_labels_are_left_alone", "changed by the probe")
class PermutesInPlace(GoodProbe):
    def permuted(self, labels_nt, rng):
        rng.shuffle(labels_nt)
        return labels_nt


@breaks("check_bad_scores_are_refused", "NaN scores on train")
class TakesNan(GoodProbe):
    def blocks(self, matrix):
        return (np.nan_to_num(scores_n) for scores_n in super().blocks(matrix))


@breaks("check_bad_scores_are_refused", "raised ValueError")
class TakesOtherExamples(GoodProbe):
    def check(self, matrix, labels_nt):
        if matrix.n_examples == len(labels_nt):
            super().check(matrix, labels_nt)


@breaks("check_scores_are_read_in_blocks", "1024 of 1024")
class ReadsEverything(GoodProbe):
    def blocks(self, matrix):
        yield from matrix.block(0, matrix.n_prototypes).T


@breaks("check_global_state_is_untouched", "numpy's random generator")
class SeedsNumpy(GoodProbe):
    def generator(self, seed):
        np.random.seed(seed)
        return np.random
