"""Activations that are made of known features, sparsely and in superposition."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import torch
from sae_cases.task import Task
from torch import Tensor
from torch.nn.functional import normalize

SEED = 1 << 20  # far from the seeds of initialisations: a contender must not start at the truth


@attrs.frozen(eq=False)
class Planted:
    """Rows that are sums of features [K, D] of length 1, each present with a probability `l0` / K.

    Magnitudes are uniform from 0.5 to 1.5; there is no noise. `seed` decides features, rows and order.
    """

    features_kd: Tensor
    l0: float
    seed: int

    def rows(self, n: int, *, held_out: bool) -> Tensor:
        """Draw rows [N, D]; those held out are others than those to train on."""
        generator = torch.Generator().manual_seed(SEED + 2 * self.seed + held_out)
        n_features, d_model = self.features_kd.shape
        rows_nd = torch.empty(n, d_model)
        for out_bd in rows_nd.split(2048):
            shape = len(out_bd), n_features
            present_bk = torch.rand(shape, generator=generator) < self.l0 / n_features
            magnitudes_bk = torch.rand(shape, generator=generator).add_(0.5)
            torch.mm(magnitudes_bk.mul_(present_bk), self.features_kd, out=out_bd)
        return rows_nd


def planted(n_features: int, d_model: int, l0: float, seed: int) -> Planted:
    """Features in random directions."""
    generator = torch.Generator().manual_seed(SEED + 2 * seed)
    features_kd = normalize(torch.randn(n_features, d_model, generator=generator), dim=1)
    return Planted(features_kd, l0, seed)


def batches(rows_nd: Tensor, task: Task) -> Iterator[Tensor]:
    """Batches for all steps of a task, in a new random order each epoch; the same for everybody."""
    generator = torch.Generator().manual_seed(SEED + 2 * task.seed)
    done = 0
    while done < task.steps:
        for order_b in torch.randperm(len(rows_nd), generator=generator).split(task.batch):
            if len(order_b) < task.batch or done == task.steps:
                break
            yield rows_nd[order_b]
            done += 1
