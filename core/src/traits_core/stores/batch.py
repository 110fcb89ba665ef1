"""What a batch of rows must be before any of it goes into a store."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from traits_core.errors import DataError, StoreError
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
