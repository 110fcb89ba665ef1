"""What the datasets share: names of splits, a limit that keeps variety, a digest that knows it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traits_core import DataError

SPLITS = ("train", "test")


def known_split(dataset: str, split: str) -> None:
    """Raise DataError when `split` is neither `train` nor `test`."""
    if split not in SPLITS:
        raise DataError(f"{dataset} has no split {split!r}: choose from {', '.join(SPLITS)}")


def split_rows(
    dataset: str, split: str, test_n: NDArray[np.bool_], limit: int | None
) -> NDArray[np.intp]:
    """Return the rows of a split, or `limit` of them spread evenly, in ascending order.

    Parameters
    ----------
    dataset: its name, for the error
    split: `train` or `test`; DataError for any other
    test_n: bool [examples], True for those of the test split
    limit: None for all
    """
    known_split(dataset, split)
    rows = np.flatnonzero(test_n == (split == "test"))
    return rows[spread(len(rows), limit)]


def spread(n: int, limit: int | None) -> NDArray[np.intp]:
    """Return `limit` of the numbers below `n`, spread evenly; all of them when there are no more."""
    return np.arange(n) if limit is None or limit >= n else np.arange(limit) * n // limit


def content_digest(*parts: Any) -> str:
    """Return 16 hex digits of the SHA-256 over bytes, and over the `repr` of anything else."""
    whole = hashlib.sha256()
    for part in parts:
        piece = part if isinstance(part, bytes) else repr(part).encode()
        whole.update(len(piece).to_bytes(8, "little") + piece)
    return whole.hexdigest()[:16]
