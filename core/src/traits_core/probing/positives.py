"""The positive (example, trait) pairs of a label matrix, in the orders that the kernels of AP need."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import DataError


@attrs.frozen(eq=False)
class SameCount:
    """Traits that are equally frequent: their examples form a matrix.

    Parameters
    ----------
    traits_a: columns of the traits
    examples_ap: rows of the positive examples of each, [traits, count]
    """

    traits_a: NDArray[np.intp]
    examples_ap: NDArray[np.intp]


@attrs.frozen(kw_only=True, eq=False)
class Positives:
    """Boolean labels, indexed. It takes 12 bytes a positive pair.

    Parameters
    ----------
    n_examples: rows of the labels
    counts_t: positive examples of each trait
    by_count: the traits that have any, once
    traits_p: trait of each pair, example by example
    starts_n: where the pairs of each example start in `traits_p`, and behind the last, where they end
    """

    n_examples: int
    counts_t: NDArray[np.intp]
    by_count: tuple[SameCount, ...]
    traits_p: NDArray[np.uint32]
    starts_n: NDArray[np.uint64]

    @property
    def n_traits(self) -> int:
        """Columns of the labels."""
        return len(self.counts_t)

    @property
    def n_pairs(self) -> int:
        """Positive labels."""
        return len(self.traits_p)

    @classmethod
    def of(cls, labels_nt: NDArray[np.bool_]) -> Self:
        """Index boolean labels [examples, traits]. Raises DataError when there are no examples."""
        if labels_nt.ndim != 2 or labels_nt.dtype != bool or not len(labels_nt):
            raise DataError(
                "average precision needs boolean labels [examples, traits] of one example or more, "
                f"got {labels_nt.dtype} {labels_nt.shape}"
            )
        counts_t = labels_nt.sum(axis=0)
        counts_n = labels_nt.sum(axis=1)
        return cls(
            n_examples=len(labels_nt),
            counts_t=counts_t,
            by_count=tuple(_by_count(labels_nt, counts_t)),
            traits_p=np.nonzero(labels_nt)[1].astype(np.uint32),
            starts_n=np.append(0, np.cumsum(counts_n)).astype(np.uint64),
        )


def pairs_of(
    examples_e: NDArray[np.intp], starts_n: NDArray[Any], traits_p: NDArray[Any]
) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """List the pairs of some examples: for each pair, its place in `examples_e`, and its trait.

    The pairs of example i are `traits_p[starts_n[i] : starts_n[i + 1]]`.
    """
    starts_e = starts_n[examples_e].astype(np.intp)
    counts_e = starts_n[examples_e + 1].astype(np.intp) - starts_e
    place_p = np.repeat(np.arange(len(examples_e)), counts_e)
    first_e = np.cumsum(counts_e) - counts_e
    return place_p, traits_p[np.arange(len(place_p)) + (starts_e - first_e)[place_p]]


def _by_count(labels_nt: NDArray[np.bool_], counts_t: NDArray[np.intp]) -> list[SameCount]:
    found = []
    for count in np.unique(counts_t[counts_t > 0]):
        traits_a = np.flatnonzero(counts_t == count)
        examples_p = np.nonzero(labels_nt[:, traits_a].T)[1]
        found.append(SameCount(traits_a, examples_p.reshape(len(traits_a), count)))
    return found
