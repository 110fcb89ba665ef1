"""The k-means learner: a settled start, mini-batch epochs, then exact Lloyd passes over the stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from traits_core import Comm, DataError, FarRows, ProductRoute, check_activations, check_state
from traits_plugin_kmeans.codebook import Codebook, Nearest, score_tile
from traits_plugin_kmeans.config import KMeansConfig
from traits_plugin_kmeans.frame import Frame
from traits_plugin_kmeans.moving_means import move_means
from traits_plugin_kmeans.plan import Plan, decay, step_cuts, step_rows
from traits_plugin_kmeans.reseeding import places_beside, reseed
from traits_plugin_kmeans.scorer import KMeansScorer
from traits_plugin_kmeans.sizes import n_duplicates, size_metrics
from traits_plugin_kmeans.start import find_start
from traits_plugin_kmeans.totals import Totals, largest
from traits_plugin_kmeans.weights import tiles, weighed

SETTLING_EPOCHS: Final = 3  # the last ones re-seed no cluster that has rows
FAR_EVERY: Final = 4  # rows of mini-batch steps of which one is offered as a far row
RANK_STRIDE: Final = 1_000_003  # keeps the seeds of processes apart


class KMeans:
    """Mini-batch k-means with moving means, then Lloyd's algorithm, with re-seeding throughout.

    In a mini-batch epoch the centroids move after every step to means that forget. In an exact pass
    they stay fixed, while sums and counts are added up in float64; `end_epoch` adds these over all
    processes and moves the centroids to the means. The inertia of an exact pass is that of the
    centroids which it began with. Processes must call `update` equally often, with no rows if need
    be. A row of weight 2 is the row twice, in the metrics too, and one of weight 0 is no row.

    Lloyd, Least squares quantization in PCM, IEEE Trans. Inf. Theory 28 (1982); Sculley, Web-scale
    k-means clustering, WWW 2010, with a window in the place of 1 / n.
    """

    def __init__(
        self, config: KMeansConfig, *, d_model: int, seed: int, device: torch.device, comm: Comm
    ) -> None:
        self.highest_score = 0.0 if config.score.startswith("neg-") else 1.0
        self._config = config
        self._comm = comm
        self._device = torch.device(device)
        # On the CPU for all devices, so that a checkpoint moves between them.
        self._generator = torch.Generator().manual_seed(seed + comm.rank * RANK_STRIDE)
        n = config.n_clusters
        self._tile_bk = score_tile(n, self._device)
        self._totals = Totals.zeros(n, d_model, self._device)
        self._far = FarRows.empty(min(n, max(64, n // 4)), d_model, self._device)
        self._frame = Frame(self._zeros(d_model), config.distance == "cosine")
        self._codebook = Codebook(self._zeros(n, d_model))
        self._weights_k = self._zeros(n)
        self._step_sums_kd = self._zeros(n, d_model)
        self._reach = self._zeros()
        self._step_rows, self._screened = torch.zeros(2, dtype=torch.int64, device=self._device)
        self._epoch_rows = 0
        self._epoch = torch.zeros((), dtype=torch.int64)
        plan = Plan.of(config)
        self._exact_from = torch.tensor(plan.exact_from)
        self._stop_at = torch.tensor(plan.stop_at)
        self._last_inertia = torch.full((), torch.inf, dtype=torch.float64)
        self._last_reseeded, self._stalls = torch.zeros(2, dtype=torch.int64)

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
        """True after `max_epochs`, or when exact passes stalled and re-seeded nothing."""
        return int(self._epoch) >= int(self._stop_at)

    def plan(self, rows_per_epoch: int) -> None:
        """Let mini-batch steps be as large as so many rows allow, not only as the sample allows."""
        self._epoch_rows = rows_per_epoch

    @torch.no_grad()
    def initialize(self, sample_nd: Tensor, weights_n: Tensor | None = None) -> None:
        """Find the first centroids in the rows [N, D]; all processes take those of rank 0.

        Raises DataError when there are fewer rows than clusters.
        """
        check_activations(sample_nd, len(self._frame.shift_d))
        sample_nd, weights_n = weighed(sample_nd, weights_n)
        n_clusters, n_rows = self._config.n_clusters, len(sample_nd)
        if n_rows < n_clusters:
            raise DataError(
                f"k-means cannot make {n_clusters} clusters of a sample of {n_rows} rows: "
                f"set n_clusters to {n_rows} or less, or give it more rows"
            )
        if self._comm.rank == 0:
            frame = Frame.of(sample_nd, self._frame.spherical)
            rows_nd = frame.rows(sample_nd)
            start = find_start(rows_nd, weights_n, self._config, frame, self._generator)
            points = self._config.first_window * n_clusters / float(weights_n.sum())
            self._frame.shift_d.copy_(frame.shift_d)
            self._codebook = start.codebook
            self._screened.fill_(start.codebook.route is ProductRoute.SCREENED)
            self._weights_k.copy_(start.counts_k * points)
            self._reach.copy_(start.reach)
            self._step_rows.fill_(step_rows(n_clusters, max(n_rows, self._epoch_rows)))
        shared = (self._weights_k, self._reach, self._step_rows, self._screened)
        self._comm.all_sum(self._frame.shift_d, self._codebook.centroids_kd, *shared)
        self._choose_route()

    @torch.no_grad()
    def update(self, acts_bd: Tensor, weights_b: Tensor | None = None) -> Mapping[str, float]:
        """Learn from a batch [B, D]; returns its inertia per row, and the learning rate of its steps."""
        check_activations(acts_bd, len(self._frame.shift_d))
        acts_bd, weights_b = weighed(acts_bd, weights_b)
        before = float(self._totals.inertia)
        if self._plan.is_exact(int(self._epoch)):
            for part in tiles(acts_bd, weights_b, len(self._tile_bk)):
                self._accumulate(*part)
            metrics = {}
        else:
            cuts = self._cuts(len(acts_bd))
            parts = acts_bd.tensor_split(cuts), weights_b.tensor_split(cuts)
            metrics = {"learning_rate": sum(map(self._step, *parts)) / (len(cuts) + 1)}
        added = float(self._totals.inertia) - before
        return {"batch_inertia": added / (float(weights_b.sum()) or 1.0), **metrics}

    @torch.no_grad()
    def end_epoch(self) -> Mapping[str, float | Tensor]:
        """Finish an epoch: move the centroids to the means of an exact pass, and starving ones to far rows.

        Returns per row `inertia` (mean squared distance), `explained` (fraction of the variance);
        `moved` (root mean square way of the centroids) of an exact pass, `window` of a mini-batch
        epoch; `n_reseeded`, `duplicates`, and the sizes of the clusters as `size_metrics` has them.
        """
        totals, epoch = self._totals, int(self._epoch)
        self._comm.all_sum(*totals.tensors().values())
        n_rows = totals.n_rows()
        if n_rows == 0:
            raise DataError("k-means saw no rows in this epoch: the training split is empty")
        inertia = float(totals.inertia) / n_rows
        metrics: dict[str, float | Tensor] = {"inertia": inertia, "explained": totals.explained()}
        centroids_kd, stalled = self._codebook.centroids_kd, False
        if self._plan.is_exact(epoch):
            centroids_kd = self._frame.centroids(totals.means_kd(centroids_kd))
            metrics["moved"] = totals.way(self._codebook.centroids_kd, centroids_kd)
            # Only passes with fixed centroids compare: those that move follow the order of the rows.
            stalled = inertia >= (1 - self._config.tol) * float(self._last_inertia)
            self._last_inertia.fill_(inertia)
        else:
            metrics["window"] = self._plan.window_of(epoch)
        self._epoch += 1
        n_reseeded = self._reseed(centroids_kd, stalled)
        self._codebook = self._codebook.moved_to(centroids_kd)
        self._reach.copy_(largest(self._reach, self._comm))
        quiet = stalled and n_reseeded == 0 and int(self._last_reseeded) == 0
        self._adapt_plan(epoch, n_rows, quiet)
        self._last_reseeded.fill_(n_reseeded)
        metrics |= {
            "n_reseeded": float(n_reseeded),
            "duplicates": float(n_duplicates(self._codebook, inertia, self._tile_bk)),
            **size_metrics(totals.counts_k),
        }
        totals.clear()
        self._far.clear()
        return metrics

    def scorer(self) -> KMeansScorer:
        """The scorer of the present centroids."""
        codebook = self._codebook.moved_to(self._codebook.centroids_kd.clone())
        frame = Frame(self._frame.shift_d.clone(), self._frame.spherical)
        reach = float(self._reach + codebook.centroids_kd.norm(dim=1).max())
        return KMeansScorer(codebook, frame, self._config.score, reach or 1.0)

    def state_dict(self) -> Mapping[str, Tensor]:
        """Copies of all that changes, the state of the generator included."""
        copies = {name: tensor.clone() for name, tensor in self._tensors().items()}
        return copies | {"generator": self._generator.get_state()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; raises StoreError when it is not of these options and this width."""
        clusters, d_model = self._config.n_clusters, len(self._frame.shift_d)
        what = f"k-means with {clusters} clusters of {d_model} dimensions"
        check_state(self.state_dict(), state, what)
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])
        self._generator.set_state(state["generator"].cpu())
        self._choose_route()

    @property
    def _plan(self) -> Plan:
        windows = self._config.first_window, self._config.window
        return Plan(int(self._exact_from), int(self._stop_at), *windows)

    def _choose_route(self) -> None:
        """Screen rows where the start found that it pays, and this processor can."""
        codebook = Codebook(self._codebook.centroids_kd)
        if codebook.route is ProductRoute.SCREENED and not self._screened:
            codebook = Codebook(codebook.centroids_kd, ProductRoute.PLAIN)
        self._codebook = codebook

    def _accumulate(self, acts_bd: Tensor, weights_b: Tensor) -> None:
        """Add one tile of rows to the totals of an exact pass."""
        rows_bd = self._frame.rows(acts_bd)
        found = self._codebook.nearest(rows_bd, self._tile_bk)
        distances_b = self._codebook.squared_distances(rows_bd, found.labels_b)
        self._note(found, distances_b, weights_b)
        self._totals.add_sums(rows_bd, found.labels_b, weights_b)
        self._far.offer(rows_bd, distances_b * weights_b, self._generator)

    def _step(self, acts_bd: Tensor, weights_b: Tensor) -> float:
        """Move the centroids towards the rows of one mini-batch step; returns the learning rate."""
        n_clusters = self._config.n_clusters
        sums_kd = self._step_sums_kd.zero_()
        counts_k = torch.zeros_like(self._totals.counts_k)
        for part_bd, part_b in tiles(acts_bd, weights_b, len(self._tile_bk)):
            rows_bd = self._frame.rows(part_bd)
            found = self._codebook.roughly_nearest(rows_bd, self._tile_bk)
            self._note(found, found.distances_b, part_b)
            some_bd, labels_b = rows_bd[::FAR_EVERY], found.labels_b[::FAR_EVERY]
            places_bd, ways_b = places_beside(self._codebook, self._frame, some_bd, labels_b)
            self._far.offer(places_bd, ways_b * part_b[::FAR_EVERY], self._generator)
            sums_kd.index_add_(0, found.labels_b, rows_bd.mul_(part_b.float()[:, None]))
            counts_k += torch.bincount(found.labels_b, part_b, n_clusters)
        self._totals.row_sum_d.add_(sums_kd.sum(dim=0, dtype=torch.float64))
        self._comm.all_sum(sums_kd, counts_k)
        kept = decay(float(counts_k.sum()), n_clusters, self._plan.window_of(int(self._epoch)))
        means_kd = self._codebook.centroids_kd
        rate = move_means(means_kd, self._weights_k, sums_kd, counts_k, kept)
        self._codebook = self._codebook.moved_to(self._frame.centroids(means_kd))
        return rate

    def _cuts(self, n_rows: int) -> list[int]:
        """Where a batch, of which `n_rows` are here, is split into mini-batch steps."""
        rows = torch.tensor(n_rows, dtype=torch.int64, device=self._device)
        self._comm.all_sum(rows)
        n_steps = max(1, -(-int(rows) // int(self._step_rows)))
        return step_cuts(n_rows, int(rows), n_steps, self._comm)

    def _note(self, found: Nearest, distances_b: Tensor, weights_b: Tensor) -> None:
        """Add what was found for rows to the totals, and remember the longest."""
        self._totals.add(found, distances_b, weights_b)
        if len(found.norms_b):
            torch.maximum(self._reach, found.norms_b.max().sqrt(), out=self._reach)

    def _adapt_plan(self, epoch: int, n_rows: float, quiet: bool) -> None:
        """Go over to exact passes, or stop after one, when the epoch that ended says so."""
        self._stalls.copy_(self._stalls + 1 if quiet else torch.zeros_like(self._stalls))
        plan = self._plan.after(
            epoch,
            few_rows=n_rows < self._config.window * self._config.n_clusters,
            stalled=int(self._stalls) >= self._config.patience,
        )
        self._exact_from.fill_(plan.exact_from)
        self._stop_at.fill_(plan.stop_at)

    def _reseed(self, centroids_kd: Tensor, stalled: bool) -> int:
        """Move starving clusters to far rows, in place; returns how many moved.

        Small ones count as starving while passes still improve and enough of them are left to
        settle; empty ones always do.
        """
        settling = stalled or int(self._epoch) > int(self._stop_at) - SETTLING_EPOCHS
        mean_size = self._totals.n_rows() / self._config.n_clusters
        least = 0.0 if settling else self._config.small_cluster * mean_size
        moved_m = reseed(centroids_kd, self._totals.counts_k, least, self._far, self._comm)
        self._weights_k[moved_m] = 1.0  # as if the far row were all that each has seen
        return len(moved_m)

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float32, device=self._device)

    def _tensors(self) -> dict[str, Tensor]:
        """The live tensors of the state by name."""
        return {
            **self._totals.tensors(),
            "far_rows_rd": self._far.rows_rd,
            "far_arrivals_r": self._far.arrivals_r,
            "shift_d": self._frame.shift_d,
            "centroids_kd": self._codebook.centroids_kd,
            "weights_k": self._weights_k,
            "reach": self._reach,
            "step_rows": self._step_rows,
            "screened": self._screened,
            "epoch": self._epoch,
            "exact_from": self._exact_from,
            "stop_at": self._stop_at,
            "last_inertia": self._last_inertia,
            "last_reseeded": self._last_reseeded,
            "stalls": self._stalls,
        }
