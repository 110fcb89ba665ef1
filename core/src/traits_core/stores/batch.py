"""One batch of rows on its way into a store: checked as a whole before any of it is taken."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from traits_core.errors import DataError, StoreError
from traits_core.stores.commit import ArrayStats
from traits_core.stores.dtypes import TORCH_DTYPES, refuse_overflow
from traits_core.stores.header import StoreHeader


def check_shapes(header: StoreHeader, arrays: Mapping[str, Tensor], first_row: int) -> int:
    """Return how many rows there are, from `first_row` on: the same number of every array.

    Raises DataError for no rows; StoreError when names, shapes, dtypes or the number of rows are not
    the header's.
    """
    expected = [array.name for array in header.arrays]
    if set(arrays) != set(expected):
        raise StoreError(f"got arrays {sorted(arrays)}, the header says {expected}")
    n = len(arrays[expected[0]])
    if n == 0:
        raise DataError("0 rows were appended: at least 1 is needed")
    if first_row + n > header.rows:
        raise StoreError(
            f"rows {first_row} to {first_row + n} were appended, the store has {header.rows}"
        )
    for array in header.arrays:
        tensor = arrays[array.name]
        if tuple(tensor.shape) != (n, array.columns) or not tensor.is_floating_point():
            raise StoreError(
                f"array {array.name!r} got {tensor.dtype} {tuple(tensor.shape)}, "
                f"expected floats {(n, array.columns)}"
            )
    return n


def measure_part(
    header: StoreHeader, arrays: Mapping[str, Tensor], part: slice, first_row: int
) -> dict[str, ArrayStats]:
    """What the rows `part` of a batch will be when they are rounded to the stored dtype.

    The extremes of rounded values are the rounded extremes, so nothing needs to be rounded for it.

    Raises DataError that names the first row of the batch, which begins at `first_row`, with NaN or
    infinity; StoreError when a value is too large.
    """
    stats = {}
    for name, tensor in arrays.items():
        ends = torch.stack(torch.aminmax(tensor[part].detach()))
        low, high = ends.tolist()
        if not (math.isfinite(low) and math.isfinite(high)):
            raise _not_finite(name, tensor, first_row)
        refuse_overflow(max(abs(low), abs(high)), header.dtype)
        stats[name] = ArrayStats.of_range(*ends.to(TORCH_DTYPES[header.dtype]).tolist())
    return stats


def _not_finite(name: str, tensor: Tensor, first_row: int) -> DataError:
    bad = (~tensor.isfinite()).any(dim=1).nonzero()[:, 0]
    kind = "NaN" if bool(tensor[bad[0]].isnan().any()) else "infinity"
    return DataError(
        f"array {name!r}, row {first_row + int(bad[0])}: {kind} cannot be stored "
        f"({len(bad)} such rows in this batch)"
    )
