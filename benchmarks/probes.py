"""How fast probes are, beside their peers and the hardware's limit.

    python benchmarks/probes.py [--case ap] [--prototypes 512] [--json]

Labels are synthetic, with the size and the prevalence (mean 0.1) of the attributes of CUB-200-2011.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from traits_core.probing.ap import Positives, available_threads, average_precision

REPEATS = 5
PEER_PAIRS = 48


def seconds(work: Callable[[], Any]) -> list[float]:
    """Time `work` REPEATS times, after one warm-up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times


def machine() -> str:
    """Processor, the threads we may use, and the numpy that did the work."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.processor()
    return f"{name}, {available_threads()} threads, numpy {np.__version__}"


def argsort_alone(scores_nk: np.ndarray) -> None:
    """The floor: each prototype's scores must be ranked, whatever comes after."""
    scores_kn = np.ascontiguousarray(scores_nk.T)
    threads = available_threads()
    with ThreadPoolExecutor(threads) as pool:
        parts = [scores_kn[i::threads] for i in range(threads)]
        list(pool.map(lambda part_kn: [np.argsort(scores_n) for scores_n in part_kn], parts))


def seconds_per_pair_of_scikit_learn(
    scores_nk: np.ndarray, labels_nt: np.ndarray
) -> tuple[str, list[float]] | None:
    """Name of the peer, and its seconds for one (prototype, trait) pair; None when not installed."""
    try:
        import sklearn
        from sklearn.metrics import average_precision_score
    except ImportError:
        return None
    rng = np.random.default_rng(1)
    traits = rng.choice(np.flatnonzero(labels_nt.any(axis=0)), PEER_PAIRS)
    prototypes = rng.integers(scores_nk.shape[1], size=PEER_PAIRS)

    def work() -> None:
        for k, t in zip(prototypes, traits, strict=True):
            average_precision_score(labels_nt[:, t], scores_nk[:, k])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        per_pair = [value / PEER_PAIRS for value in seconds(work)]
    return f"scikit-learn {sklearn.__version__}", per_pair


def bench_ap(sizes: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """AP of every (prototype, trait), for continuous scores and for scores that are 95 % zeros."""
    n, k, t = sizes.examples, sizes.prototypes, sizes.traits
    rng = np.random.default_rng(0)
    labels_nt = rng.random((n, t)) < rng.beta(0.6, 5.4, t)
    continuous_nk = rng.standard_normal((n, k)).astype(np.float32)
    sparse_nk = np.where(rng.random((n, k)) < 0.95, np.float32(0), np.abs(continuous_nk))
    for name, scores_nk in (("continuous", continuous_nk), ("95% zeros", sparse_nk)):
        ours = seconds(
            lambda scores_nk=scores_nk: average_precision(scores_nk, Positives.of(labels_nt))
        )
        floor = seconds(lambda scores_nk=scores_nk: argsort_alone(scores_nk))
        peer = seconds_per_pair_of_scikit_learn(scores_nk, labels_nt)
        for metric, of in (("best time", min), ("median time", statistics.median)):
            theirs = of(peer[1]) * k * t if peer else None
            yield {
                "bench": "probes",
                "case": f"ap, {name}, {k} prototypes x {t} traits x {n} examples",
                "metric": metric,
                "unit": "s",
                "ours": of(ours),
                "peer": f"{peer[0]} (from {PEER_PAIRS} of {k * t} pairs)"
                if peer
                else "scikit-learn (not installed)",
                "theirs": theirs,
                "ratio": theirs / of(ours) if theirs else None,
                "floor": of(floor),
                "of_floor": of(floor) / of(ours),
                "machine": machine(),
            }


CASES = {"ap": bench_ap}


def show(line: dict[str, Any]) -> str:
    """One line for people."""
    text = f"{line['case']}: {line['metric']} {line['ours']:.3g} {line['unit']}"
    if line["ratio"] is not None:
        text += f"; {line['peer']}: {line['theirs']:.3g} {line['unit']}, {line['ratio']:,.0f} times ours"
    return f"{text}; floor (argsort alone) {line['floor']:.3g} {line['unit']}"


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(CASES), help="default: all")
    parser.add_argument("--prototypes", type=int, default=512)
    parser.add_argument("--traits", type=int, default=312)
    parser.add_argument("--examples", type=int, default=5794)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    for name in [options.case] if options.case else sorted(CASES):
        for line in CASES[name](options):
            print(json.dumps(line) if options.json else show(line), flush=True)


if __name__ == "__main__":
    main()
