"""What other libraries do with the same rows. Each returns None where it is not installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np
import torch
from torch import Tensor

EVERY: Final = 10**9
"""faiss and fastkmeans learn from a sample unless they are told how large it may be."""
BATCH: Final = 8192

Fit = Callable[[Tensor, int, int], tuple[Tensor, float | None]]
"""Rows [N, D], a number of clusters and a seed in; centroids [K, D] and its own seconds, if it counts them, out."""


def module(name: str) -> ModuleType | None:
    """A package that may be installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


def named(package: str, what: str) -> str:
    """A peer with its version, e.g. `faiss-cpu 1.15.1 Kmeans`; says when it is not installed."""
    names = {"faiss": "faiss-cpu", "sklearn": "scikit-learn"}
    name = names.get(package, package)
    if module(package) is None:
        return f"{name} {what} (skipped: not installed)"
    return f"{name} {version(name)} {what}"


def faiss_labels(rows_nd: Tensor, centroids_kd: Tensor) -> Tensor:
    """The nearest centroids [N] by an exact index of faiss."""
    faiss = import_module("faiss")
    index = faiss.IndexFlatL2(rows_nd.shape[1])
    index.add(centroids_kd.numpy())
    return torch.from_numpy(index.search(rows_nd.numpy(), 1)[1][:, 0])


def sklearn_labels(rows_nd: Tensor, centroids_kd: Tensor) -> Tensor:
    """The nearest centroids [N] by scikit-learn."""
    metrics = import_module("sklearn.metrics")
    found = metrics.pairwise_distances_argmin(rows_nd.numpy(), centroids_kd.numpy())
    return torch.from_numpy(found)


def faiss_fit(rows_nd: Tensor, n_clusters: int, seed: int) -> tuple[Tensor, None]:
    """Twenty iterations on all rows, from random ones."""
    faiss = import_module("faiss")
    model = faiss.Kmeans(
        rows_nd.shape[1], n_clusters, niter=20, seed=seed, max_points_per_centroid=EVERY
    )
    model.train(rows_nd.numpy())
    return torch.from_numpy(model.centroids), None


def fastkmeans_fit(rows_nd: Tensor, n_clusters: int, seed: int) -> tuple[Tensor, None]:
    """Twenty iterations on all rows, from random ones."""
    model = import_module("fastkmeans").FastKMeans(
        rows_nd.shape[1],
        n_clusters,
        niter=20,
        gpu=False,
        seed=seed,
        max_points_per_centroid=EVERY,
    )
    model.train(rows_nd.numpy())
    return torch.from_numpy(np.asarray(model.centroids)), None


def minibatch_fit(rows_nd: Tensor, n_clusters: int, seed: int) -> tuple[Tensor, None]:
    """scikit-learn's mini-batches, until they stop by themselves."""
    model = import_module("sklearn.cluster").MiniBatchKMeans(
        n_clusters, batch_size=BATCH, n_init=1, random_state=seed
    )
    return torch.from_numpy(model.fit(rows_nd.numpy()).cluster_centers_), None


def lloyd_fit(rows_nd: Tensor, n_clusters: int, seed: int) -> tuple[Tensor, None]:
    """scikit-learn's greedy k-means++ and twenty steps of Lloyd, on all rows."""
    model = import_module("sklearn.cluster").KMeans(
        n_clusters, n_init=1, max_iter=20, tol=0, algorithm="lloyd", random_state=seed
    )
    return torch.from_numpy(model.fit(rows_nd.numpy()).cluster_centers_), None


def saev_fit(rows_nd: Tensor, n_clusters: int, seed: int) -> tuple[Tensor, float]:
    """Ten epochs of saev's mini-batches, in a process of the Python that saev accepts."""
    script = Path(__file__).with_name("saev_fit.py")
    root = Path(os.environ["SAEV_ROOT"])
    sources = [root / "src", root / "contrib/trait_discovery/src"]
    with tempfile.TemporaryDirectory() as directory:
        rows, centroids = Path(directory, "rows.npy"), Path(directory, "centroids.npy")
        np.save(rows, rows_nd.numpy())
        done = subprocess.run(
            [
                os.environ.get("SAEV_PYTHON", sys.executable),
                script,
                rows,
                str(n_clusters),
                str(seed),
                centroids,
            ],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sources))},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return torch.from_numpy(np.load(centroids)), json.loads(done.stdout.splitlines()[-1])


def fits(case: str) -> dict[str, Fit | None]:
    """The peers of a fit by name; None: not installed."""
    wanted: list[tuple[str, str, Fit]] = [
        ("faiss", "Kmeans(niter=20)", faiss_fit),
        ("sklearn", "MiniBatchKMeans", minibatch_fit),
        ("fastkmeans", "FastKMeans(niter=20)", fastkmeans_fit),
    ]
    if case == "mixture":
        wanted.insert(0, ("sklearn", "KMeans(max_iter=20)", lloyd_fit))
    found: dict[str, Fit | None] = {
        named(package, what): fit if module(package) else None for package, what, fit in wanted
    }
    if "SAEV_ROOT" in os.environ:
        return found | {"saev MiniBatchKMeans, 10 epochs": saev_fit}
    return found | {"saev MiniBatchKMeans (skipped: no SAEV_ROOT)": None}
