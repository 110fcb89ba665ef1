"""The dataset `digits`: scikit-learn's handwritten digits, small enough for a smoke test of seconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from traits_core import Example, PositionLabels, TraitLabels
from traits_plugin_datasets.config import DigitsConfig
from traits_plugin_datasets.selection import SPLITS, content_digest, known_split, split_rows

DIGITS = range(10)
BRIGHTEST = 16  # the published values are 0 to 16


class Digits:
    """1,797 pictures of 8x8 pixels; the traits are the ten digits."""

    def __init__(self, config: DigitsConfig) -> None:
        self._limit = config.limit
        published = load_digits()
        self._images_nhw = np.rint(published.images * 255 / BRIGHTEST).astype(np.uint8)
        self._digit_n: NDArray[np.int64] = published.target.astype(np.int64)
        self._test_n = every_second(self._digit_n)

    @property
    def digest(self) -> str:
        """Made from all pixels, labels and the split."""
        arrays = (self._images_nhw, self._digit_n, self._test_n)
        return content_digest(*(array.tobytes() for array in arrays), self._limit)

    @property
    def splits(self) -> Sequence[str]:
        """`train` (901 examples) and `test` (896)."""
        return SPLITS

    def examples(self, split: str) -> Sequence[Example]:
        """The pictures of a split, in the published order; an id is the published row."""
        return tuple(self._example(row) for row in self._rows(split).tolist())

    def traits(self, split: str) -> TraitLabels:
        """One trait per digit, in the order of `examples(split)`."""
        return TraitLabels(
            labels_nt=self._digit_n[self._rows(split), None] == np.arange(len(DIGITS)),
            names=tuple(f"digit is {digit}" for digit in DIGITS),
            groups=("digit",) * len(DIGITS),
        )

    def position_labels(self, split: str) -> PositionLabels | None:
        """None: there are no labels of positions."""
        known_split("digits", split)
        return None

    def _rows(self, split: str) -> NDArray[np.intp]:
        return split_rows("digits", split, self._test_n, self._limit)

    def _example(self, row: int) -> Example:
        return Example(
            id=f"{row:04d}",
            image=np.repeat(self._images_nhw[row, :, :, None], 3, axis=2),
            caption=f"a handwritten {self._digit_n[row]}",
        )


def every_second(classes_n: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return True for the 2nd, 4th, ... example of each class: a stratified half, without a seed."""
    second_n = np.zeros(len(classes_n), bool)
    for value in np.unique(classes_n):
        second_n[np.flatnonzero(classes_n == value)[1::2]] = True
    return second_n
