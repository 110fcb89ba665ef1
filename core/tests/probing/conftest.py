"""Splits in memory: what a probe sees, without stores."""

from collections.abc import Mapping

import attrs
import numpy as np
import pytest

from traits_core import TraitLabels


@attrs.frozen
class MemoryScores:
    """A `ScoreMatrix` that also remembers which blocks were read."""

    scores_nk: np.ndarray
    format: str = "dense"
    read: list[tuple[int, int]] = attrs.field(factory=list)

    @property
    def n_examples(self) -> int:
        return len(self.scores_nk)

    @property
    def n_prototypes(self) -> int:
        return self.scores_nk.shape[1]

    def rows(self, start: int, stop: int) -> np.ndarray:
        return self.scores_nk[start:stop]

    def block(self, start: int, stop: int) -> np.ndarray:
        assert 0 <= start < stop <= self.n_prototypes
        self.read.append((start, stop))
        return self.scores_nk[:, start:stop]


@attrs.frozen
class MemorySplit:
    """A `ProbeSplit`."""

    scores: Mapping[str, MemoryScores]
    traits: TraitLabels


def _split(labels_nt, **scores) -> MemorySplit:
    n_traits = labels_nt.shape[1]
    return MemorySplit(
        {
            name: MemoryScores(np.asarray(scores_nk, np.float32))
            for name, scores_nk in scores.items()
        },
        TraitLabels(
            labels_nt=labels_nt,
            names=tuple(f"trait {t}" for t in range(n_traits)),
            groups=tuple(f"group {t % 3}" for t in range(n_traits)),
        ),
    )


@pytest.fixture(scope="session")
def memory_scores():
    """`memory_scores(scores_nk)` makes a `ScoreMatrix`."""
    return MemoryScores


@pytest.fixture(scope="session")
def split():
    """`split(labels_nt, method=scores_nk, ...)` makes a split."""
    return _split


@pytest.fixture
def planted(split):
    """`planted(seed, n, k, t)`: the first t prototypes of `method` know a trait each, others are noise."""

    def make(seed: int = 0, n: int = 80, k: int = 24, t: int = 6, strength: float = 2.0):
        rng = np.random.default_rng(seed)
        labels_nt = rng.random((n, t)) < np.linspace(0.1, 0.4, t)
        labels_nt[0] = True
        method_nk = rng.standard_normal((n, k)).astype(np.float32)
        method_nk[:, :t] += strength * labels_nt
        noise = {name: rng.standard_normal((n, k)) for name in ("activations", "gaussian")}
        return split(labels_nt, method=method_nk, **noise)

    return make
