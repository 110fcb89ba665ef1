"""The soft-clustering learner: a seeded start, moving averages per batch, then exact passes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from traits_core import (
    Comm,
    DataError,
    FarRows,
    check_activations,
    check_state,
    greedy_kmeans_plus_plus,
)
from traits_plugin_softcluster.centres import Centres, softmax_tile
from traits_plugin_softcluster.config import SoftClusterConfig
from traits_plugin_softcluster.directions import LARGEST, directions, normalized
from traits_plugin_softcluster.duplicates import duplicates
from traits_plugin_softcluster.members import BatchSums, Members
from traits_plugin_softcluster.scorer import SoftClusterScorer
from traits_plugin_softcluster.temperature import warn_if_too_soft
from traits_plugin_softcluster.totals import EpochTotals

RANK_STRIDE: Final = 1_000_003  # keeps the seeds of processes apart


class SoftCluster:
    """EM for directions: memberships are a softmax of cosines, centres the directions of sums.

    This is a mixture of von Mises-Fisher distributions of equal weights and of one concentration,
    1 / temperature. The first epochs move the centres after every batch, by sums that forget; the
    last ones keep them fixed during a pass and add up in float64. `objective`, the mean over rows of
    T log(mean_k exp(cosine / T)), is that of the centres which each batch, or pass, began with.

    Banerjee, Dhillon, Ghosh & Sra, Clustering on the unit hypersphere using von Mises-Fisher
    distributions, JMLR 6 (2005).
    """

    def __init__(
        self,
        config: SoftClusterConfig,
        *,
        d_model: int,
        seed: int,
        device: torch.device,
        comm: Comm,
    ) -> None:
        self._config = config
        self._comm = comm
        self._device = torch.device(device)
        # On the CPU for all devices, so that a checkpoint moves between them.
        self._generator = torch.Generator().manual_seed(seed + comm.rank * RANK_STRIDE)
        n = config.n_clusters
        self._tile_bk = softmax_tile(n, self._device)
        self._totals = EpochTotals.zeros(n, self._device)
        self._far = FarRows.empty(min(n, max(64, n // 4)), d_model, self._device)
        self._shift_d = torch.zeros(d_model, dtype=torch.float32, device=self._device)
        self._centres = Centres(self._shift_d.repeat(n, 1), config.temperature)
        self._sums_kd = torch.zeros(n, d_model, dtype=torch.float64, device=self._device)
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._last_objective = torch.full((), -torch.inf, dtype=torch.float64)
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
        """True after `max_epochs`, or when an exact epoch no longer improved."""
        return bool(self._converged) or int(self._epoch) >= self.max_epochs

    @torch.no_grad()
    def initialize(self, sample_nd: Tensor) -> None:
        """Choose the first centres among the rows [N, D]; all processes take those of rank 0.

        Raises DataError when fewer rows than clusters have a direction. Warns when the temperature
        is too high for them, and says which is not.
        """
        check_activations(sample_nd, len(self._shift_d), LARGEST)
        shift_d = torch.zeros_like(self._shift_d)
        if self._config.center and len(sample_nd):
            shift_d = sample_nd.mean(dim=0, dtype=torch.float64).float()
        unit_nd, directed_n = directions(sample_nd, shift_d)
        rows_nd = unit_nd[directed_n]
        n_clusters = self._config.n_clusters
        if len(rows_nd) < n_clusters:
            raise DataError(
                f"soft clustering cannot make {n_clusters} clusters of a sample of {len(rows_nd)} "
                f"rows with a direction: set n_clusters to {len(rows_nd)} or less, or give it more rows"
            )
        centres_kd = torch.zeros_like(self._centres.centres_kd)
        if self._comm.rank == 0:
            centres_kd = greedy_kmeans_plus_plus(
                rows_nd, n_clusters, self._config.candidates, self._generator
            )
            warn_if_too_soft(rows_nd, centres_kd, self._config)
        else:
            shift_d.zero_()
        self._comm.all_sum(shift_d, centres_kd)
        self._shift_d = shift_d
        self._move_to(centres_kd)
        if not self._exact:
            self._sums_kd.copy_(centres_kd)

    @torch.no_grad()
    def update(self, acts_bd: Tensor) -> Mapping[str, float]:
        """Learn from a batch [B, D]; returns its objective and its captured mass per row.

        In the first epochs, its learning rate too, and all processes must call it equally often:
        centres move by their sum.
        """
        check_activations(acts_bd, len(self._shift_d), LARGEST)
        rows_bd, directed_b = directions(acts_bd, self._shift_d)
        if not directed_b.all():
            rows_bd = rows_bd[directed_b]
        self._totals.n_zero.add_(len(acts_bd) - len(rows_bd))
        before = float(self._totals.objective), float(self._totals.captured)
        batch = self._assign(rows_bd)
        metrics = {}
        if self._exact:
            self._sums_kd.add_(batch.sums_kd)
        else:
            metrics["learning_rate"] = self._follow(batch, len(rows_bd))
        self._totals.masses_k.add_(batch.masses_k)
        n_rows = max(len(rows_bd), 1)
        return {
            "batch_objective": (float(self._totals.objective) - before[0]) / n_rows,
            "batch_captured_mass": (float(self._totals.captured) - before[1]) / n_rows,
            **metrics,
        }

    @torch.no_grad()
    def end_epoch(self) -> Mapping[str, float | Tensor]:
        """Move the centres after an exact pass, and starving ones to far rows after any.

        Returns what `EpochTotals.metrics` says; `n_reseeded`; `n_duplicates`, centres within a
        cosine of 0.999 of an earlier one, before they were re-seeded; and the `masses` [K].
        """
        self._comm.all_sum(*self._totals.tensors().values())
        if int(self._totals.n_rows) == 0:
            raise DataError(
                "soft clustering saw no rows with a direction in this epoch: the training split is "
                "empty, or all its rows are equal"
            )
        metrics, masses_k = self._totals.metrics(), self._totals.masses_k.clone()
        centres_kd, stalled = self._centres.centres_kd, False
        if self._exact:
            self._comm.all_sum(self._sums_kd)
            centres_kd = normalized(self._sums_kd, centres_kd)
            # Only passes with fixed centres compare: those that move follow the order of the rows.
            stalled = metrics["objective"] < float(self._last_objective) + self._config.tol
            self._last_objective.fill_(metrics["objective"])
        twins_k = duplicates(centres_kd, self._tile_bk)
        n_reseeded = self._reseed(centres_kd, twins_k)
        self._move_to(centres_kd)
        self._converged.fill_(stalled and n_reseeded == 0)
        self._epoch += 1
        if self._exact:
            self._sums_kd.zero_()
        self._totals.clear()
        self._far.clear()
        return {
            **metrics,
            "n_reseeded": float(n_reseeded),
            "n_duplicates": float(twins_k.sum()),
            "masses": masses_k,
        }

    def scorer(self) -> SoftClusterScorer:
        """The scorer of the present centres."""
        return SoftClusterScorer(
            Centres(self._centres.centres_kd.clone(), self._config.temperature),
            self._shift_d.clone(),
            self._config.min_membership,
            self._config.members,
        )

    def state_dict(self) -> Mapping[str, Tensor]:
        """Copies of all that changes, the state of the generator included."""
        copies = {name: tensor.clone() for name, tensor in self._tensors().items()}
        return copies | {"generator": self._generator.get_state()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`; raises StoreError when it is not of these options and this width."""
        clusters, d_model = self._config.n_clusters, len(self._shift_d)
        what = f"soft clustering with {clusters} clusters of {d_model} dimensions"
        check_state(self.state_dict(), state, what)
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])
        self._generator.set_state(state["generator"].cpu())
        self._move_to(self._centres.centres_kd)

    @property
    def _exact(self) -> bool:
        """Whether centres are fixed during this epoch."""
        return int(self._epoch) >= self.max_epochs - self._config.exact_epochs

    def _assign(self, rows_bd: Tensor) -> BatchSums:
        """Find the members of unit rows, tile by tile, and what they add to each cluster."""
        config, centres = self._config, self._centres
        batch = BatchSums.zeros(config.n_clusters, rows_bd.shape[1], self._device)
        dense = config.members == config.n_clusters
        weights, clusters = [], []
        for part_bd in torch.split(rows_bd, len(self._tile_bk)):
            members = Members.of(
                part_bd, centres, config.members, config.min_membership, self._tile_bk
            )
            self._totals.add(members)
            # Squared: most rows lie somewhat off their centre, few are far from all.
            weights_b = (1 - members.cosines_b).clamp_(min=0).square_()
            self._far.offer(part_bd, weights_b, self._generator)
            if dense:
                batch.add_dense(part_bd, members.weights_bj)
            else:
                weights.append(members.weights_bj)
                clusters.append(members.clusters_bj)
        if weights:
            batch.add_sparse(rows_bd, torch.cat(weights), torch.cat(clusters))
        return batch

    def _follow(self, batch: BatchSums, n_rows: int) -> float:
        """Move the centres to the directions of sums that forget, `window` rows per cluster back.

        Returns the learning rate: what a batch adds, as a part of what it is added to, by length.
        """
        rows = torch.tensor(float(n_rows), dtype=torch.float64, device=self._device)
        self._comm.all_sum(batch.sums_kd, rows)
        keep = math.exp(-float(rows) / (self._config.window * self._config.n_clusters))
        kept_k = torch.linalg.vector_norm(self._sums_kd.mul_(keep), dim=1)
        self._sums_kd.add_(batch.sums_kd)
        self._move_to(normalized(self._sums_kd, self._centres.centres_kd))
        added_k = torch.linalg.vector_norm(batch.sums_kd, dim=1)
        hit_k = added_k > 0
        return float((added_k / (kept_k + added_k))[hit_k].mean()) if bool(hit_k.any()) else 0.0

    def _move_to(self, centres_kd: Tensor) -> None:
        self._centres = Centres(centres_kd, self._config.temperature)

    def _reseed(self, centres_kd: Tensor, twins_k: Tensor) -> int:
        """Move starving clusters to far rows, in place; returns how many moved.

        Clusters without any mass always starve. While batches still move the centres, so do twins
        of an earlier one, and those below `small_cluster` of the mean mass.
        """
        masses_k = self._totals.masses_k
        starving_k = masses_k == 0
        if not self._exact:
            starving_k |= twins_k
            starving_k |= masses_k < self._config.small_cluster * float(masses_k.mean())
        hunger_k = torch.where(starving_k, masses_k, torch.inf)
        rows_nd = self._far.earliest(int(starving_k.sum()), self._comm)
        moved = hunger_k.argsort(stable=True)[: len(rows_nd)]
        centres_kd[moved] = rows_nd
        self._sums_kd[moved] = rows_nd.double()
        return len(rows_nd)

    def _tensors(self) -> dict[str, Tensor]:
        """The live tensors of the state by name."""
        return {
            **self._totals.tensors(),
            "far_rows_rd": self._far.rows_rd,
            "far_arrivals_r": self._far.arrivals_r,
            "shift_d": self._shift_d,
            "centres_kd": self._centres.centres_kd,
            "sums_kd": self._sums_kd,
            "epoch": self._epoch,
            "last_objective": self._last_objective,
            "converged": self._converged,
        }
