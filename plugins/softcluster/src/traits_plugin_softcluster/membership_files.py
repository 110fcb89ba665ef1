"""Memberships of the tokens of one chunk as an NPZ file of coordinates, without pickle."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core import DataError
from traits_plugin_softcluster.npz_members import open_npz, read_array


@attrs.frozen(eq=False)
class ChunkMemberships:
    """Who belongs to what in one chunk, as coordinates in ascending order.

    Parameters
    ----------
    indices_e3: int64, (sequence within the chunk, position, cluster) of each membership
    values_e: float32, above 0; those of one position sum to 1
    total_sequences, sequence_length: dimensions of the chunk
    """

    indices_e3: NDArray[np.int64]
    values_e: NDArray[np.float32]
    total_sequences: int
    sequence_length: int

    def save(self, path: Path) -> None:
        """Write `indices`, `values` and `metadata` (a JSON string); replaces `path` in one step."""
        metadata = {
            "total_sequences": self.total_sequences,
            "sequence_length": self.sequence_length,
        }
        temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
        try:
            with temporary.open("wb") as file:
                np.savez_compressed(
                    file,
                    indices=self.indices_e3,
                    values=self.values_e,
                    metadata=np.array(json.dumps(metadata)),
                )
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> ChunkMemberships:
        """Read what `save` wrote; raises DataError when it is something else."""
        with open_npz(path) as archive:
            indices = read_array(archive, "indices")
            values = read_array(archive, "values")
            metadata = read_array(archive, "metadata")
        try:
            facts: dict[str, Any] = json.loads(str(metadata.reshape(())))
            sizes = int(facts["total_sequences"]), int(facts["sequence_length"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: metadata is not the JSON of a chunk: {error}") from error
        if indices.shape != (*values.shape, 3) or values.ndim != 1 or indices.dtype != np.int64:
            raise DataError(
                f"{path}: indices must be int64 [n, 3] beside values [n], got {indices.dtype} "
                f"{indices.shape} and {values.shape}"
            )
        return cls(indices, values, *sizes)
