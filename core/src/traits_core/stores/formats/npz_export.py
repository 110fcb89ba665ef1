"""Writing token chunks: uncompressed .npz, which is as small as activations get, and ten times faster."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.durable import write_json
from traits_core.errors import StoreError
from traits_core.stores.dtypes import NUMPY_DTYPES
from traits_core.stores.extras import BLOCK
from traits_core.stores.foreign import INDEX, Extra, OpenStore
from traits_core.stores.formats.npz_config import NpzConfig
from traits_core.stores.formats.npz_format import CHUNKS, METADATA, chunk_name
from traits_core.stores.formats.origin import write_origin
from traits_core.stores.formats.publish import publishing, read_encoded

if TYPE_CHECKING:
    from traits_core.progress import Progress

UNKNOWN_TOKEN: Final = -1


@attrs.frozen(kw_only=True)
class _Sequences:
    """Where the sequences of a store are: `length` positions each, some of them without a row."""

    source: OpenStore
    count: int
    length: int
    index: Extra | None

    def first_row(self, sequence: int) -> int:
        """The first row of a sequence or of a later one."""
        header, index = self.source.store.header, self.index
        if index is None or header.positions > 1:
            return min(sequence * self.length, header.rows)
        rows = range(header.rows)
        return bisect_left(rows, sequence, key=lambda row: int(index.read(row, row + 1)[0, 0]))

    def places(self, start: int, stop: int) -> NDArray[np.int64]:
        """Sequence, position and token id of rows."""
        if self.index is not None:
            return self.index.read(start, stop)
        rows = np.arange(start, stop)
        ids = np.full_like(rows, UNKNOWN_TOKEN)
        return np.stack([rows // self.length, rows % self.length, ids], axis=1)


def write_npz(
    root: Path, source: OpenStore, dtype: str | None, config: NpzConfig, progress: Progress
) -> Path:
    """Write one layer of activations to `root`; positions without a row are masked zeros.

    bfloat16 is uint16 bits, and metadata.json says so; unknown token ids are -1. Memory: one chunk.

    Raises StoreError for scores, several arrays, values too large for `dtype`, and when the disk fails.
    """
    header = source.store.header
    if header.kind != "activations" or len(header.arrays) != 1:
        names = ", ".join(array.name for array in header.arrays)
        raise StoreError(
            f"{source.store.root}: npz holds one layer of activations, these are {header.kind} "
            f"{names}: choose one with --layers"
        )
    dtype = dtype or header.dtype
    sequences = _sequences(source)
    feature, columns = header.arrays[0].feature, header.arrays[0].columns
    item = NUMPY_DTYPES[dtype].itemsize * columns + 16
    with (
        publishing(root, sequences.count * sequences.length * item) as staging,
        progress.track(f"writing {root}", sequences.count, "sequences") as advance,
    ):
        (staging / CHUNKS).mkdir()
        for i, start in enumerate(range(0, sequences.count, config.sequences_per_chunk)):
            stop = min(start + config.sequences_per_chunk, sequences.count)
            acts_btd, mask_bt, ids_bt = _chunk(sequences, start, stop, dtype)
            np.savez(
                staging / CHUNKS / chunk_name(i),
                activations=acts_btd,
                attention_mask=mask_bt,
                token_ids=ids_bt,
            )
            advance(stop - start)
        facts = {
            "model": feature.backbone,
            "layer": header.arrays[0].name,
            "dataset": header.dataset,
            "split": header.split,
            "dtype": dtype,
            "n_sequences": sequences.count,
            "seq_length": sequences.length,
            "d_model": columns,
        }
        write_json(staging / METADATA, facts)
        write_origin(staging, header)
    return root


def _sequences(source: OpenStore) -> _Sequences:
    header, index = source.store.header, source.extras.get(INDEX)
    count, length = header.rows // header.positions, header.positions
    if index is not None and header.positions == 1:
        count = int(index.read(header.rows - 1, header.rows)[0, 0]) + 1
        length = 1 + max(int(block[:, 1].max()) for block in _blocks(index))
    return _Sequences(source=source, count=count, length=length, index=index)


def _blocks(index: Extra) -> Iterator[NDArray[np.int64]]:
    for start in range(0, index.shape[0], BLOCK):
        yield index.read(start, min(start + BLOCK, index.shape[0]))


def _chunk(
    sequences: _Sequences, start: int, stop: int, dtype: str
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Activations, mask and token ids of the sequences [start, stop)."""
    first, last = sequences.first_row(start), sequences.first_row(stop)
    array = sequences.source.store.header.arrays[0]
    shape = (stop - start, sequences.length)
    acts_btd = np.zeros((*shape, array.columns), NUMPY_DTYPES[dtype])
    mask_bt = np.zeros(shape, np.int64)
    ids_bt = np.full(shape, UNKNOWN_TOKEN, np.int64)
    if last > first:
        sequence_n, position_n, id_n = sequences.places(first, last).T
        at = (sequence_n - start, position_n)
        acts_btd[at] = read_encoded(sequences.source, array.name, first, last, dtype)
        mask_bt[at] = 1
        ids_bt[at] = id_n
    return acts_btd, mask_bt, ids_bt
