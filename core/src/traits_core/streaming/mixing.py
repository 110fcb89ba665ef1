"""How well a stream shuffles: whether the rows of a batch come from as many examples as chance gives."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import DataError
from traits_core.streaming.shuffle import ShuffledStream


@attrs.frozen(kw_only=True)
class Mixing:
    """Mean entropy of the examples in a batch, in bits.

    Parameters
    ----------
    stream: of the batches of a stream
    uniform: of batches of as many rows drawn at random from the whole store
    """

    stream: float
    uniform: float

    @property
    def ratio(self) -> float:
        """1 for a perfect shuffle, 0 for batches of one example each."""
        return self.stream / self.uniform if self.uniform else 1.0


def measure_mixing(stream: ShuffledStream, epoch: int = 0, n_batches: int = 16) -> Mixing:
    """Compare the first whole batches of an epoch with batches of a uniform shuffle; reads no row.

    The entropy of a batch is `-sum(p log2 p)`, where p is the part of its rows that an example has:
    the batch entropy over examples that saev (OSU-NLP-Group) logs, in bits.

    Raises DataError when an epoch has no whole batch.
    """
    header = stream.store.header
    size = stream.batch_size
    if stream.rows_per_epoch < size or n_batches < 1:
        raise DataError(f"mixing needs a whole batch: {size} of {stream.rows_per_epoch} rows")
    batches = [ids for ids in islice(stream.row_ids(epoch), n_batches) if len(ids) == size]
    generator = np.random.default_rng((stream.seed, epoch))
    uniform = (generator.choice(header.rows, size, replace=False, shuffle=False) for _ in batches)
    return Mixing(
        stream=_mean_entropy(batches, header.positions),
        uniform=_mean_entropy(uniform, header.positions),
    )


def _mean_entropy(batches: Iterable[NDArray[np.int64]], positions: int) -> float:
    return float(np.mean([_entropy(ids // positions) for ids in batches]))


def _entropy(examples_b: NDArray[np.int64]) -> float:
    _, counts = np.unique(examples_b, return_counts=True)
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())
