"""Whole fits beside other libraries: the inertia they end with, seconds, and clusters without rows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any, Final

import attrs
import torch
from kmeans_cases import data, peers
from store_cases.timing import Line
from torch import Tensor

from traits_core import NullComm
from traits_plugin_kmeans.config import KMeansConfig
from traits_plugin_kmeans.method import KMeans

CASES: Final = {
    "patches": (lambda: data.patches(300_000), 1024),
    "photographs": (lambda: data.photographs(300_000), 1024),
    "mixture": (lambda: data.mixture(100_000, 256, 512), 512),
}


@attrs.frozen(kw_only=True)
class Outcome:
    """What a fit ended with, or several did on average."""

    seconds: float
    inertia: float
    empty: float


def our_fit(rows_nd: Tensor, n_clusters: int, seed: int, **options: Any) -> Tensor:
    """Centroids [K, D] of ours, which gets shuffled batches as the training loop feeds them."""
    method = KMeans(
        KMeansConfig(n_clusters=n_clusters, **options),
        d_model=rows_nd.shape[1],
        seed=seed,
        device=torch.device("cpu"),
        comm=NullComm(),
    )
    generator = torch.Generator().manual_seed(seed)
    sample_n = torch.randperm(len(rows_nd), generator=generator)[: method.sample_rows]
    method.plan(len(rows_nd))
    method.initialize(rows_nd[sample_n])
    while not method.done:
        for order_b in torch.randperm(len(rows_nd), generator=generator).split(peers.BATCH):
            method.update(rows_nd.index_select(0, order_b))
        method.end_epoch()
    return method.scorer().centroids_kd


def judged(rows_nd: Tensor, centroids_kd: Tensor, seconds: float) -> Outcome:
    """Inertia per row by plain float32 products and float64 sums, and the clusters without rows."""
    shift_d = rows_nd.mean(dim=0)
    centred_kd = centroids_kd.float() - shift_d
    halves_k, inertia = centred_kd.square().sum(dim=1) / 2, 0.0
    counts_k = torch.zeros(len(centred_kd), dtype=torch.int64)
    for part_bd in rows_nd.split(4096):
        rows_bd = part_bd - shift_d
        labels_b = (rows_bd @ centred_kd.T - halves_k).argmax(dim=1)
        inertia += float((rows_bd - centred_kd[labels_b]).double().square().sum())
        counts_k += torch.bincount(labels_b, minlength=len(centred_kd))
    return Outcome(
        seconds=seconds, inertia=inertia / len(rows_nd), empty=int((counts_k == 0).sum())
    )


def timed(rows_nd: Tensor, n_clusters: int, seed: int, fit: peers.Fit) -> Outcome:
    """A fit, timed and judged."""
    began = time.perf_counter()
    centroids_kd, own_seconds = fit(rows_nd, n_clusters, seed)
    seconds = time.perf_counter() - began
    return judged(rows_nd, centroids_kd, own_seconds or seconds)


def averaged(rows_nd: Tensor, n_clusters: int, seeds: int, fit: peers.Fit) -> Outcome:
    """The means over fits with the seeds 0, 1, ...: a single one may be lucky."""
    runs = [attrs.astuple(timed(rows_nd, n_clusters, seed, fit)) for seed in range(seeds)]
    seconds, inertia, empty = map(statistics.fmean, zip(*runs, strict=True))
    return Outcome(seconds=seconds, inertia=inertia, empty=empty)


def cases(case: str, wanted: str, seeds: int) -> Iterator[Line]:
    """Ours in ten and in five passes, beside each peer whose name contains `wanted`."""
    make, n_clusters = CASES[case]
    rows_nd = make()
    title = f"fit {case} {' x '.join(map(str, rows_nd.shape))} to {n_clusters}, {seeds} seeds"

    def ours_in(passes: int) -> Outcome:
        def fit(rows_nd: Tensor, n_clusters: int, seed: int) -> tuple[Tensor, None]:
            return our_fit(rows_nd, n_clusters, seed, max_epochs=passes), None

        return averaged(rows_nd, n_clusters, seeds, fit)

    ours = {passes: ours_in(passes) for passes in (10, 5)}
    for peer, fit in peers.fits(case).items():
        if wanted not in peer:
            continue
        theirs = averaged(rows_nd, n_clusters, seeds, fit) if fit else None
        for passes, mine in ours.items():
            for metric, unit in (("inertia", "per row"), ("seconds", "s"), ("empty", "clusters")):
                value, other = getattr(mine, metric), getattr(theirs, metric, None)
                yield Line(
                    bench="kmeans",
                    case=f"{title}, {passes} passes",
                    metric=metric,
                    unit=unit,
                    ours=value,
                    peer=peer,
                    theirs=other,
                    ratio=other / value if other and value else None,
                )
