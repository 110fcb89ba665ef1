"""The rows of one shard before they are files, where most values are 0: the others alone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traits_core.stores.dtypes import rounded
from traits_core.stores.entries import Entries, bits
from traits_core.stores.header import StoreHeader
from traits_core.stores.shard_memory import Blocks, RowsMemory, beyond, block_columns, block_widths


class SparseShard:
    """The entries of each block of columns, some rows after the others: a value and two bytes for each."""

    def __init__(self, header: StoreHeader) -> None:
        self._header = header
        self._rows: dict[int, _SparseRows] = {}

    def rows(self, rows: slice) -> RowsMemory:
        """Nothing yet."""
        for row in [row for row in self._rows if rows.start <= row < rows.stop]:
            del self._rows[row]
        return self._rows.setdefault(rows.start, _SparseRows(self._header))

    def blocks(self, rows: int) -> Blocks:
        """What was put, the first rows first."""
        parts = [some for _, some in sorted(self._rows.items())]
        return {
            array.name: [
                Entries.below([part.block(array.name, number, width) for part in parts])
                for number, width in enumerate(block_widths(self._header, array))
            ]
            for array in self._header.arrays
        }

    def clear(self) -> None:
        """Forget them."""
        self._rows = {}


class _SparseRows:
    def __init__(self, header: StoreHeader) -> None:
        self._header = header
        self._parts: defaultdict[tuple[str, int], list[tuple[int, Entries]]] = defaultdict(list)

    def block(self, array: str, number: int, width: int) -> Entries:
        """Take the entries of a block of columns, which were put together as a rule."""
        parts = self._parts.pop((array, number))
        return parts[0][1] if len(parts) == 1 else Entries.beside(parts, width)

    def put(self, array: str, column: int, values_bk: Tensor, above: float | None) -> Tensor:
        """Each value is compared once, and copied when it is kept."""
        if values_bk.dtype not in (torch.float32, torch.float64):
            values_bk = values_bk.float()  # numpy has no bfloat16
        ends: list[Tensor] = []
        for number, inside, among in block_columns(self._header, column, values_bk.shape[1]):
            source_bk = values_bk[:, among].numpy()
            places = np.flatnonzero(_is_kept(source_bk, above))
            kept = beyond(torch.from_numpy(source_bk.reshape(-1)[places]), above)
            if len(places):
                ends += torch.aminmax(kept)
            if len(places) < source_bk.size:
                ends.append(kept.new_zeros(()))
            part = Entries.at(places, rounded(kept, self._header.dtype), source_bk.shape)
            self._parts[array, number].append((inside.start, part.without_zeros()))
        return torch.stack(ends)


def _is_kept(values_bk: NDArray[Any], above: float | None) -> NDArray[np.bool_]:
    """Where a value is not 0, or above another one; NaN and infinity are, so that they are found."""
    kept_bk: NDArray[np.bool_]
    if above is None:
        kept_bk = bits(values_bk) != 0
    else:
        dtype = torch.from_numpy(values_bk).dtype
        least = torch.tensor(min(above, torch.finfo(dtype).max), dtype=dtype).item()
        kept_bk = values_bk <= least
        np.logical_not(kept_bk, out=kept_bk)
    return kept_bk
