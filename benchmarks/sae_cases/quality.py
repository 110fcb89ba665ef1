"""What is found of known features after equally many steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import attrs
import torch
from sae_cases.contenders import peers
from sae_cases.ours import Ours
from sae_cases.planted import batches, planted
from sae_cases.task import Contender, Task
from store_cases.timing import Line
from torch import Tensor

from traits_core import ReconstructionSums
from traits_plugin_sae.metrics.geometry import mean_max_cosine
from traits_plugin_sae.metrics.latents import LatentSums

N_FEATURES, D_MODEL, L0, BATCH = 2048, 256, 16, 2048
ROWS, HELD_OUT = 64 * BATCH, 8 * BATCH
PEERS_RATES: Final = (3e-3, 6e-3, 1.2e-2)
"""Peers are trained at each of these; compare with what they explain most at."""


@attrs.frozen(kw_only=True)
class Found:
    """Measured on rows that were not trained on, but for `ms`, the mean milliseconds of a step."""

    explained_variance: float
    mean_max_cosine: float
    dead: float
    l0: float
    ms: float


HIGHER_IS_BETTER: Final = ("explained_variance", "mean_max_cosine")
UNITS: Final = {"dead": "part of latents", "l0": "latents a row", "ms": "ms a step"}


def cases(architecture: str, wanted: str, steps: int, seed: int) -> Iterator[Line]:
    """Ours at its default learning rate beside each peer at three."""
    task = Task(
        architecture=architecture,
        d_model=D_MODEL,
        n_latents=N_FEATURES,
        k=L0,
        batch=BATCH,
        steps=steps,
        seed=seed,
    )
    truth = planted(N_FEATURES, D_MODEL, L0, seed)
    rows_nd = truth.rows(ROWS, held_out=False)
    held_out_nd = truth.rows(HELD_OUT, held_out=True)
    case = f"{architecture}, planted features, {steps} steps, seed {seed}"

    def found(contender: Contender, rate: float | None) -> Found:
        torch.manual_seed(seed)
        at_rate = attrs.evolve(task, learning_rate=rate)
        return _trained(contender, at_rate, rows_nd, held_out_nd, truth.features_kd)

    ours = found(Ours, None)
    for name, adapter in peers(architecture, wanted).items():
        if adapter is None:
            yield from _lines(case, name, ours, None)
            continue
        for rate in PEERS_RATES:
            yield from _lines(f"{case}, peer at {rate:g}", name, ours, found(adapter, rate))


def _trained(
    contender: Contender, task: Task, rows_nd: Tensor, held_out_nd: Tensor, features_kd: Tensor
) -> Found:
    trainer = contender(task, rows_nd[: 8 * BATCH])
    began = time.perf_counter()
    for acts_bd in batches(rows_nd, task):
        trainer.step(acts_bd)
    seconds = time.perf_counter() - began
    trainer.finish()
    errors, latents = ReconstructionSums(held_out_nd[0]), LatentSums.of_none(task.n_latents)
    with torch.no_grad():
        for acts_bd in held_out_nd.split(BATCH):
            latents_bs = trainer.latents(acts_bd)
            latents.add(latents_bs)
            errors.add(acts_bd, trainer.decode(latents_bs))
    sparsity = latents.measured()
    return Found(
        explained_variance=errors.measured().explained_variance,
        mean_max_cosine=mean_max_cosine(features_kd, trainer.decoder_sd),
        dead=sparsity.dead_fraction,
        l0=sparsity.l0,
        ms=1000 * seconds / task.steps,
    )


def _lines(case: str, peer: str, ours: Found, theirs: Found | None) -> Iterator[Line]:
    for metric in attrs.asdict(ours):
        mine, other = getattr(ours, metric), getattr(theirs, metric, None)
        ratio = mine / other if metric in HIGHER_IS_BETTER and other else None
        yield Line(
            bench="sae",
            case=case,
            metric=metric,
            unit=UNITS.get(metric, ""),
            ours=mine,
            peer=peer,
            theirs=other,
            ratio=other / mine if metric == "ms" and other else ratio,
        )
