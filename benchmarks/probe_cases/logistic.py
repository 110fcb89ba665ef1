"""One-feature logistic regressions of all classes on all prototypes, dense and sparse, beside peers.

Peers fit a sample, and their time is extrapolated to all pairs; what was measured is in the line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from traits_core.probing.logistic.config import LogisticConfig
from traits_core.probing.logistic.fitting import candidates_of
from traits_core.probing.logistic.gathering import statistics_of
from traits_core.probing.logistic.search import BITS, best_of
from traits_core.records import ScoreEntries
from traits_core.scoring.entries import entries_of

CLASSES = 20
PROTOTYPES = 1024
EXAMPLES = 100_000
DENSITY = 0.03
REPEATS = 3
PEER_PAIRS = 24
PEER_EXAMPLES, PEER_PROTOTYPES, PEER_CLASSES, PEER_ITERATIONS = 20_000, 256, 8, 30
CONFIG = LogisticConfig(ridge=(1e-8,))


@attrs.frozen
class Matrix:
    """A `ScoreMatrix` in memory."""

    whole: Any
    n_examples: int
    n_prototypes: int
    format: str

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows of a dense one."""
        return self.whole[start:stop]

    def entries(self, start: int, stop: int) -> ScoreEntries:
        """Rows of a sparse one."""
        first, last = self.whole.offsets[[start, stop]]
        return ScoreEntries(
            offsets=self.whole.offsets[start : stop + 1] - first,
            prototypes=self.whole.prototypes[first:last],
            values=self.whole.values[first:last],
        )


def data(n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels [examples, classes], one class an example, and scores that know something of them."""
    rng = np.random.default_rng(0)
    class_n = rng.choice(CLASSES, n, p=np.arange(1, CLASSES + 1) / (CLASSES * (CLASSES + 1) / 2))
    scores_nk = rng.standard_normal((n, k), np.float32)
    scores_nk += (np.arange(k) % CLASSES == class_n[:, None]) * np.linspace(
        0, 2, k, dtype=np.float32
    )
    return class_n[:, None] == np.arange(CLASSES), scores_nk


def fit(matrix: Matrix, labels_nc: np.ndarray) -> Any:
    """All pairs, as the probe fits them, with one ridge."""
    statistics_ = statistics_of(matrix, labels_nc, BITS[CONFIG.bins], CONFIG.batch_rows)
    return best_of(statistics_, CONFIG, keep=1)


def timed(work: Callable[[], Any], repeats: int = REPEATS) -> list[float]:
    """Seconds of each run, after a warm-up."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times[1:]


def cases(machine: str) -> Iterator[dict[str, Any]]:
    """All pairs of dense scores, then of scores that are 3 % dense."""
    labels_nc, scores_nk = data(EXAMPLES, PROTOTYPES)
    dense = Matrix(scores_nk, EXAMPLES, PROTOTYPES, "dense")
    shape = f"{PROTOTYPES} prototypes x {CLASSES} classes x {EXAMPLES} examples"
    ours = timed(lambda: fit(dense, labels_nc))
    floor = timed(scores_nk.sum)
    yield line(
        f"logistic, dense, {shape}",
        *("best time", "s", min(ours)),
        *by_scikit_learn(scores_nk, labels_nc),
        floor=min(floor),
        machine=machine,
    )
    keep = np.quantile(scores_nk[:2000], 1 - DENSITY, axis=0).astype(np.float32)
    np.maximum(scores_nk - keep, 0, out=scores_nk)
    sparse = Matrix(entries_of(scores_nk), EXAMPLES, PROTOTYPES, "sparse")
    ours = timed(lambda: fit(sparse, labels_nc))
    floor = timed(sparse.whole.values.sum)
    peer, theirs, above = by_saev(scores_nk, labels_nc)
    case = f"logistic, {DENSITY:.0%} dense, {shape}"
    yield line(case, "best time", "s", min(ours), peer, theirs, floor=min(floor), machine=machine)
    if above is not None:
        yield line(
            case,
            *(
                "share of pairs whose loss is at most theirs + 1e-6",
                "",
                float(np.mean(above > -1e-6)),
            ),
            *(f"mean of their loss less ours, nats: {above.mean():.1e}", None),
            floor=None,
            machine=machine,
        )


def by_scikit_learn(scores_nk: np.ndarray, labels_nc: np.ndarray) -> tuple[str, float | None]:
    """LogisticRegression (lbfgs, all defaults) on PEER_PAIRS pairs, one after the other."""
    peer = f"scikit-learn's loop (from {PEER_PAIRS} of {PROTOTYPES * CLASSES} pairs)"
    if not find_spec("sklearn"):
        return f"{peer}: not installed", None
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    chosen = zip(
        rng.integers(PROTOTYPES, size=PEER_PAIRS),
        rng.integers(CLASSES, size=PEER_PAIRS),
        strict=True,
    )
    LogisticRegression().fit(scores_nk[:, :1], labels_nc[:, 0])
    start = time.perf_counter()
    for k, c in chosen:
        LogisticRegression().fit(scores_nk[:, [k]], labels_nc[:, c])
    return peer, (time.perf_counter() - start) * PROTOTYPES * CLASSES / PEER_PAIRS


def by_saev(
    scores_nk: np.ndarray, labels_nc: np.ndarray
) -> tuple[str, float | None, np.ndarray | None]:
    """Sparse1DProbe on fewer rows, prototypes and classes; and how far its losses are above ours."""
    size = f"{PEER_PROTOTYPES} x {PEER_CLASSES} x {PEER_EXAMPLES}, {PEER_ITERATIONS} iterations"
    peer = f"saev's Sparse1DProbe (from {size})"
    if "SAEV_ROOT" not in os.environ:
        return f"{peer}: no SAEV_ROOT", None, None
    scores_nk = scores_nk[:PEER_EXAMPLES, -PEER_PROTOTYPES:].copy()
    labels_nc = labels_nc[:PEER_EXAMPLES, :PEER_CLASSES].copy()
    entries = entries_of(scores_nk)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "task.npz")
        np.savez(
            path,
            offsets=entries.offsets,
            prototypes=entries.prototypes,
            values=entries.values,
            labels=labels_nc,
            n_prototypes=PEER_PROTOTYPES,
        )
        script = str(Path(__file__).with_name("saev_probe.py"))
        python = os.environ.get("SAEV_PYTHON", sys.executable)
        command = [python, script, os.environ["SAEV_ROOT"], path, str(PEER_ITERATIONS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"{peer}: {done.stderr.strip().splitlines()[-1]}", None, None
    found = json.loads(done.stdout.strip().splitlines()[-1])
    factor = EXAMPLES * PROTOTYPES * CLASSES / (PEER_EXAMPLES * PEER_PROTOTYPES * PEER_CLASSES)
    above_kc = np.array(found["loss"]) - our_losses(entries, scores_nk, labels_nc)
    return peer, found["seconds"] * factor, above_kc


def our_losses(entries: ScoreEntries, scores_nk: np.ndarray, labels_nc: np.ndarray) -> np.ndarray:
    """The loss of each pair on every row, by the regressions that we found."""
    matrix = Matrix(entries, *scores_nk.shape, "sparse")
    statistics_ = statistics_of(matrix, labels_nc, BITS[CONFIG.bins], CONFIG.batch_rows)
    every = np.ones(statistics_.sums_kc.shape, bool)
    found = candidates_of(statistics_, every, CONFIG.ridge, 0)
    loss_kc = np.empty(every.shape)
    for k in range(len(every)):
        z_n1 = (scores_nk[:, [k]] - found.mean_mc[k, 0]) / found.sd_mc[k, 0]
        logit_nc = found.intercept_mc[k] + found.slope_mc[k] * z_n1
        loss_kc[k] = np.logaddexp(0, np.where(labels_nc, -logit_nc, logit_nc)).mean(axis=0)
    return loss_kc


def line(
    case: str,
    metric: str,
    unit: str,
    ours: float,
    peer: str,
    theirs: float | None,
    *,
    floor: float | None,
    machine: str,
) -> dict[str, Any]:
    """One line of the benchmark; the floor is reading the scores once, on one thread."""
    return {
        "bench": "probes",
        "case": case,
        "metric": metric,
        "unit": unit,
        "ours": ours,
        "peer": peer,
        "theirs": theirs,
        "ratio": theirs / ours if theirs is not None else None,
        "floor": floor,
        "of_floor": floor / ours if floor is not None else None,
        "machine": machine,
    }
