"""Rows that are mostly zeros, as the values that are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray


@attrs.frozen(eq=False)
class Entries:
    """Rows of a stored dtype in compressed sparse rows (CSR): all bits of other values are 0.

    Parameters
    ----------
    width: how many columns rows have
    ends: int64 [rows]; how many entries there are up to the end of each row
    columns: uint16 [entries], or uint32 where rows are wider; rising in each row
    values: [entries]
    """

    width: int
    ends: NDArray[np.int64]
    columns: NDArray[np.unsignedinteger[Any]]
    values: NDArray[Any]

    @classmethod
    def of(cls, rows_bk: NDArray[Any]) -> Self:
        """Those of rows in full length; a negative zero is one."""
        places = np.flatnonzero(bits(rows_bk) != 0)
        return cls.at(places, rows_bk.reshape(-1)[places], rows_bk.shape)

    @classmethod
    def at(cls, places: NDArray[np.int64], values: NDArray[Any], shape: tuple[int, int]) -> Self:
        """Values at rising places, each row * columns + column, of rows of this shape."""
        rows, width = shape
        return cls(
            width=width,
            ends=np.searchsorted(places, np.arange(1, rows + 1) * width),
            columns=(places % width).astype(column_dtype(width)),
            values=values,
        )

    @classmethod
    def below(cls, parts: Sequence[Entries]) -> Self:
        """The rows of parts of one width, those of each below those before it."""
        entries = np.cumsum([0, *(len(part.values) for part in parts)])
        return cls(
            width=parts[0].width,
            ends=np.concatenate([part.ends + n for part, n in zip(parts, entries, strict=False)]),
            columns=np.concatenate([part.columns for part in parts]),
            values=np.concatenate([part.values for part in parts]),
        )

    @classmethod
    def beside(cls, parts: Sequence[tuple[int, Entries]], width: int) -> Self:
        """Rows made of parts that have as many, each from its first column on."""
        shape = len(parts[0][1]), width
        places = np.concatenate([part.places(width) + first for first, part in parts])
        order = np.argsort(places, kind="stable")  # which merges runs that are sorted already
        values = np.concatenate([part.values for _, part in parts])
        return cls.at(places[order], values[order], shape)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, rows: slice) -> Entries:
        ends = self.ends[rows]
        first = int(self.ends[rows.start - 1]) if rows.start else 0
        last = int(ends[-1]) if len(ends) else first
        return Entries(self.width, ends - first, self.columns[first:last], self.values[first:last])

    def places(self, width: int) -> NDArray[np.int64]:
        """Where the entries lie in rows of `width` columns that lie one after the other."""
        starts = np.arange(len(self)) * width
        return np.repeat(starts, np.diff(self.ends, prepend=0)) + self.columns

    def padded(self, rows: int, width: int) -> Entries:
        """The same rows, with zeros below and to the right."""
        ends = np.full(rows, len(self.values))
        ends[: len(self)] = self.ends
        return Entries(width, ends, self.columns.astype(column_dtype(width)), self.values)

    def without_zeros(self) -> Entries:
        """The same without values that were rounded to 0."""
        kept = bits(self.values) != 0
        if kept.all():
            return self
        ends = np.append(0, np.cumsum(kept))[self.ends]
        return Entries(self.width, ends, self.columns[kept], self.values[kept])

    def dense(self) -> NDArray[Any]:
        """The rows in full length."""
        rows_bk = np.zeros((len(self), self.width), self.values.dtype)
        rows_bk.reshape(-1)[self.places(self.width)] = self.values
        return rows_bk


def column_dtype(width: int) -> np.dtype[Any]:
    """What columns are counted in."""
    return np.dtype("<u2" if width <= 1 << 16 else "<u4")


def bits(values: NDArray[Any]) -> NDArray[Any]:
    """The same memory as integers."""
    return values.view(f"i{values.itemsize}")
