"""How fast probes are, beside their peers and the hardware's limit.

    python benchmarks/probes.py [--case ap|bootstrap|grid|logistic] [--prototypes 8192] [--repeats 3] [--json]

One peer of `logistic`, saev, is no package: SAEV_ROOT names a checkout, SAEV_PYTHON a Python for it.

Labels are synthetic, with the size and the prevalence (mean 0.1) of the attributes of CUB-200-2011.
Contestants take turns, so that what else the machine does disturbs all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import attrs
import numpy as np
from probe_cases import logistic
from store_cases.timing import processor

from traits_core.probing.ap import Kernel, available_threads, average_precision
from traits_core.probing.bootstrap import resampled_maps
from traits_core.probing.grid import Grid, grid_rows
from traits_core.probing.positives import Positives
from traits_core.probing.ranks import fill_by_numpy
from traits_core.probing.retrieval_config import RetrievalConfig
from traits_core.probing.retrieval_tables import Labels
from traits_core.probing.selection import Chooser, ap_of_choices, select
from traits_core.records import TraitLabels

PEER_PAIRS = 48
PEER_PROTOTYPES = 2
BLOCK = 512
RESAMPLES = 1000


def in_turns(works: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Time each of `works` so many times, one after the other, after a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for repeat in range(repeats + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if repeat:
                times[name].append(time.perf_counter() - start)
    return times


def machine() -> str:
    """Processor, the threads we may use, and the numpy that did the work."""
    return f"{processor()}, {available_threads()} threads, numpy {np.__version__}"


@attrs.frozen
class Scores:
    """A `ScoreMatrix` in memory."""

    scores_nk: np.ndarray

    n_examples = property(lambda self: self.scores_nk.shape[0])
    n_prototypes = property(lambda self: self.scores_nk.shape[1])

    def block(self, start: int, stop: int) -> np.ndarray:
        """Scores of prototypes [start, stop)."""
        return self.scores_nk[:, start:stop]


def synthetic(sizes: argparse.Namespace, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels [examples, traits] and continuous scores [examples, prototypes]."""
    rng = np.random.default_rng(seed)
    prevalence_t = np.random.default_rng(0).beta(0.6, 5.4, sizes.traits)
    labels_nt = rng.random((sizes.examples, sizes.traits)) < prevalence_t
    return labels_nt, rng.standard_normal((sizes.examples, sizes.prototypes), np.float32)


def argsort_alone(scores_nk: np.ndarray) -> None:
    """The floor: each prototype's scores must be ranked, whatever comes after."""
    threads, k = available_threads(), scores_nk.shape[1]

    def work(thread: int) -> None:
        for start in range(k * thread // threads, k * (thread + 1) // threads, 16):
            stop = min(start + 16, k * (thread + 1) // threads)
            np.argsort(np.ascontiguousarray(scores_nk[:, start:stop].T), axis=1)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


def by_scikit_learn(scores_nk: np.ndarray, labels_nt: np.ndarray) -> None:
    """A loop over PEER_PAIRS (prototype, trait) pairs."""
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(1)
    traits = rng.choice(np.flatnonzero(labels_nt.any(axis=0)), PEER_PAIRS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k, t in zip(rng.integers(scores_nk.shape[1], size=PEER_PAIRS), traits, strict=True):
            average_precision_score(labels_nt[:, t], scores_nk[:, k])


def by_columns(scores_nk: np.ndarray, labels_nt: np.ndarray) -> None:
    """What saev's metric does: a sort and cumulative sums for each trait, of every prototype anew."""
    ranks_n1 = np.arange(1, len(scores_nk) + 1, dtype=np.float32)[:, None]
    for k in range(PEER_PROTOTYPES):
        scores_nt = np.repeat(scores_nk[:, k : k + 1], labels_nt.shape[1], axis=1)
        order_nt = np.argsort(-scores_nt, axis=0)
        hits_nt = np.take_along_axis(labels_nt, order_nt, axis=0).astype(np.float32)
        precision_nt = np.cumsum(hits_nt, axis=0) / ranks_n1
        (precision_nt * hits_nt).sum(axis=0) / np.maximum(hits_nt.sum(axis=0), 1)


def blockwise(scores_nk: np.ndarray, labels_nt: np.ndarray, kernel: Kernel) -> None:
    """AP of all pairs, as a probe asks for it."""
    positives = Positives.of(labels_nt)
    for start in range(0, scores_nk.shape[1], BLOCK):
        average_precision(scores_nk[:, start : start + BLOCK], positives, kernel=kernel)


def kernels() -> dict[str, Kernel]:
    """The kernels that can be used here."""
    found: dict[str, Kernel] = {"numpy": fill_by_numpy}
    if find_spec("numba"):
        from traits_core.probing.compiled import fill_compiled

        found["compiled"] = fill_compiled
    return found


def bench_ap(sizes: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """AP of every (prototype, trait), for continuous scores and for scores that are 95 % zeros."""
    labels_nt, continuous_nk = synthetic(sizes, 0)
    rng = np.random.default_rng(2)
    zeros_nk = rng.random(continuous_nk.shape, np.float32) < 0.95
    sparse_nk = np.where(zeros_nk, np.float32(0), np.abs(continuous_nk))
    pairs = sizes.prototypes * sizes.traits
    for name, scores_nk in (("continuous", continuous_nk), ("95% zeros", sparse_nk)):
        works: dict[str, Callable[[], Any]] = {
            kernel: lambda s=scores_nk, fill=fill: blockwise(s, labels_nt, fill)
            for kernel, fill in kernels().items()
        }
        works["argsort"] = lambda s=scores_nk: argsort_alone(s)
        if find_spec("sklearn"):
            works["scikit-learn"] = lambda s=scores_nk: by_scikit_learn(s, labels_nt)
        works["columns"] = lambda s=scores_nk: by_columns(s, labels_nt)
        times = in_turns(works, sizes.repeats)
        for kernel in kernels():
            yield from lines(
                f"ap, {name}, {shape(sizes)}, {kernel} kernel",
                times[kernel],
                f"a sort per column, as saev (from {PEER_PROTOTYPES} of {sizes.prototypes} prototypes)",
                [value * sizes.prototypes / PEER_PROTOTYPES for value in times["columns"]],
                times["argsort"],
            )
            yield from lines(
                f"ap, {name}, {shape(sizes)}, {kernel} kernel",
                times[kernel],
                f"scikit-learn, one thread (from {PEER_PAIRS} of {pairs} pairs)",
                [value * pairs / PEER_PAIRS for value in times.get("scikit-learn", ())],
                times["argsort"],
            )


def bench_grid(sizes: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The whole grid of prototypes x train examples; `theirs` is its one cell of everything."""
    (train_nt, train_nk), (test_nt, test_nk) = synthetic(sizes, 0), synthetic(sizes, 1)
    names = tuple(map(str, range(sizes.traits)))
    labels = Labels.of(
        *(TraitLabels(labels_nt=y, names=names, groups=names) for y in (train_nt, test_nt))
    )
    train, test = Scores(train_nk), Scores(test_nk)
    grid = Grid.of(RetrievalConfig(), train, seed=0)

    def whole() -> None:
        choosers = [*grid.choosers(train_nt), Chooser(positives=Positives.of(train_nt))]
        found = select(train, choosers, grid.prefixes, BLOCK)
        grid_rows("method", grid, found, test, labels, BLOCK)

    def single() -> None:
        ((best,),) = select(
            train, [Chooser(positives=Positives.of(train_nt))], [sizes.prototypes], BLOCK
        )
        ap_of_choices(test, test_nt, best.prototypes_t[None], BLOCK)

    works = {"grid": whole, "cell": single, "argsort": lambda: argsort_alone(train_nk)}
    times = in_turns(works, sizes.repeats)
    cells = len(grid.prefixes) * len({len(rows) for rows in grid.subsets} | {sizes.examples})
    yield from lines(
        f"grid, {shape(sizes)}, {cells} cells, {len(grid.subsets) + 1} draws",
        times["grid"],
        "its one cell of everything",
        times["cell"],
        times["argsort"],
    )


def bench_bootstrap(sizes: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """1000 resamples of the mAP of one prototype per trait; `theirs` is one AP pass over all of them."""
    labels_nt, scores_nk = synthetic(sizes, 0)
    labels_nt = labels_nt[:, labels_nt.any(axis=0)]
    chosen_nt = scores_nk[:, np.arange(labels_nt.shape[1]) % sizes.prototypes]
    kernel = list(kernels().values())[-1]
    times = in_turns(
        {
            "ours": lambda: resampled_maps(chosen_nt, labels_nt, RESAMPLES, seed=0),
            "pass": lambda: blockwise(scores_nk, labels_nt, kernel),
            "argsort": lambda: argsort_alone(scores_nk),
        },
        sizes.repeats,
    )
    yield from lines(
        f"bootstrap of {RESAMPLES}, {sizes.traits} traits x {sizes.examples} examples",
        times["ours"],
        f"one AP pass over {sizes.prototypes} prototypes",
        times["pass"],
        times["argsort"],
    )


def shape(sizes: argparse.Namespace) -> str:
    """The size of the problem, for people."""
    return f"{sizes.prototypes} prototypes x {sizes.traits} traits x {sizes.examples} examples"


def lines(
    case: str, ours: list[float], peer: str, theirs: list[float], floor: list[float]
) -> Iterator[dict[str, Any]]:
    """Best and median; the peer's are missing when it is not installed."""
    for metric, of in (("best time", min), ("median time", statistics.median)):
        yield {
            "bench": "probes",
            "case": case,
            "metric": metric,
            "unit": "s",
            "ours": of(ours),
            "peer": peer if theirs else f"{peer}: not installed",
            "theirs": of(theirs) if theirs else None,
            "ratio": of(theirs) / of(ours) if theirs else None,
            "floor": of(floor),
            "of_floor": of(floor) / of(ours),
            "machine": machine(),
        }


def bench_logistic(sizes: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Logistic regressions of 20 classes on 1024 prototypes, dense and sparse; sizes are fixed."""
    yield from logistic.cases(machine())


CASES = {
    "ap": bench_ap,
    "bootstrap": bench_bootstrap,
    "grid": bench_grid,
    "logistic": bench_logistic,
}


def show(line: dict[str, Any]) -> str:
    """One line for people."""
    text = f"{line['case']}: {line['metric']} {line['ours']:.3g} {line['unit']}"
    if line["ratio"] is not None:
        ratio = f"{line['ratio']:,.0f}" if line["ratio"] > 10 else f"{line['ratio']:.2f}"
        text += f"; {line['peer']}: {line['theirs']:.3g} {line['unit']}, {ratio} times ours"
    if line["ratio"] is None:
        text += f"; {line['peer']}"
    if line["floor"] is not None:
        text += f"; {1 / line['of_floor']:.1f} times the floor ({line['floor']:.3g} {line['unit']})"
    return text


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(CASES), help="default: all")
    parser.add_argument("--prototypes", type=int, default=512)
    parser.add_argument("--traits", type=int, default=312)
    parser.add_argument("--examples", type=int, default=5794)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    for name in [options.case] if options.case else sorted(CASES):
        for line in CASES[name](options):
            print(json.dumps(line) if options.json else show(line), flush=True)


if __name__ == "__main__":
    main()
