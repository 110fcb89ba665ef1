"""The most memory that a step asks for, in units of one value for each row and latent."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from sae_cases.contenders import peers
from sae_cases.ours import Ours
from sae_cases.step import BATCH, D_MODEL, N_LATENTS, STEPS, K
from sae_cases.task import Contender, Task
from store_cases.timing import Line
from torch.profiler import ProfilerActivity, profile

PRE_ACTIVATIONS = 4 * BATCH * N_LATENTS / 2**20


def cases(architecture: str, wanted: str, rounds: int, seed: int) -> Iterator[Line]:
    """Peak of what a step holds beyond what it began with; the floor is the pre-activations [B, S]."""
    del rounds
    task = Task(
        architecture=architecture,
        d_model=D_MODEL,
        n_latents=N_LATENTS,
        k=K,
        batch=BATCH,
        steps=STEPS,
        seed=seed,
    )
    ours = _peak(Ours, task)
    for name, adapter in peers(architecture, wanted).items():
        theirs = _peak(adapter, task) if adapter else None
        yield Line(
            bench="sae",
            case=f"{architecture} step, {BATCH} x {D_MODEL}, {N_LATENTS} latents, k {K}",
            metric="most memory above what it began with",
            unit="MiB",
            ours=ours,
            peer=name,
            theirs=theirs,
            ratio=theirs / ours if theirs else None,
            floor=PRE_ACTIVATIONS,
            of_floor=PRE_ACTIVATIONS / ours,
        )


def _peak(contender: Contender, task: Task) -> float:
    """MiB of tensors that the third step adds at its worst instant."""
    acts_bd = torch.randn(BATCH, D_MODEL, generator=torch.Generator().manual_seed(task.seed))
    trainer = contender(task, acts_bd)
    for _ in range(2):
        trainer.step(acts_bd)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        trainer.step(acts_bd)
    events = [e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most / 2**20
