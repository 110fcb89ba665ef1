"""Retrieval: can one prototype per trait bring the images that have it to the top?

The protocol: scores are pooled over the positions of an image; the best prototype of each trait is
chosen by average precision (AP) on train; its AP on test is reported, beside the nulls.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.ap import average_precision_pairs
from traits_core.probing.audit import check_splits
from traits_core.probing.bootstrap import bca_interval
from traits_core.probing.grid import Grid, grid_rows
from traits_core.probing.intervals import map_interval
from traits_core.probing.null_rows import METHOD, constant_row, place, with_permutations
from traits_core.probing.positives import Positives
from traits_core.probing.retrieval_config import RetrievalConfig
from traits_core.probing.retrieval_tables import Labels, RowResult, headline_row, trait_rows
from traits_core.probing.selection import Chooser, chosen_scores, select
from traits_core.protocols import ProbeSplit, ScoreMatrix
from traits_core.records import ProbeResult, Table

GRID_ROWS = ("gaussian", METHOD)


@attrs.frozen
class RetrievalProbe:
    """Best prototype per trait on train, its average precision on test, and the same of the nulls.

    Rows of the tables: `constant` (every image scores the same), `permuted` (the method's scores for
    permuted labels: what the best of K reaches by luck), the random nulls, `method`, any others.

    Memory: a block of scores, the scores of the chosen prototypes [test images, traits x (1 +
    permutations)], and what `average_precision` needs for as many traits.
    """

    config: RetrievalConfig

    def __call__(self, train: ProbeSplit, test: ProbeSplit, seed: int) -> ProbeResult:
        """Return the headline (a row per scorer and null), and the tables `traits` and `grid`.

        Raises DataError for splits that cannot be probed (see `audit`) and for NaN scores.
        """
        check_splits(train, test, self.config.max_prevalence)
        labels = Labels.of(train.traits, test.traits)
        measured = {
            name: _measure(name, train.scores[name], test.scores[name], labels, self.config, seed)
            for name in sorted(train.scores, key=place)
        }
        rows = [constant_row(labels)]
        rows += [found.permuted for found in measured.values() if found.permuted]
        rows += [found.row for found in measured.values()]
        tables = {"traits": tuple(entry for row in rows for entry in trait_rows(row, labels))}
        if cells := tuple(cell for found in measured.values() for cell in found.cells):
            tables["grid"] = cells
        return ProbeResult(headline=tuple(headline_row(row, labels) for row in rows), tables=tables)


@attrs.frozen(kw_only=True, eq=False)
class _Measured:
    """What one scorer reached, what it reaches for permuted labels, and its part of the grid."""

    row: RowResult
    permuted: RowResult | None
    cells: Table


def _measure(
    name: str,
    train: ScoreMatrix,
    test: ScoreMatrix,
    labels: Labels,
    config: RetrievalConfig,
    seed: int,
) -> _Measured:
    """All in one pass: permuted labels are further columns, so each prototype is sorted once."""
    n_permutations = config.n_permutations if name == METHOD else 0
    rng = np.random.default_rng(seed)
    train_nt = with_permutations(labels.train_nt, n_permutations, rng)
    test_nt = with_permutations(labels.test_nt, n_permutations, rng)
    in_grid = config.grid and name in GRID_ROWS
    grid = Grid.of(config, train, seed) if in_grid else Grid.single(train)

    everything = Chooser(positives=Positives.of(train_nt))
    choosers = [*grid.choosers(labels.train_nt), everything]
    found = select(train, choosers, grid.prefixes, config.block)
    best = found[-1][-1]
    scores_nt = chosen_scores(test, best.prototypes_t, config.block)
    columns = np.arange(test_nt.shape[1])
    ap_t = average_precision_pairs(scores_nt, Positives.of(test_nt), columns, columns)

    n_traits, measured_t = labels.n_traits, labels.measured_t
    row = RowResult(
        row=name,
        n_prototypes=train.n_prototypes,
        prototypes_t=best.prototypes_t[:n_traits],
        ap_train_t=best.ap_t[:n_traits],
        ap_t=ap_t[:n_traits],
        interval=_interval(
            scores_nt[:, :n_traits][:, measured_t], labels.test_nt[:, measured_t], config, seed
        ),
    )
    permuted = (
        RowResult(
            row="permuted",
            n_prototypes=train.n_prototypes,
            prototypes_t=None,
            ap_train_t=best.ap_t.reshape(-1, n_traits)[1:].mean(axis=0),
            ap_t=ap_t.reshape(-1, n_traits)[1:].mean(axis=0),
            interval=None,
        )
        if n_permutations
        else None
    )
    return _Measured(
        row=row,
        permuted=permuted,
        cells=grid_rows(name, grid, found, test, labels, config.block) if in_grid else (),
    )


def _interval(
    scores_nt: NDArray[np.float32], labels_nt: NDArray[np.bool_], config: RetrievalConfig, seed: int
) -> tuple[float, float]:
    if config.bootstrap:
        return bca_interval(scores_nt, labels_nt, config.bootstrap, seed)
    return map_interval(scores_nt, labels_nt)
