"""How fast and how exact PCA is, beside scikit-learn and the bare product of the covariance.

    python benchmarks/pca.py [--case exact|randomized] [--rows 200000] [--width 768] [--peers Incremental] [--json]

Rows are Gaussian with a power-law spectrum in a random basis and a mean of 3 in every dimension, in
float32. All contenders take turns; errors are relative to the eigenvalues of the float64 covariance.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from store_cases.timing import processor
from torch import Tensor

from traits_core.training.comm import NullComm
from traits_plugin_pca.config import PCAConfig
from traits_plugin_pca.method import PCA
from traits_plugin_pca.spectrum import Spectrum

BATCH = 8192
LONGEST = 60.0
Contender = Callable[[Tensor, int], Any]
"""Rows and a number of components in, leading variances out (None: it only bounds the time)."""


def machine() -> str:
    """Processor, the threads we may use, and the torch that did the work."""
    return f"{processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def power_law(n: int, d_model: int) -> Tensor:
    """Rows [N, D], float32, whose j-th direction has variance 1/j."""
    generator = torch.Generator().manual_seed(0)
    normals_dd = torch.randn(d_model, d_model, generator=generator)
    deviations_d = torch.arange(1, d_model + 1).rsqrt()
    basis_dd = deviations_d[:, None] * torch.linalg.qr(normals_dd).Q
    rows_nd = torch.empty(n, d_model)
    for part_bd in rows_nd.split(BATCH):
        part_bd.normal_(generator=generator)
        part_bd.copy_(part_bd @ basis_dd + 3)
    return rows_nd


def exact_variances(rows_nd: Tensor) -> Tensor:
    """The eigenvalues of the covariance, all in float64, in falling order."""
    mean_d = rows_nd.mean(dim=0, dtype=torch.float64)
    parts = (part_bd.double() - mean_d for part_bd in rows_nd.split(BATCH))
    scatter_dd = torch.zeros(len(mean_d), len(mean_d), dtype=torch.float64)
    for part_bd in parts:
        scatter_dd.addmm_(part_bd.T, part_bd)
    return torch.linalg.eigvalsh(scatter_dd / (len(rows_nd) - 1)).flip(0)


def fitted(rows_nd: Tensor, **options: Any) -> Spectrum:
    """Ours, batch by batch as the training loop feeds it."""
    method = PCA(
        PCAConfig(**options),
        d_model=rows_nd.shape[1],
        seed=0,
        device=torch.device("cpu"),
        comm=NullComm(),
    )
    method.initialize(rows_nd[: method.sample_rows])
    while not method.done:
        for acts_bd in rows_nd.split(BATCH):
            method.update(acts_bd)
        method.end_epoch()
    return method.scorer().spectrum


def ours(**options: Any) -> Contender:
    """The variances that our components have."""
    return lambda rows_nd, k: fitted(rows_nd, n_components=k, **options).variances_j[:k]


def product_of_torch(rows_nd: Tensor, _: int) -> None:
    """X'X, batch by batch, by torch."""
    for part_bd in rows_nd.split(BATCH):
        torch.mm(part_bd.T, part_bd)


def product_of_numpy(rows_nd: Tensor, _: int) -> None:
    """X'X, batch by batch, by numpy, which computes one triangle and copies it."""
    for part_bd in rows_nd.split(BATCH):
        part_bd.numpy().T @ part_bd.numpy()


def scikit_learn(name: str, **options: Any) -> Contender:
    """A class of sklearn.decomposition."""

    def fit(rows_nd: Tensor, k: int) -> Tensor:
        from sklearn import decomposition

        model = getattr(decomposition, name)(n_components=k, **options).fit(rows_nd.numpy())
        return torch.from_numpy(model.explained_variance_).double()

    return fit


def peers_of(case: str) -> dict[str, Contender]:
    """What scikit-learn offers for a case, by name; empty when it is not installed."""
    try:
        import sklearn
    except ImportError:
        return {}
    label = f"scikit-learn {sklearn.__version__}"
    randomized = {
        f"{label} PCA(randomized)": scikit_learn("PCA", svd_solver="randomized", random_state=0)
    }
    if case == "randomized":
        return randomized
    return randomized | {
        f"{label} IncrementalPCA(batch_size={BATCH})": scikit_learn(
            "IncrementalPCA", batch_size=BATCH
        ),
        f"{label} PCA(covariance_eigh)": scikit_learn("PCA", svd_solver="covariance_eigh"),
        f"{label} PCA(full)": scikit_learn("PCA", svd_solver="full"),
    }


def measured(
    contenders: Mapping[str, Contender], rows_nd: Tensor, k: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Seconds by contender, who take turns until `rounds` or a minute are spent, and their results."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    results = {}
    for _ in range(rounds):
        for name, work in contenders.items():
            if sum(times[name]) > LONGEST:
                continue
            start = time.perf_counter()
            results[name] = work(rows_nd, k)
            times[name].append(time.perf_counter() - start)
    return times, results


def lines_of(
    case: str,
    mine: Contender,
    floors: Mapping[str, Contender],
    rows_nd: Tensor,
    options: argparse.Namespace,
) -> Iterator[dict[str, Any]]:
    """Best time, median time and error beside each peer; the floor is the faster of `floors`."""
    k = options.components
    peers = {name: peer for name, peer in peers_of(case).items() if options.peers in name}
    n, d_model = rows_nd.shape
    exact_k = exact_variances(rows_nd)[:k]
    times, found = measured({"ours": mine, **floors, **peers}, rows_nd, k, options.rounds)
    line = {"bench": "pca", "case": f"{case}, {n} x {d_model}, {k} components"}

    def error(name: str) -> float:
        return float(((found[name] - exact_k) / exact_k).abs().max())

    for peer in peers or ("none (scikit-learn is not installed, or --peers fits no name)",):
        theirs = times.get(peer)
        for metric, of in (("best time", min), ("median time", statistics.median)):
            floor = min(of(times[name]) for name in floors)
            yield {
                **line,
                "metric": metric,
                "unit": "s",
                "ours": of(times["ours"]),
                "peer": peer,
                "theirs": of(theirs) if theirs else None,
                "ratio": of(theirs) / of(times["ours"]) if theirs else None,
                "floor": floor,
                "of_floor": floor / of(times["ours"]),
                "machine": machine(),
            }
        yield {
            **line,
            "metric": "largest relative error of a variance",
            "unit": "",
            "ours": error("ours"),
            "peer": peer,
            "theirs": error(peer) if theirs else None,
            "ratio": error(peer) / error("ours") if theirs else None,
            "floor": None,
            "of_floor": None,
            "machine": machine(),
        }


def bench_exact(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One pass and an eigendecomposition; the floor is the product X'X alone, by the best route."""
    floors = {"torch": product_of_torch, "numpy": product_of_numpy}
    rows_nd = power_law(options.rows, options.width)
    yield from lines_of("exact", ours(), floors, rows_nd, options)


def bench_randomized(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The path for wide activations, forced; the floor is one product of rows and basis, both ways."""

    def one_pass(rows_nd: Tensor, k: int) -> None:
        basis_dk = torch.ones(rows_nd.shape[1], k)
        for part_bd in rows_nd.split(BATCH):
            part_bd.T @ (part_bd @ basis_dk)

    rows_nd = power_law(options.rows, options.width)
    yield from lines_of("randomized", ours(exact_up_to=0), {"one pass": one_pass}, rows_nd, options)


CASES = {"exact": bench_exact, "randomized": bench_randomized}


def show(line: dict[str, Any]) -> str:
    """One line for people."""
    text = f"{line['case']}: {line['metric']} {line['ours']:.3g} {line['unit']}"
    if line["ratio"] is not None:
        text += f"; {line['peer']}: {line['theirs']:.3g} {line['unit']}, {line['ratio']:,.1f} times ours"
    return text + (f"; floor {line['floor']:.3g} {line['unit']}" if line["floor"] else "")


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(CASES), help="default: all")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--components", type=int, default=256)
    parser.add_argument("--peers", default="", help="only peers whose name contains this text")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    for name in [options.case] if options.case else sorted(CASES):
        for line in CASES[name](options):
            print(json.dumps(line) if options.json else show(line), flush=True)


if __name__ == "__main__":
    main()
