"""Data with a known answer."""

import pytest
import torch


@pytest.fixture
def planted():
    """Gaussian clusters round 12 far-apart centres: (rows [N, D], labels [N])."""

    def make(n=600, spread=0.3, seed=0):
        generator = torch.Generator().manual_seed(seed)
        centres_kd = 10 * torch.randn(12, 16, generator=generator)
        labels_n = torch.arange(n) % 12
        noise_nd = torch.randn(n, 16, generator=generator)
        return centres_kd[labels_n] + spread * noise_nd, labels_n

    return make
