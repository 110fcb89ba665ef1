"""Finding the nearest centroid of every row, beside other libraries and the bare product."""

from __future__ import annotations

import ctypes
import gc
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from kmeans_cases import data, peers
from store_cases.timing import Line, Work, in_turn
from torch import Tensor

from traits_core.learning.products import probed_route
from traits_plugin_kmeans.codebook import Codebook, score_tile
from traits_plugin_kmeans.frame import Frame

ROWS: Final = 200_000
WIDTH: Final = 768
CPU: Final = torch.device("cpu")


def our_labels(rows_nd: Tensor, frame: Frame, codebook: Codebook, tile_bk: Tensor) -> Tensor:
    """The nearest centroids [N], centring included, as an exact pass finds them."""
    labels_n = torch.empty(len(rows_nd), dtype=torch.int64)  # parts would hold the heap up
    for start in range(0, len(rows_nd), len(tile_bk)):
        part = slice(start, start + len(tile_bk))
        labels_n[part] = codebook.nearest(frame.rows(rows_nd[part]), tile_bk).labels_b
    return labels_n


def exact_labels(rows_nd: Tensor, centroids_kd: Tensor) -> Tensor:
    """The nearest centroids [N], all in float64."""
    turned_dk = centroids_kd.double().T
    halves_k = turned_dk.square().sum(dim=0) / 2
    parts = (part.double() @ turned_dk - halves_k for part in rows_nd.split(2048))
    return torch.cat([part.argmax(dim=1) for part in parts])


def bare_products(rows_nd: Tensor, centroids_kd: Tensor, tile_bk: Tensor) -> dict[str, Work]:
    """Rows times centroids and nothing else, in float32, by all the ways that there are here."""
    parts = torch.split(rows_nd, len(tile_bk))
    arrays = [(part.numpy(), tile_bk[: len(part)].numpy()) for part in parts]
    turned = centroids_kd.numpy().T

    def by_torch() -> None:
        for part in parts:
            torch.mm(part, centroids_kd.T, out=tile_bk[: len(part)])

    def by_numpy() -> None:
        for part, out in arrays:
            np.matmul(part, turned, out=out)

    def by_onednn() -> None:
        zeros_k = torch.zeros(len(centroids_kd))
        for part in parts:
            torch.ops.mkldnn._linear_pointwise(part, centroids_kd, zeros_k, "none", [], "")

    works: dict[str, Work] = {"torch": by_torch, "numpy": by_numpy}
    if torch.backends.mkldnn.is_available():
        works["oneDNN"] = by_onednn
    return works


def coarse_product(rows_nd: Tensor, centroids_kd: Tensor, tile_bk: Tensor) -> None:
    """The product of the route that is in use, which may be in bfloat16."""
    for part in rows_nd.split(len(tile_bk)):
        probed_route().multiply(part, centroids_kd, tile_bk[: len(part)])


def peak_bytes(work: Work) -> float:
    """How far a call raises the resident memory of this process above what it was (Linux)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # else what was freed before would be used again, uncounted
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _resident("VmRSS")
    work()
    return max(0.0, _resident("VmHWM") - before)


def _resident(name: str) -> float:
    """A figure of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(name)]
    return 1024.0 * int(line.split()[1])


def cases(n_clusters: int, repeats: int) -> Iterator[Line]:
    """Seconds, agreement with float64 and memory of one pass over 200,000 x 768 rows."""
    case = f"assign {ROWS} x {WIDTH} to {n_clusters}"
    rows_nd = data.activations(ROWS, WIDTH, 2 * n_clusters)
    centroids_kd = rows_nd[:n_clusters].clone()
    frame = Frame.of(rows_nd[:16384], spherical=False)
    tile_bk = score_tile(n_clusters, CPU)
    codebook = Codebook.suited_to(
        frame.rows(centroids_kd), frame.rows(rows_nd[-len(tile_bk) :]), tile_bk
    )

    def ours() -> Tensor:
        return our_labels(rows_nd, frame, codebook, tile_bk)

    ours()
    memory = peak_bytes(ours) + tile_bk.nbytes  # before peers leave holes in the heap
    products = bare_products(rows_nd, codebook.centroids_kd, tile_bk)
    wanted = {
        peers.named("faiss", "IndexFlatL2"): ("faiss", peers.faiss_labels),
        peers.named("sklearn", "pairwise_distances_argmin"): ("sklearn", peers.sklearn_labels),
    }
    labellers = {name: label for name, (package, label) in wanted.items() if peers.module(package)}
    works: dict[str, Work] = {"ours": ours} | products
    for name, label in labellers.items():
        works[name] = lambda label=label: label(rows_nd, centroids_kd)
    coarse = f"bare product by route {codebook.route.value}"
    works[coarse] = lambda: coarse_product(rows_nd, codebook.centroids_kd, tile_bk)
    times = in_turn(works, repeats)
    for metric, of in (("best time", min), ("median time", statistics.median)):
        floor = min(of(times[name]) for name in products)
        mine = of(times["ours"])
        for peer in (*wanted, coarse):
            theirs = of(times[peer]) if peer in times else None
            yield Line(
                bench="kmeans",
                case=case,
                metric=metric,
                unit="s",
                ours=mine,
                peer=peer,
                theirs=theirs,
                ratio=theirs / mine if theirs else None,
                floor=floor,
                of_floor=floor / mine,
            )
    exact_n = exact_labels(rows_nd, centroids_kd)
    found = {"ours": ours()} | {
        name: label(rows_nd, centroids_kd) for name, label in labellers.items()
    }
    agreed = {name: float((labels == exact_n).double().mean()) for name, labels in found.items()}
    for peer in labellers:
        yield Line(
            bench="kmeans",
            case=case,
            metric="labels that are those of float64",
            unit="fraction",
            ours=agreed["ours"],
            peer=peer,
            theirs=agreed[peer],
        )
    yield Line(
        bench="kmeans",
        case=case,
        metric=f"memory above rows and centroids, the tile of {tile_bk.nbytes / 1e6:.0f} MB included",
        unit="MB",
        ours=memory / 1e6,
    )
