"""The k-means learner: a seeded start, then exact Lloyd passes over a stream of batches."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from traits_core import (
    Comm,
    DataError,
    FarRows,
    StoreError,
    centred,
    check_activations,
    greedy_kmeans_plus_plus,
)
from traits_plugin_kmeans.codebook import Codebook, score_tile
from traits_plugin_kmeans.config import KMeansConfig
from traits_plugin_kmeans.scorer import KMeansScorer
from traits_plugin_kmeans.totals import Totals

SETTLING_EPOCHS = 3  # the last ones re-seed no cluster that has rows
RANK_STRIDE = 1_000_003  # keeps the seeds of processes apart


class KMeans:
    """Lloyd's algorithm, one exact update per epoch, with re-seeding of starving clusters.

    The centroids stay fixed during a pass, while sums, counts and inertia are added up in float64;
    `end_epoch` adds them over all processes and moves the centroids to the means. So the inertia
    that `end_epoch` reports is that of the centroids which the pass began with.

    Lloyd, Least squares quantization in PCM, IEEE Trans. Inf. Theory 28 (1982).
    """

    def __init__(
        self, config: KMeansConfig, *, d_model: int, seed: int, device: torch.device, comm: Comm
    ) -> None:
        self._config = config
        self._comm = comm
        self._device = torch.device(device)
        # On the CPU for all devices, so that a checkpoint moves between them.
        self._generator = torch.Generator().manual_seed(seed + comm.rank * RANK_STRIDE)
        n = config.n_clusters
        self._tile_bk = score_tile(n, self._device)
        self._totals = Totals.zeros(n, d_model, self._device)
        self._far = FarRows.empty(min(n, max(64, n // 4)), d_model, self._device)
        self._shift_d = torch.zeros(d_model, dtype=torch.float32, device=self._device)
        self._codebook = Codebook(self._shift_d.repeat(n, 1))
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._last_inertia = torch.full((), torch.inf, dtype=torch.float64)
        self._last_reseeded = torch.zeros((), dtype=torch.int64)
        self._converged = torch.zeros((), dtype=torch.bool)

    @property
    def sample_rows(self) -> int:
        """How many rows the start is chosen from."""
        return self._config.sample_rows

    @property
    def max_epochs(self) -> int:
        """How many passes there are at most."""
        return self._config.max_epochs

    @property
    def done(self) -> bool:
        """True after `max_epochs`, or when passes without re-seeding stopped to improve."""
        return bool(self._converged) or int(self._epoch) >= self.max_epochs

    @torch.no_grad()
    def initialize(self, sample_nd: Tensor) -> None:
        """Choose the first centroids among the rows [N, D]; all processes take those of rank 0.

        Raises DataError when there are fewer rows than clusters.
        """
        check_activations(sample_nd, len(self._shift_d))
        n_clusters, n_rows = self._config.n_clusters, len(sample_nd)
        if n_rows < n_clusters:
            raise DataError(
                f"k-means cannot make {n_clusters} clusters of a sample of {n_rows} rows: "
                f"set n_clusters to {n_rows} or less, or give it more rows"
            )
        shift_d = sample_nd.mean(dim=0, dtype=torch.float64).float()
        centroids_kd = torch.zeros_like(self._codebook.centroids_kd)
        if self._comm.rank == 0:
            rows_nd = centred(sample_nd, shift_d)
            centroids_kd = greedy_kmeans_plus_plus(
                rows_nd, n_clusters, self._config.candidates, self._generator
            )
        else:
            shift_d.zero_()
        self._comm.all_sum(shift_d, centroids_kd)
        self._shift_d = shift_d
        self._codebook = Codebook(centroids_kd)

    @torch.no_grad()
    def update(self, acts_bd: Tensor) -> Mapping[str, float]:
        """Assign a batch [B, D] and add it to the totals; returns its inertia per row."""
        check_activations(acts_bd, len(self._shift_d))
        before = float(self._totals.inertia)
        for part_bd in torch.split(acts_bd, len(self._tile_bk)):
            rows_bd = centred(part_bd, self._shift_d)
            labels_b = self._codebook.nearest(rows_bd, self._tile_bk)
            distances_b = self._codebook.squared_distances(rows_bd, labels_b)
            self._totals.add(rows_bd, labels_b, distances_b)
            self._far.offer(rows_bd, distances_b, self._generator)
        added = float(self._totals.inertia) - before
        return {"batch_inertia": added / max(len(acts_bd), 1)}

    @torch.no_grad()
    def end_epoch(self) -> Mapping[str, float]:
        """Move the centroids to the means of their rows, and starving ones to far rows.

        Returns per row `inertia` (mean squared distance), `explained` (fraction of the variance),
        `moved` (root mean square way of the centroids); `n_reseeded`, `utilisation` (fraction of
        clusters with rows) and `size_min`, `size_median`, `size_max` of the clusters.
        """
        totals = self._totals
        self._comm.all_sum(*totals.tensors().values())
        n_rows = totals.n_rows()
        if n_rows == 0:
            raise DataError("k-means saw no rows in this epoch: the training split is empty")
        inertia = float(totals.inertia) / n_rows
        stalled = inertia >= (1 - self._config.tol) * float(self._last_inertia)
        self._epoch += 1

        old_kd = self._codebook.centroids_kd
        centroids_kd = totals.means_kd(old_kd)
        way_k = (centroids_kd - old_kd).double().square().sum(dim=1)
        moved = float((way_k * totals.counts_k).sum() / n_rows) ** 0.5
        n_reseeded = self._reseed(centroids_kd, stalled)
        metrics = {
            "inertia": inertia,
            "explained": totals.explained(),
            "moved": moved,
            "n_reseeded": float(n_reseeded),
            "utilisation": float((totals.counts_k > 0).double().mean()),
            "size_min": float(totals.counts_k.min()),
            "size_median": float(totals.counts_k.median()),
            "size_max": float(totals.counts_k.max()),
        }

        self._codebook = Codebook(centroids_kd)
        self._converged.fill_(stalled and n_reseeded == 0 and int(self._last_reseeded) == 0)
        self._last_inertia.fill_(inertia)
        self._last_reseeded.fill_(n_reseeded)
        totals.clear()
        self._far.clear()
        return metrics

    def scorer(self) -> KMeansScorer:
        """The scorer of the present centroids."""
        return KMeansScorer(Codebook(self._codebook.centroids_kd.clone()), self._shift_d.clone())

    def state_dict(self) -> Mapping[str, Tensor]:
        """Copies of all that changes, the state of the generator included."""
        copies = {name: tensor.clone() for name, tensor in self._tensors().items()}
        return copies | {"generator": self._generator.get_state()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; raises StoreError when it is not of these options and this width."""
        mine = {name: tuple(tensor.shape) for name, tensor in self.state_dict().items()}
        theirs = {name: tuple(tensor.shape) for name, tensor in state.items()}
        if mine != theirs:
            wrong = sorted({name for name, _ in mine.items() ^ theirs.items()})
            raise StoreError(
                f"not a checkpoint of k-means with {self._config.n_clusters} clusters of "
                f"{len(self._shift_d)} dimensions: {', '.join(wrong)} differ; "
                "train with the options that it was written with, or start a new run"
            )
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])
        self._generator.set_state(state["generator"].cpu())
        self._codebook = Codebook(self._codebook.centroids_kd)

    def _reseed(self, centroids_kd: Tensor, stalled: bool) -> int:
        """Move the emptiest clusters to far rows, in place; returns how many moved.

        Clusters below `small_cluster` of the mean size count as starving while passes still improve
        and enough of them are left to settle; empty ones always do.
        """
        counts_k = self._totals.counts_k
        settling = stalled or int(self._epoch) > self.max_epochs - SETTLING_EPOCHS
        mean_size = self._totals.n_rows() / len(counts_k)
        least = 0.0 if settling else self._config.small_cluster * mean_size
        n_starving = int(((counts_k == 0) | (counts_k < least)).sum())
        if n_starving == 0:
            return 0
        rows_nd = self._far.earliest(n_starving, self._comm)
        centroids_kd[counts_k.argsort(stable=True)[: len(rows_nd)]] = rows_nd
        return len(rows_nd)

    def _tensors(self) -> dict[str, Tensor]:
        """The live tensors of the state by name."""
        return {
            **self._totals.tensors(),
            "far_rows_rd": self._far.rows_rd,
            "far_arrivals_r": self._far.arrivals_r,
            "shift_d": self._shift_d,
            "centroids_kd": self._codebook.centroids_kd,
            "epoch": self._epoch,
            "last_inertia": self._last_inertia,
            "last_reseeded": self._last_reseeded,
            "converged": self._converged,
        }
