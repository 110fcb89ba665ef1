"""One batch of rows on its way into a store: checked as a whole before any of it is taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from traits_core.errors import DataError, StoreError
from traits_core.stores.dtypes import absmax, encode
from traits_core.stores.header import StoreHeader


def encode_batch(
    header: StoreHeader, arrays: Mapping[str, Tensor], first_row: int
) -> dict[str, NDArray[Any]]:
    """Check the rows from `first_row` on and round them to the stored dtype.

    Parameters
    ----------
    arrays: float tensors [n, columns] by array name, n >= 1 the same for all

    Raises DataError for no rows, NaN or infinity; StoreError when names, shapes, dtypes or the
    number of rows are not the header's, or a value is too large.
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
    largest: dict[str, float] = {}
    for array in header.arrays:
        tensor = arrays[array.name]
        if tuple(tensor.shape) != (n, array.columns) or not tensor.is_floating_point():
            raise StoreError(
                f"array {array.name!r} got {tensor.dtype} {tuple(tensor.shape)}, "
                f"expected floats {(n, array.columns)}"
            )
        largest[array.name] = _finite_absmax(array.name, tensor, first_row)
    return {name: encode(arrays[name], header.dtype, largest[name]) for name in expected}


def _finite_absmax(name: str, tensor: Tensor, first_row: int) -> float:
    """The largest magnitude; DataError that names the first row with NaN or infinity."""
    largest = absmax(tensor)
    if math.isfinite(largest):
        return largest
    bad = (~tensor.isfinite()).any(dim=1).nonzero()[:, 0]
    kind = "NaN" if bool(tensor[bad[0]].isnan().any()) else "infinity"
    raise DataError(
        f"array {name!r}, row {first_row + int(bad[0])}: {kind} cannot be stored "
        f"({len(bad)} such rows in this batch)"
    )
