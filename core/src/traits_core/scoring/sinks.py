"""Where scores go: each sink takes what it wants of the one pass over the activations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

import attrs

from traits_core.scoring.keeping import Keep
from traits_core.scoring.scored import Scored
from traits_core.stores.header import StoreHeader
from traits_core.stores.place import Place
from traits_core.stores.protocols import Storage
from traits_core.stores.writer import StoreWriter

P = TypeVar("P")


class Sink(Protocol[P]):
    """Keeps what it wants of the scores of a few examples, then of the next examples.

    Examples that it has already may come once more, beside others that it lacks.
    """

    @property
    def missing(self) -> Sequence[range]:
        """The examples that it lacked when the pass began, in order."""

    @property
    def block(self) -> int | None:
        """How many prototypes it takes at once, if it goes through their scores once; None: it wants all."""

    def held(self, n_prototypes: int) -> int:
        """How many values of a position it holds until they are taken, of so many prototypes."""

    def place(self, first_example: int, n_examples: int) -> P:
        """Where it keeps what it wants of the next examples; threads ask at the same time."""

    def keep(self, scored: Scored, place: P) -> None:
        """Keep what it wants of one scorer's scores; threads do so at the same time, each in its place."""

    def take(self, place: P) -> None:
        """Take what it kept of every scorer's scores; places come in the order of the examples."""

    def finish(self) -> None:
        """Keep all of it for good. Raises StoreError when examples are missing."""


@attrs.frozen(eq=False)
class Rows:
    """Some rows of a few examples, and where they go in a store."""

    place: Place
    among: slice


class StoreSink:
    """A store of scores, written shard by shard: a pass that was killed goes on behind the last one.

    Memory: that of its `StoreWriter`, whose rows have a place from when their scores are computed.

    Parameters
    ----------
    root, header, storage: of the store, see `StoreWriter` and `score_header`
    keep: which scores of a row the store keeps
    """

    def __init__(self, root: Path, header: StoreHeader, storage: Storage, keep: Keep) -> None:
        self._writer = StoreWriter(root, header, storage)
        self._keep = keep
        self._gaps: Iterator[range] = iter(())
        self._gap = range(0)  # the rows that are taken at present
        self._missing: Sequence[range] = ()

    def __enter__(self) -> Self:
        self._writer.__enter__()
        self._missing = self._writer.missing
        self._gaps = self._writer.gaps()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    @property
    def missing(self) -> Sequence[range]:
        """The examples whose rows are not all committed."""
        n = self._writer.header.positions
        return [range(rows.start // n, -(-rows.stop // n)) for rows in self._missing]

    @property
    def block(self) -> int | None:
        """What suits the rule by which scores are kept."""
        return self._keep.block

    def held(self, n_prototypes: int) -> int:
        """The columns of a row; pooled rows are few."""
        pooled = self._keep.pooling.kind != "none"
        return 0 if pooled else sum(self._keep.columns("", n_prototypes).values())

    def place(self, first_example: int, n_examples: int) -> list[Rows]:
        """Memory for the rows that are not committed."""
        n = self._writer.header.positions
        start, stop = first_example * n, (first_example + n_examples) * n
        found = []
        for rows in self._missing:
            first, last = max(start, rows.start), min(stop, rows.stop)
            if first < last:
                place = self._writer.place(first, last)
                found.append(Rows(place, slice(first - start, last - start)))
        return found

    def keep(self, scored: Scored, place: list[Rows]) -> None:
        """Put the rows of these examples, pooled."""
        for kept in self._keep(scored):
            for rows in place:
                rows.place.put(kept.array, kept.rows_bj[rows.among], kept.column, kept.above)

    def take(self, place: list[Rows]) -> None:
        """Append the rows of these examples."""
        for rows in place:
            if rows.place.first_row not in self._gap:
                self._gap = next(self._gaps)
            self._writer.take(rows.place)

    def finish(self) -> None:
        """Wait until the last shard is committed."""
        self._writer.finish()
