"""Reading the rows of saev's shards: one read per example, of the tokens that are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import StoreError
from traits_core.stores.formats.files import open_plain
from traits_core.stores.formats.saev_metadata import Metadata, shard_name


@attrs.frozen(eq=False)
class SaevReader:
    """Reads rows of a layer: `positions` tokens of each example from token `first` on."""

    root: Path
    metadata: Metadata
    names: tuple[str, ...]
    first: int
    positions: int

    def read(self, array: str, start: int, stop: int, columns: slice = slice(None)) -> NDArray[Any]:
        """Rows [start, stop) of one layer: one read per example."""
        size, d = self.metadata.examples_per_shard, self.metadata.d_model
        example, last = start // self.positions, -(-stop // self.positions)
        out_epd = np.empty((last - example, self.positions, d), "<f4")
        for shard in range(example // size, -(-last // size)):
            begin, end = max(example, shard * size), min(last, (shard + 1) * size)
            self._read_file(shard, array, begin, out_epd[begin - example : end - example])
        skipped = start - example * self.positions
        return out_epd.reshape(-1, d)[skipped : skipped + stop - start, columns]

    def _read_file(self, shard: int, array: str, example: int, out_epd: NDArray[Any]) -> None:
        """Fill `out_epd` from `example` on, all of it in one file [example, layer, token, d]."""
        metadata, layer = self.metadata, self.names.index(array)
        path = self.root / shard_name(shard)
        with open_plain(path) as file:
            for i, out_pd in enumerate(
                out_epd, start=example - shard * metadata.examples_per_shard
            ):
                token = (i * len(metadata.layers) + layer) * metadata.tokens + self.first
                file.seek(token * metadata.d_model * 4)
                if file.readinto(out_pd.data.cast("B")) < out_pd.nbytes:
                    raise StoreError(f"{path} has become shorter")
