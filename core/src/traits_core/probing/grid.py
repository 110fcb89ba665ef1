"""Retrieval with fewer prototypes and fewer train examples: what either of them is worth.

Prototypes are prefixes: 128 are the first 128. Train examples are nested, too: in each repeat, those
of a smaller number are among those of a larger one. So one pass over the scores serves all cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.positives import Positives
from traits_core.probing.retrieval_config import RetrievalConfig
from traits_core.probing.retrieval_tables import Labels
from traits_core.probing.selection import Best, Chooser, ap_of_choices
from traits_core.protocols import ScoreMatrix
from traits_core.records import Table

SUBSETS = 3
"""Tells the random numbers of subsets from those of the permutations, which have the same seed."""


@attrs.frozen(kw_only=True, eq=False)
class Grid:
    """The cells of the grid.

    Parameters
    ----------
    prefixes: numbers of prototypes, ascending; the last is all
    subsets: rows of the train examples of each draw, fewest first; without the one of all examples
    """

    prefixes: tuple[int, ...]
    subsets: tuple[NDArray[np.intp], ...]

    @classmethod
    def single(cls, train: ScoreMatrix) -> Self:
        """The one cell of everything."""
        return cls(prefixes=(train.n_prototypes,), subsets=())

    @classmethod
    def of(cls, config: RetrievalConfig, train: ScoreMatrix, seed: int) -> Self:
        """Plan the cells that the scores have prototypes and examples for.

        A number of train examples is drawn again until the draws together are a quarter of train.
        """
        n = train.n_examples
        sizes = sorted({size for size in config.grid_train if size < n})
        repeats = {size: min(config.grid_repeats, max(1, n // (4 * size))) for size in sizes}
        orders = [
            np.random.default_rng([seed, SUBSETS, repeat]).permutation(n)
            for repeat in range(max(repeats.values(), default=0))
        ]
        smaller = {size for size in config.grid_prototypes if size < train.n_prototypes}
        return cls(
            prefixes=(*sorted(smaller), train.n_prototypes),
            subsets=tuple(
                orders[repeat][:size] for size in sizes for repeat in range(repeats[size])
            ),
        )

    def choosers(self, train_nt: NDArray[np.bool_]) -> list[Chooser]:
        """One for each subset, in their order."""
        return [
            Chooser(examples_m=rows_m, positives=Positives.of(train_nt[rows_m]))
            for rows_m in self.subsets
        ]


def grid_rows(
    row: str,
    grid: Grid,
    found: Sequence[Sequence[Best]],
    test: ScoreMatrix,
    labels: Labels,
    block: int,
) -> Table:
    """Measure all choices on test: an entry per (number of train examples, number of prototypes).

    `found` has a list per subset and, last, one for all train examples; each has a choice per prefix.
    """
    sets_m = [*grid.subsets, np.arange(len(labels.train_nt))]
    n_traits = labels.n_traits  # the last choosers may have further columns
    prototypes_ct = np.stack([best.prototypes_t[:n_traits] for bests in found for best in bests])
    ap_ct = ap_of_choices(test, labels.test_nt, prototypes_ct, block)
    ap_spt = ap_ct.reshape(len(sets_m), len(grid.prefixes), n_traits)
    sizes = [len(rows_m) for rows_m in sets_m]
    return tuple(
        {
            "row": row,
            "n_prototypes": n_prototypes,
            "n_prototypes_total": grid.prefixes[-1],
            "n_train": size,
            **_cell(
                [
                    _draw(
                        ap_spt[s, p],
                        found[s][p].ap_t[:n_traits],
                        labels.train_nt[sets_m[s]],
                        labels,
                    )
                    for s in range(len(sets_m))
                    if sizes[s] == size
                ]
            ),
        }
        for p, n_prototypes in enumerate(grid.prefixes)
        for size in sorted(set(sizes))
    )


def _draw(
    ap_t: NDArray[np.float64],
    ap_train_t: NDArray[np.float64],
    train_mt: NDArray[np.bool_],
    labels: Labels,
) -> Mapping[str, float]:
    """The numbers of one draw of train examples; without any positive, `map_train` is NaN."""
    selectable_t = train_mt.any(axis=0)
    measured_t = labels.measured_t
    return {
        "map": float(ap_t[measured_t].mean()),
        "prevalence": float(labels.prevalence_t[measured_t].mean()),
        "ap_p05_traits": float(np.percentile(ap_t[measured_t], 5)),
        "ap_p95_traits": float(np.percentile(ap_t[measured_t], 95)),
        "map_train": float(ap_train_t[selectable_t].mean()) if selectable_t.any() else np.nan,
        "n_traits_unselected": float((measured_t & ~selectable_t).sum()),
    }


def _cell(draws: Sequence[Mapping[str, float]]) -> Mapping[str, Any]:
    """Means over the draws, and the standard deviation of `map`: None for a single draw."""
    means = {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]}
    maps = [draw["map"] for draw in draws]
    spread = float(np.std(maps, ddof=1)) if len(draws) > 1 else None
    map_train = None if np.isnan(means["map_train"]) else means["map_train"]
    return {
        "repeats": len(draws),
        "map": means.pop("map"),
        "map_sd_draws": spread,
        **means,
        "map_train": map_train,
    }
