"""What softness costs: an epoch of soft clustering beside one of hard k-means on the same rows.

    python benchmarks/softcluster.py [--case minibatch|exact] [--noise 1] [--threads 2] [--json]

Rows are unit vectors in float32: a von Mises-Fisher-like mixture with half as many components as there
are clusters. The contenders take turns, epoch by epoch. The floor is the bare product of rows and
centres, which hard and soft clustering share.
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

from traits_core import Method, NullComm, PlanningMethod
from traits_plugin_softcluster.centres import softmax_tile
from traits_plugin_softcluster.config import SoftClusterConfig
from traits_plugin_softcluster.method import SoftCluster

BATCH = 8192
CPU = torch.device("cpu")
FOREVER = 10**6  # epochs: every one that is timed is of the kind asked for


def machine() -> str:
    """Processor, the threads we may use, and the torch that did the work."""
    return f"{processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def mixture(n: int, d_model: int, components: int, noise: float) -> Tensor:
    """Unit rows [N, D] at a cosine of about 1 / sqrt(1 + noise^2) to one of the means."""
    generator = torch.Generator().manual_seed(0)
    means_kd = torch.nn.functional.normalize(
        torch.randn(components, d_model, generator=generator), dim=1
    )
    rows_nd = torch.empty(n, d_model).normal_(generator=generator).mul_(noise / d_model**0.5)
    rows_nd += means_kd[torch.randint(components, (n,), generator=generator)]
    return torch.nn.functional.normalize(rows_nd, dim=1)


def epoch(method: Method, rows_nd: Tensor) -> Mapping[str, float]:
    """One pass, batch by batch as the training loop feeds it."""
    for acts_bd in rows_nd.split(BATCH):
        method.update(acts_bd)
    return method.end_epoch()


def built(factory: Callable[..., Method], config: Any, rows_nd: Tensor) -> Method:
    """A method that is ready to learn."""
    method = factory(config, d_model=rows_nd.shape[1], seed=0, device=CPU, comm=NullComm())
    if isinstance(method, PlanningMethod):
        method.plan(len(rows_nd))
    method.initialize(rows_nd[: method.sample_rows])
    return method


def soft(case: str, rows_nd: Tensor, n_clusters: int) -> Method:
    """Ours; `exact` epochs keep the centres fixed, `minibatch` epochs move them per batch."""
    config = SoftClusterConfig(
        n_clusters=n_clusters,
        max_epochs=FOREVER,
        exact_epochs=FOREVER if case == "exact" else 0,
        tol=0.0,
        seeding_rows=n_clusters,
    )
    return built(SoftCluster, config, rows_nd)


def hard(case: str, rows_nd: Tensor, n_clusters: int) -> Method | None:
    """k-means of as many clusters, in epochs of the same kind; None when its plugin is not installed."""
    try:
        from traits_plugin_kmeans.config import KMeansConfig
        from traits_plugin_kmeans.method import KMeans
    except ImportError:
        return None
    config = KMeansConfig(
        n_clusters=n_clusters,
        max_epochs=FOREVER,
        exact_passes=FOREVER if case == "exact" else 0,
        tol=0.0,
        seeding_rows=n_clusters,
    )
    return built(KMeans, config, rows_nd)


def bare_product(rows_nd: Tensor, n_clusters: int) -> None:
    """The floor: rows times centres, a tile at a time."""
    centres_dk, tile_bk = rows_nd[:n_clusters].T, softmax_tile(n_clusters, CPU)
    for part_bd in rows_nd.split(len(tile_bk)):
        torch.mm(part_bd, centres_dk, out=tile_bk[: len(part_bd)])


def seconds_in_turn(
    works: Mapping[str, Callable[[], Any]], repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """Wall and processor seconds of each work, `repeats` times in turn, after a warm-up."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(repeats):
        for name, work in works.items():
            wall, processor = time.perf_counter(), time.process_time()
            work()
            times[name].append((time.perf_counter() - wall, time.process_time() - processor))
    return times


def best(seconds: list[tuple[float, float]]) -> float:
    """The least wall seconds."""
    return min(wall for wall, _ in seconds)


def median(seconds: list[tuple[float, float]]) -> float:
    """The median of the wall seconds."""
    return statistics.median(wall for wall, _ in seconds)


def least_processor(seconds: list[tuple[float, float]]) -> float:
    """The least processor seconds: on a busy machine, what is least disturbed with one thread."""
    return min(processor for _, processor in seconds)


def bench(case: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Seconds of an epoch of one kind, and the softmax mass that 16 clusters a row captured."""
    rows_nd = mixture(options.rows, options.width, max(1, options.clusters // 2), options.noise)
    ours = soft(case, rows_nd, options.clusters)
    theirs = hard(case, rows_nd, options.clusters)
    works: dict[str, Callable[[], Any]] = {
        "soft": lambda: epoch(ours, rows_nd),
        "floor": lambda: bare_product(rows_nd, options.clusters),
    }
    if theirs is not None:
        works["hard"] = lambda: epoch(theirs, rows_nd)
    times = seconds_in_turn(works, options.repeats)
    captured = epoch(ours, rows_nd)["captured_mass"]
    for metric, of in (
        ("best time", best),
        ("median time", median),
        ("best processor time", least_processor),
    ):
        soft_s, floor_s = of(times["soft"]), of(times["floor"])
        hard_s = of(times["hard"]) if theirs is not None else None
        yield {
            "bench": "softcluster",
            "case": f"{case} epoch, {options.rows} x {options.width} rows, {options.clusters} "
            f"clusters, noise {options.noise:g}, top 16 with {captured:.3f} of the mass",
            "metric": metric,
            "unit": "s",
            "ours": soft_s,
            "peer": "hard k-means" if theirs is not None else "hard k-means (not installed)",
            "theirs": hard_s,
            "ratio": hard_s / soft_s if hard_s else None,
            "floor": floor_s,
            "of_floor": floor_s / soft_s,
            "machine": machine(),
        }


def show(line: dict[str, Any]) -> str:
    """One line for people."""
    text = f"{line['case']}: {line['metric']} {line['ours']:.3g} {line['unit']}"
    if line["ratio"] is not None:
        text += f", {1 / line['ratio']:.2f} times that of {line['peer']} ({line['theirs']:.3g})"
    return f"{text}; floor (the bare product) {line['floor']:.3g} {line['unit']}"


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cases = ("minibatch", "exact")
    parser.add_argument("--case", choices=cases, help="default: both")
    parser.add_argument("--clusters", type=int, default=4096)
    parser.add_argument("--rows", type=int, default=65536)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--noise", type=float, default=1.0, help="its length, beside means of 1")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for case in [options.case] if options.case else cases:
        for line in bench(case, options):
            print(json.dumps(line) if options.json else show(line), flush=True)


if __name__ == "__main__":
    main()
