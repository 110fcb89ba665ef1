"""Where scores go: each sink takes what it wants of the one pass over the activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from traits_core.scoring.keeping import Keep
from traits_core.scoring.scored import Scored
from traits_core.stores.header import StoreHeader
from traits_core.stores.manifest import load_manifest
from traits_core.stores.protocols import Storage
from traits_core.stores.writer import StoreWriter

if TYPE_CHECKING:
    from torch import Tensor


class Sink(Protocol):
    """Takes what it wants of the scores of a few examples, then of the next examples.

    Examples that it has already may come once more, beside others that it lacks.
    """

    @property
    def missing(self) -> Sequence[range]:
        """The examples that it lacked when the pass began, in order."""

    def keep(self, scored: Scored) -> Mapping[str, Tensor]:
        """What it wants of the scores of a few examples by one scorer; threads ask at the same time."""

    def take(self, first_example: int, rows: Mapping[str, Tensor]) -> None:
        """Take what it wanted of every scorer's scores of the next examples, in their order."""

    def finish(self) -> None:
        """Keep all of it for good. Raises StoreError when examples are missing."""


class StoreSink:
    """A store of scores, written shard by shard: a pass that was killed goes on behind the last one.

    Memory: what `keep` makes of a few examples, and two shards.

    Parameters
    ----------
    root, header, storage: of the store, see `StoreWriter` and `score_header`
    keep: which scores of a row the store keeps
    """

    def __init__(self, root: Path, header: StoreHeader, storage: Storage, keep: Keep) -> None:
        self._writer = StoreWriter(root, header, storage)
        self._keep = keep
        self._gaps: Iterator[range] = iter(())
        self._gap: range | None = None

    def __enter__(self) -> Self:
        self._writer.__enter__()
        self._gaps = self._writer.gaps()
        self._gap = next(self._gaps, None)
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
        header = self._writer.header
        shards = load_manifest(self._writer.root, header).gaps(header)
        size = header.rows_per_shard
        return [
            range(
                gap.start * size // header.positions,
                -(-min(gap.stop * size, header.rows) // header.positions),
            )
            for gap in shards
        ]

    def keep(self, scored: Scored) -> Mapping[str, Tensor]:
        """The rows of these examples, pooled."""
        return self._keep(scored)

    def take(self, first_example: int, rows: Mapping[str, Tensor]) -> None:
        """Append the rows of these examples."""
        start = first_example * self._writer.header.positions
        stop = start + len(next(iter(rows.values())))
        while self._gap is not None and self._gap.start < stop:
            first, last = max(start, self._gap.start), min(stop, self._gap.stop)
            if first < last:
                part = slice(first - start, last - start)
                self._writer.append({name: rows_bk[part] for name, rows_bk in rows.items()})
            if stop < self._gap.stop:
                return
            self._gap = next(self._gaps, None)

    def finish(self) -> None:
        """Wait until the last shard is committed."""
        self._writer.finish()
