"""How long a training step takes, beside the one product that no encoder can do without."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from sae_cases.contenders import peers
from sae_cases.ours import Ours
from sae_cases.task import Task, Trainer
from store_cases.timing import Line, in_turn
from torch import Tensor

D_MODEL, N_LATENTS, K, BATCH = 768, 6144, 32, 2048
STEPS = 10_000
"""Planned, so that schedules are where they are in a long run; a few are done."""


def cases(architecture: str, wanted: str, rounds: int, seed: int) -> Iterator[Line]:
    """Best and median seconds of a step beside each peer; the floor is acts @ encoder."""
    task = Task(
        architecture=architecture,
        d_model=D_MODEL,
        n_latents=N_LATENTS,
        k=K,
        batch=BATCH,
        steps=STEPS,
        seed=seed,
    )
    generator = torch.Generator().manual_seed(seed)
    acts_bd = torch.randn(BATCH, D_MODEL, generator=generator)
    encoder_ds = torch.randn(D_MODEL, N_LATENTS, generator=generator)
    adapters = peers(architecture, wanted)
    trainers: dict[str, Trainer] = {"ours": Ours(task, acts_bd)}
    trainers |= {name: adapter(task, acts_bd) for name, adapter in adapters.items() if adapter}
    works: dict[str, Callable[[], Any]] = {"floor": partial(torch.mm, acts_bd, encoder_ds)}
    works |= {name: _step(trainer, acts_bd) for name, trainer in trainers.items()}
    times = in_turn(works, rounds)
    for metric, of in (("best", min), ("median", statistics.median)):
        ours, floor = of(times["ours"]), of(times["floor"])
        for name in adapters:
            theirs = of(times[name]) if name in times else None
            yield Line(
                bench="sae",
                case=f"{architecture} step, {BATCH} x {D_MODEL}, {N_LATENTS} latents, k {K}",
                metric=metric,
                unit="s",
                ours=ours,
                peer=name,
                theirs=theirs,
                ratio=theirs / ours if theirs else None,
                floor=floor,
                of_floor=floor / ours,
            )


def _step(trainer: Trainer, acts_bd: Tensor) -> Callable[[], None]:
    return lambda: trainer.step(acts_bd)
