"""Average precision from ranks, in numpy.

With `e_i` the number of scores >= the score of example i, and `tp(e_i)` the positives among these,
AP is the mean of `tp(e_i) / e_i` over the positive examples i. That is scikit-learn's step-wise
AP: equal scores are one threshold, so the order of the rows never matters.

All examples of the lowest score have `e_i = n` and `tp(e_i)` = all positives. Where most examples
share it, as those that a sparse method scores 0, only the others are ranked.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.probing.positives import Positives, pairs_of

FEW: Final = 0.25
"""Share of the examples above the lowest score up to which it is faster to rank only these."""


@attrs.frozen(eq=False)
class Sorted:
    """The examples of each prototype by ascending score.

    Parameters
    ----------
    order_kn: intp [prototypes, examples], lowest score first
    tied_kr: bool [prototypes, examples - 1]: whether a score equals the next lower one
    """

    order_kn: NDArray[np.intp]
    tied_kr: NDArray[np.bool_]

    @classmethod
    def of(cls, scores_kn: NDArray[Any]) -> Sorted:
        """Sort scores [prototypes, examples] without NaN."""
        order_kn = np.argsort(scores_kn, axis=1)
        ascending_kn = np.take_along_axis(scores_kn, order_kn, axis=1)
        return cls(order_kn, ascending_kn[:, 1:] == ascending_kn[:, :-1])


def fill_by_numpy(ap_kt: NDArray[np.float64], ranked: Sorted, positives: Positives) -> None:
    """Write the AP of each prototype for each trait that has a positive into `ap_kt`."""
    at_least_kn = count_at_least(ranked)
    n = positives.n_examples
    few_k = np.count_nonzero(at_least_kn < n, axis=1) <= FEW * n
    for k in np.flatnonzero(few_k):
        ap_kt[k] = ap_of_few(at_least_kn[k], positives)
    many = np.flatnonzero(~few_k)
    if not len(many):
        return
    at_least_kn = at_least_kn[many]
    for same in positives.by_count:
        n_traits, count = same.examples_ap.shape
        at_least_kp = at_least_kn.take(same.examples_ap.ravel(), axis=1)
        ap_r = ap_of_positives(at_least_kp.reshape(-1, count), n)
        ap_kt[np.ix_(many, same.traits_a)] = ap_r.reshape(-1, n_traits)


def count_at_least(ranked: Sorted) -> NDArray[Any]:
    """For each prototype and example, how many examples score at least as high: [prototypes, examples]."""
    n_prototypes, n = ranked.order_kn.shape
    # Narrow numbers sort faster.
    dtype = np.dtype(np.uint16 if n < 1 << 16 else np.uint32)
    below_kn = np.tile(np.arange(n, dtype=dtype), (n_prototypes, 1))
    below_kn[:, 1:][ranked.tied_kr] = 0
    np.maximum.accumulate(below_kn, axis=1, out=below_kn)  # rank of the first of equal scores
    at_least_kn = np.empty_like(below_kn)
    np.put_along_axis(at_least_kn, ranked.order_kn, n - below_kn, axis=1)
    return at_least_kn


def ap_of_positives(at_least_rp: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Compute AP [rows] from `count_at_least` of the positive examples [rows, positives]; sorts them."""
    at_least_rp.sort(axis=1)
    count = at_least_rp.shape[1]
    lowest_r = np.count_nonzero(at_least_rp == n, axis=1)
    tied_rp = at_least_rp[:, 1:] == at_least_rp[:, :-1]
    has_ties_r = np.count_nonzero(tied_rp, axis=1) > np.maximum(lowest_r - 1, 0)
    ap_r: NDArray[np.float64] = np.empty(len(at_least_rp))
    if not has_ties_r.all():
        # Each of the lowest has all hits, not just those up to its place.
        missing_r = lowest_r * (lowest_r - 1) / (2 * n * count)
        precision_rp = np.arange(1.0, count + 1) / at_least_rp[~has_ties_r]
        ap_r[~has_ties_r] = np.mean(precision_rp, axis=1) + missing_r[~has_ties_r]
    if has_ties_r.any():
        ap_r[has_ties_r] = _ap_of_groups(at_least_rp[has_ties_r], tied_rp[has_ties_r])
    ap_r[lowest_r == count] = count / n
    return ap_r


def ap_of_few(at_least_n: NDArray[Any], positives: Positives) -> NDArray[np.float64]:
    """Compute AP [traits] of one prototype from its positives above the lowest score alone."""
    n, n_traits = positives.n_examples, positives.n_traits
    above_e = np.flatnonzero(at_least_n < n)
    entry_p, trait_p = pairs_of(above_e, positives.starts_n, positives.traits_p)
    # In one number, so that one fast sort ranks the positives of each trait.
    bits = n.bit_length()
    code_p = trait_p.astype(np.min_scalar_type(n_traits << bits))
    code_p <<= bits
    code_p |= at_least_n[above_e][entry_p]
    code_p.sort()
    last_p = np.ones(len(code_p), bool)
    np.not_equal(code_p[1:], code_p[:-1], out=last_p[:-1])
    ends_g = np.flatnonzero(last_p) + 1
    code_g = code_p[last_p]
    trait_g, at_least_g = (code_g >> bits).astype(np.intp), code_g & ((1 << bits) - 1)
    above_t = np.bincount(trait_p, minlength=n_traits)
    hits_g = ends_g - (np.cumsum(above_t) - above_t)[trait_g]
    sizes_g = np.diff(ends_g, prepend=0)
    total_t = np.bincount(trait_g, sizes_g * (hits_g / at_least_g), minlength=n_traits)
    counts_t = np.maximum(positives.counts_t, 1)
    lowest_t = (positives.counts_t - above_t) / counts_t
    ap_t: NDArray[np.float64] = total_t / counts_t + lowest_t * (positives.counts_t / n)
    return ap_t


def _ap_of_groups(at_least_rp: NDArray[Any], tied_rp: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The last of tied positives counts for all of them: its hits are those of the threshold."""
    n_positive = at_least_rp.shape[1]
    last_rp = np.ones(at_least_rp.shape, bool)
    np.logical_not(tied_rp, out=last_rp[:, :-1])
    counts_r = np.count_nonzero(last_rp, axis=1)
    starts_r = np.cumsum(counts_r) - counts_r
    hits_g = np.broadcast_to(np.arange(1.0, n_positive + 1), last_rp.shape)[last_rp]
    sizes_g = np.diff(hits_g, prepend=0.0)
    sizes_g[starts_r] = hits_g[starts_r]
    precision_g = hits_g / at_least_rp[last_rp]
    ap_r: NDArray[np.float64] = np.add.reduceat(sizes_g / n_positive * precision_g, starts_r)
    return ap_r
