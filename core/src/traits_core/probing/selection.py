"""Which prototype stands for a trait: the one with the best average precision on the train split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.ap import average_precision, average_precision_pairs, kernel_for
from traits_core.probing.positives import Positives
from traits_core.protocols import ScoreMatrix

TOLERANCE = 1e-12
"""AP values closer than this are equal: rounding must not decide which prototype is chosen."""


@attrs.frozen(kw_only=True, eq=False)
class Best:
    """The best prototype of each trait among those seen so far.

    Parameters
    ----------
    highest_t: the highest AP
    prototypes_t: the lowest prototype whose AP is within `TOLERANCE` of it
    ap_t: its AP
    """

    highest_t: NDArray[np.float64]
    prototypes_t: NDArray[np.intp]
    ap_t: NDArray[np.float64]

    @classmethod
    def none(cls, n_traits: int) -> Self:
        """Start before the first prototype."""
        lowest_t = np.full(n_traits, -np.inf)
        return cls(highest_t=lowest_t, prototypes_t=np.zeros(n_traits, np.intp), ap_t=lowest_t)

    def and_then(self, ap_kt: NDArray[np.float64], first: int) -> Self:
        """Take in the APs of the next prototypes, numbered from `first`.

        A choice is kept while it is good enough, so only APs that really differ by less than the
        tolerance can make the result depend on where blocks end.
        """
        highest_t = np.maximum(self.highest_t, ap_kt.max(axis=0))
        keep_t = self.ap_t >= highest_t - TOLERANCE
        candidate_t = np.argmax(ap_kt >= highest_t - TOLERANCE, axis=0)
        candidate_ap_t = np.take_along_axis(ap_kt, candidate_t[None], axis=0)[0]
        return type(self)(
            highest_t=highest_t,
            prototypes_t=np.where(keep_t, self.prototypes_t, first + candidate_t),
            ap_t=np.where(keep_t, self.ap_t, candidate_ap_t),
        )


@attrs.frozen(kw_only=True, eq=False)
class Chooser:
    """Labelled examples of the train split that a choice is made on.

    Parameters
    ----------
    examples_m: their rows in the scores; None means all
    positives: their labels
    """

    examples_m: NDArray[np.intp] | None = None
    positives: Positives


def select(
    scores: ScoreMatrix, choosers: Sequence[Chooser], prefixes: Sequence[int], block: int
) -> list[list[Best]]:
    """Find the best prototype of each trait, for each chooser and each prefix of the prototypes.

    One pass reads `block` prototypes at a time; prefixes ascend. A trait without a positive has AP 0
    with every prototype, so it gets prototype 0.
    """
    kernel = kernel_for(
        scores.n_prototypes * sum(chooser.positives.n_pairs for chooser in choosers)
    )
    best = [Best.none(chooser.positives.n_traits) for chooser in choosers]
    found: list[list[Best]] = [[] for _ in choosers]
    for start, stop in _blocks(prefixes[-1], block, prefixes):
        scores_nk = scores.block(start, stop)
        for i, chooser in enumerate(choosers):
            rows = slice(None) if chooser.examples_m is None else chooser.examples_m
            ap_kt = average_precision(scores_nk[rows], chooser.positives, kernel=kernel)
            best[i] = best[i].and_then(ap_kt, start)
            if stop in prefixes:
                found[i].append(best[i])
    return found


def ap_of_choices(
    scores: ScoreMatrix, labels_nt: NDArray[np.bool_], prototypes_ct: NDArray[np.intp], block: int
) -> NDArray[np.float64]:
    """Compute AP [choices, traits] of the prototype that each choice has for each trait."""
    positives = Positives.of(labels_nt)
    ap_ct = np.zeros(prototypes_ct.shape)
    for start, stop in _blocks(scores.n_prototypes, block):
        here_ct = (prototypes_ct >= start) & (prototypes_ct < stop)
        if here_ct.any():
            chosen_i, trait_i = prototypes_ct[here_ct] - start, np.nonzero(here_ct)[1]
            # Choices often agree: each pair is computed once.
            codes, inverse_i = np.unique(chosen_i * len(labels_nt.T) + trait_i, return_inverse=True)
            pairs = np.divmod(codes, len(labels_nt.T))
            ap_p = average_precision_pairs(scores.block(start, stop), positives, *pairs)
            ap_ct[here_ct] = ap_p[inverse_i]
    return ap_ct


def chosen_scores(
    scores: ScoreMatrix, prototypes_t: NDArray[np.intp], block: int
) -> NDArray[np.float32]:
    """Gather the scores [examples, traits] of the prototype that each trait has chosen."""
    scores_nt = np.empty((scores.n_examples, len(prototypes_t)), np.float32)
    for start, stop in _blocks(scores.n_prototypes, block):
        traits = np.flatnonzero((prototypes_t >= start) & (prototypes_t < stop))
        if len(traits):
            scores_nt[:, traits] = scores.block(start, stop)[:, prototypes_t[traits] - start]
    return scores_nt


def _blocks(n_prototypes: int, block: int, edges: Sequence[int] = ()) -> Iterator[tuple[int, int]]:
    """Cut [0, n_prototypes) at every edge, and into pieces of at most `block`."""
    start = 0
    while start < n_prototypes:
        stop = min([start + block, n_prototypes, *(edge for edge in edges if edge > start)])
        yield start, stop
        start = stop
