"""Data with a known answer, and processes that live in threads."""

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor


class ThreadComm:
    """One of several processes that are threads of this one."""

    def __init__(self, rank: int, posts: list, meeting: threading.Barrier) -> None:
        self.rank, self.world_size = rank, len(posts)
        self._posts, self._meeting = posts, meeting

    def all_sum(self, *tensors: Tensor) -> None:
        self._posts[self.rank] = [tensor.clone() for tensor in tensors]
        self._meeting.wait(timeout=30)
        for i, tensor in enumerate(tensors):
            tensor.copy_(sum(post[i] for post in self._posts))
        self._meeting.wait(timeout=30)


@pytest.fixture
def run_ranks() -> Callable:
    """Run `work(comm)` in `n` threads; returns the results by rank."""

    def run(n: int, work: Callable) -> list:
        posts, meeting, results = [None] * n, threading.Barrier(n), [None] * n

        def target(rank: int) -> None:
            try:
                results[rank] = work(ThreadComm(rank, posts, meeting))
            except BaseException:
                meeting.abort()
                raise

        threads = [threading.Thread(target=target, args=(rank,)) for rank in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run


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
