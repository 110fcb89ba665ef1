"""What a format of others gives to read: a header, a reader of rows, and arrays that go with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from traits_core.stores.header import StoreHeader
    from traits_core.stores.protocols import StorageReader
    from traits_core.stores.reader import Store

INDEX: Final = "index"
"""int64 [rows, 3]: example, position in it, and token id (-1 when unknown) of each row."""
LABELS: Final = "labels"
"""uint8 [examples, labelled positions]: a class for each position that has one, never for CLS."""


@attrs.frozen(kw_only=True, eq=False)
class Extra:
    """An array beside the rows of a store, read a piece at a time.

    Parameters
    ----------
    shape: the whole of it; the first axis is rows or examples
    dtype: little-endian
    read: `read(start, stop)` gives that part of the first axis
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[int, int], NDArray[Any]]


@attrs.frozen(kw_only=True, eq=False)
class ForeignStore:
    """A directory in a foreign format, checked and ready to be read.

    Parameters
    ----------
    header: describes it as if it were a store; `dataset_digest` changes with the contents
    reader: reads its rows
    extras: by name; `index` and `labels` mean what `INDEX` and `LABELS` say
    notes: what else people should know of it, by label
    """

    header: StoreHeader
    reader: StorageReader
    extras: Mapping[str, Extra] = attrs.field(factory=dict)
    notes: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True, eq=False)
class OpenStore:
    """A store of any format, open for reading, and the arrays that go with it."""

    store: Store
    extras: Mapping[str, Extra] = attrs.field(factory=dict)
