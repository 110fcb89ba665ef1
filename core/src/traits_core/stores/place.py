"""Where the next rows of a store go: threads fill such places at the same time, and the writer takes them in order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from traits_core.errors import DataError, StoreError
from traits_core.stores.commit import ArrayStats
from traits_core.stores.dtypes import TORCH_DTYPES, refuse_overflow
from traits_core.stores.header import StoreHeader
from traits_core.stores.shard_memory import RowsMemory, beyond


@attrs.frozen(eq=False)
class Part:
    """Rows of a place that lie in one shard.

    Parameters
    ----------
    shard: its number
    memory: for these rows
    outside: which ones they are of the place
    stats: of the values that were put there, by array
    """

    shard: int
    memory: RowsMemory
    outside: slice
    stats: dict[str, ArrayStats] = attrs.field(factory=dict)


@attrs.define(eq=False)
class Place:
    """Memory for the rows [first_row, stop_row) of every array of a store, to be filled by one thread."""

    header: StoreHeader
    first_row: int
    stop_row: int
    parts: Sequence[Part]
    _filled: int = 0

    def put(
        self, array: str, values_bk: Tensor, column: int = 0, above: float | None = None
    ) -> None:
        """Round columns [column, column + K) of all rows [B, K] to the stored dtype.

        `above`: how far values are above it is kept instead, and 0 of those that are not.

        Raises DataError for NaN or infinity among what is kept (naming array and row); StoreError for a
        value that is too large for the dtype.
        """
        values_bk = values_bk.detach().cpu()
        for part in self.parts:
            source_bk = values_bk[part.outside]
            found = self._stats(part.memory.put(array, column, source_bk, above))
            if not found:
                raise _not_finite(array, beyond(values_bk, above), self.first_row)
            part.stats[array] = part.stats.get(array, found).joined(found)
        self._filled += values_bk.numel()

    def check_filled(self) -> None:
        """Raise StoreError when columns of some array are missing."""
        n = self.stop_row - self.first_row
        if self._filled != n * sum(array.columns for array in self.header.arrays):
            raise StoreError(f"rows {self.first_row} to {self.stop_row} were not put whole")

    def _stats(self, extremes: Tensor) -> ArrayStats | None:
        """What values with these extremes are once they are rounded; None when they are not all finite.

        The extremes of rounded values are the rounded extremes.
        """
        ends = torch.stack(torch.aminmax(extremes))
        low, high = ends.tolist()
        if not (math.isfinite(low) and math.isfinite(high)):
            return None
        refuse_overflow(max(abs(low), abs(high)), self.header.dtype)
        return ArrayStats.of_range(*ends.to(TORCH_DTYPES[self.header.dtype]).tolist())


def _not_finite(name: str, tensor: Tensor, first_row: int) -> DataError:
    bad = (~tensor.isfinite()).any(dim=1).nonzero()[:, 0]
    kind = "NaN" if bool(tensor[bad[0]].isnan().any()) else "infinity"
    return DataError(
        f"array {name!r}, row {first_row + int(bad[0])}: {kind} cannot be stored "
        f"({len(bad)} such rows in this batch)"
    )
