"""The positions that belong most to each cluster, with what stands around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import attrs
import numpy as np
import torch
from numpy.typing import NDArray

from traits_core import StoreError, load_tensors, save_tensors
from traits_plugin_softcluster.position_members import OUTSIDE, PositionMembers


@attrs.frozen(eq=False)
class Exemplars:
    """The `n` largest memberships of each cluster, largest first; of equals, the first seen stay.

    Memory: K x n x (24 w + 40) bytes with a window of `w` positions either side, however many
    positions are offered.

    Parameters
    ----------
    values_kn: float32 memberships; 0 marks a place that is not taken
    places_kn3: int64 (chunk, sequence, position); -1 where not taken
    tokens_knw: int64 token ids around the position; -1 beyond the ends of the sequence
    context_knw: float32 memberships of these positions in the same cluster
    """

    values_kn: NDArray[np.float32]
    places_kn3: NDArray[np.int64]
    tokens_knw: NDArray[np.int64]
    context_knw: NDArray[np.float32]

    @classmethod
    def empty(cls, n_clusters: int, n_exemplars: int, context_window: int) -> Self:
        """Free places for `n_exemplars` of each cluster, with `context_window` positions either side."""
        shape, width = (n_clusters, n_exemplars), 2 * context_window + 1
        return cls(
            np.zeros(shape, np.float32),
            np.full((*shape, 3), -1, np.int64),
            np.full((*shape, width), OUTSIDE, np.int64),
            np.zeros((*shape, width), np.float32),
        )

    def offer(self, members: PositionMembers) -> None:
        """Let all positions of a block compete, in place."""
        n = self.values_kn.shape[1]
        if n == 0:
            return
        better_bsj = members.values_bsj > self.values_kn[:, -1][members.clusters_bsj]
        sequences_e, positions_e, _ = better_bsj.nonzero()
        clusters_e, values_e = members.clusters_bsj[better_bsj], members.values_bsj[better_bsj]
        order_e = np.lexsort((-values_e, clusters_e))  # stable: of equals, the first seen
        rank_e = _ranks(clusters_e[order_e])
        best_e = order_e[rank_e < n]
        where = sequences_e[best_e], positions_e[best_e]
        window = self.tokens_knw.shape[2] // 2
        chunk_e = np.full(len(best_e), members.chunk, np.int64)
        entering = (
            values_e[best_e],
            np.stack([chunk_e, where[0] + members.start, where[1]], axis=1),
            *members.around(*where, clusters_e[best_e], window),
        )
        self._merge(clusters_e[best_e], rank_e[rank_e < n], entering)

    def save(self, path: Path) -> None:
        """Write all arrays to one safetensors file."""
        arrays = attrs.asdict(self, recurse=False)
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        save_tensors(path, tensors, {"exemplars": 1})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; raises StoreError when it is something else."""
        tensors, facts = load_tensors(path)
        if facts != {"exemplars": 1}:
            raise StoreError(f"{path}: not exemplars of version 1 but {facts}")
        return cls(**{name: tensor.numpy() for name, tensor in tensors.items()})

    def _merge(
        self,
        clusters_e: NDArray[np.int64],
        ranks_e: NDArray[np.int64],
        entering: tuple[NDArray[Any], ...],
    ) -> None:
        """Keep the best `n` of what is kept and of `entering`, whose order is that of the fields.

        Of each cluster at most `n` enter, with ranks from 0 in descending order of value.
        """
        n = self.values_kn.shape[1]
        touched_t, rows_e = np.unique(clusters_e, return_inverse=True)
        fields: tuple[NDArray[Any], ...] = (
            self.values_kn,
            self.places_kn3,
            self.tokens_knw,
            self.context_knw,
        )
        merged = []
        for kept, news in zip(fields, entering, strict=True):
            both = np.concatenate([kept[touched_t], np.zeros_like(kept[touched_t])], axis=1)
            both[rows_e, n + ranks_e] = news
            merged.append(both)
        order_tn = np.argsort(-merged[0], axis=1, kind="stable")[:, :n]
        for kept, both in zip(fields, merged, strict=True):
            kept[touched_t] = both[np.arange(len(touched_t))[:, None], order_tn]


def _ranks(sorted_e: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each entry among those equal to it, in a sorted array."""
    return np.arange(len(sorted_e)) - np.searchsorted(sorted_e, sorted_e)
