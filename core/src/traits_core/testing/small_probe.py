"""The small splits that probes measure in the checks: four traits, and scores that half know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.protocols import Probe, ScoreMatrix
from traits_core.records import ProbeResult, ScoreEntries, TraitLabels
from traits_core.scoring.entries import entries_of
from traits_core.testing.case import SEED, Case

N_TRAIN: Final = 60
N_TEST: Final = 50
PREVALENCE: Final = (0.2, 0.3, 0.4, 0.5)
N_PROTOTYPES: Final = 6


@attrs.frozen(eq=False)
class Scores:
    """A `ScoreMatrix` in memory; whatever is read is a copy."""

    scores_nk: NDArray[np.float32]
    format: Literal["dense", "sparse"] = "dense"

    @property
    def n_examples(self) -> int:
        """Rows."""
        return len(self.scores_nk)

    @property
    def n_prototypes(self) -> int:
        """Columns."""
        return int(self.scores_nk.shape[1])

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Rows [start, stop)."""
        return self.scores_nk[start:stop].copy()

    def entries(self, start: int, stop: int) -> ScoreEntries:
        """What is not 0 in rows [start, stop)."""
        return entries_of(self.scores_nk[start:stop])

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """Columns [start, stop)."""
        return self.scores_nk[:, start:stop].copy()


@attrs.frozen(eq=False)
class Split:
    """A `ProbeSplit` in memory."""

    scores: Mapping[str, ScoreMatrix]
    traits: TraitLabels

    def with_method(self, scores: ScoreMatrix) -> Split:
        """The same split with other scores of the method."""
        return attrs.evolve(self, scores={**self.scores, "method": scores})


def small_splits() -> tuple[Split, Split]:
    """Train and test, made anew each time."""
    rng = np.random.default_rng(0)
    return _split(rng, N_TRAIN), _split(rng, N_TEST)


def map_scores(split: Split, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Split:
    """Change the method's scores of a split."""
    return split.with_method(Scores(change(split.scores["method"].block(0, N_PROTOTYPES))))


def reordered(split: Split, seed: int) -> Split:
    """The same examples in another order."""
    order_n = np.random.default_rng(seed).permutation(len(split.traits.labels_nt))
    scores = {
        row: Scores(matrix.block(0, matrix.n_prototypes)[order_n])
        for row, matrix in split.scores.items()
    }
    labels_nt = split.traits.labels_nt[order_n]
    return Split(scores, attrs.evolve(split.traits, labels_nt=labels_nt))


def measure(case: Case, train: Split, test: Split) -> ProbeResult:
    """What the probe says, with the same seed each time."""
    probe: Probe = case.build()
    return probe(train, test, SEED)


def maps(result: ProbeResult) -> dict[str, float]:
    """Column `map` of the headline by row."""
    return {row["row"]: row["map"] for row in result.headline}


def _split(rng: np.random.Generator, n: int) -> Split:
    labels_nt = np.stack([rng.permutation(n) < share * n for share in PREVALENCE], axis=1)
    informed_nk = labels_nt + rng.normal(size=labels_nt.shape)
    other_nk = rng.normal(size=(n, N_PROTOTYPES - labels_nt.shape[1]))
    scores = {
        "method": Scores(np.hstack([informed_nk, other_nk]).astype(np.float32)),
        "gaussian": Scores(rng.normal(size=(n, N_PROTOTYPES)).astype(np.float32)),
        "activations": Scores(rng.normal(size=(n, N_PROTOTYPES)).astype(np.float32)),
    }
    names = tuple(f"trait {i}" for i in range(len(PREVALENCE)))
    return Split(
        scores, TraitLabels(labels_nt=labels_nt, names=names, groups=("all",) * len(names))
    )
