"""Scores of positions beside classes of positions: a trait per class, ignored positions left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np

from traits_core.errors import DataError
from traits_core.protocols import ScoreMatrix
from traits_core.records import PositionLabels, ScoreEntries, TraitLabels
from traits_core.scoring.entries import rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


@attrs.frozen(eq=False)
class SelectedRows:
    """A `ScoreMatrix` of some rows of another one, in order; reading few of them reads what is between.

    Parameters
    ----------
    all: the other one
    rows_n: rising numbers of the rows
    """

    all: ScoreMatrix
    rows_n: NDArray[np.intp]

    @property
    def format(self) -> Literal["dense", "sparse"]:
        """That of all rows."""
        return self.all.format

    @property
    def n_examples(self) -> int:
        """The rows that were selected."""
        return len(self.rows_n)

    @property
    def n_prototypes(self) -> int:
        """Those of all rows."""
        return self.all.n_prototypes

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [stop - start, prototypes] of the selected rows [start, stop)."""
        first, chosen = self._between(start, stop)
        scores_bk: NDArray[np.float32] = self.all.rows(first, first + _length(chosen))[chosen]
        return scores_bk

    def entries(self, start: int, stop: int) -> ScoreEntries:
        """The scores of the selected rows [start, stop) that are not 0."""
        first, chosen = self._between(start, stop)
        return rows_of(self.all.entries(first, first + _length(chosen)), chosen)

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [selected rows, stop - start] of prototypes [start, stop)."""
        block_nk: NDArray[np.float32] = self.all.block(start, stop)
        return block_nk if len(block_nk) == len(self.rows_n) else block_nk[self.rows_n]

    def _between(self, start: int, stop: int) -> tuple[int, NDArray[np.intp]]:
        """The first of the rows, and all of them counted from it."""
        chosen = self.rows_n[start:stop]
        first = int(chosen[0]) if len(chosen) else 0
        return first, chosen - first


def labelled_positions(labels: PositionLabels, rows: int, positions: int) -> NDArray[np.intp]:
    """The rows whose class is not to be ignored.

    Raises DataError when there are not as many labels as `rows` of `positions` an example.
    """
    expected = (rows // positions, positions)
    if labels.labels_np.shape != expected:
        raise DataError(
            f"classes of positions {list(labels.labels_np.shape)} do not fit scores of "
            f"{list(expected)} [examples, positions]: the dataset must label the positions that the "
            "backbone has"
        )
    return np.flatnonzero(~np.isin(labels.labels_np.ravel(), labels.ignore))


def one_against_rest(labels: PositionLabels, rows_n: NDArray[np.intp]) -> TraitLabels:
    """A trait per class that is not ignored, in the group `class`, for the given positions."""
    classes = [c for c in range(len(labels.class_names)) if c not in labels.ignore]
    found_n = labels.labels_np.ravel()[rows_n]
    return TraitLabels(
        labels_nt=np.stack([found_n == c for c in classes], axis=1),
        names=tuple(labels.class_names[c] for c in classes),
        groups=("class",) * len(classes),
    )


def _length(chosen: NDArray[np.intp]) -> int:
    return int(chosen[-1]) + 1 if len(chosen) else 0
