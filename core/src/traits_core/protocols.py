"""The contracts of plugin objects, but for storages and formats: `stores.protocols` has theirs.

Nothing needs to inherit from these: the contract tests decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from traits_core.records import (
        AffineParts,
        Example,
        FeatureSpec,
        Histogram,
        PositionLabels,
        ProbeResult,
        ScoreEntries,
        TraitLabels,
    )


class Comm(Protocol):
    """How the processes of one training job add up their sums; one process has `NullComm`."""

    @property
    def world_size(self) -> int: ...

    @property
    def rank(self) -> int: ...

    def all_sum(self, *tensors: Tensor) -> None:
        """Replace each tensor, in place, by its sum over all processes."""

    def any_flag(self, flag: bool) -> bool:
        """True in every process when `flag` is true in any."""

    def barrier(self) -> None: ...


class Scorer(Protocol):
    """Frozen, stateless, row-wise map from activations to scores; larger means more of the prototype.

    Row-wise: `scorer(batch)[i]` equals `scorer(batch[i:i+1])[0]`. The input is never written to. On a
    CPU several threads call it at once.
    """

    @property
    def n_prototypes(self) -> int: ...

    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score `acts_bd` [B, D] of any float dtype; return float32 [B, K] on the same device."""

    def save(self, directory: Path) -> None:
        """Write everything needed into `directory`, which exists: safetensors and JSON, no pickle."""

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote."""


@runtime_checkable
class SparseScorer(Protocol):
    """A scorer of which most scores are zero, or may be left out."""

    def sparse(self, acts_bd: Tensor) -> tuple[Tensor, Tensor]:
        """The scores kept of each row: float32 values [B, J] and int64 prototypes [B, J].

        No prototype stands twice in a row; places that a row does not need hold value 0.
        """


@runtime_checkable
class BlockwiseScorer(Protocol):
    """A scorer that scores a block of prototypes after the other, each to be used while the cache has it."""

    def blocks(self, acts_bd: Tensor, width: int) -> Iterator[Tensor]:
        """Yield the columns of what calling it returns: float32 [B, `width`], the last block what is left."""


@runtime_checkable
class ReconstructingScorer(Protocol):
    """A scorer whose scores tell what the activation was, more or less."""

    def reconstruct(self, acts_bd: Tensor) -> Tensor:
        """What the scores of `acts_bd` [B, D] say of it: float32 [B, D], in the same units."""


@runtime_checkable
class AffineScorer(Protocol):
    """A scorer that can be written as one affine map, for programs that read nothing else."""

    def affine(self) -> AffineParts:
        """The map that ranks activations, for each prototype, as the scores do."""


class Method(Protocol):
    """Learns prototypes from a stream of activations. The core owns the loop; a method owns maths.

    The factory is called as `factory(config, d_model=..., seed=..., device=..., comm=...)`. Then:
    `initialize` once, `update` for every batch of an epoch, `end_epoch` after it, until `done`.
    """

    @property
    def sample_rows(self) -> int:
        """How many random rows `initialize` wants; it gets at least one, and fewer from a small store."""

    @property
    def max_epochs(self) -> int:
        """How many passes it plans at most (0: `initialize` is all); for progress and schedules."""

    @property
    def done(self) -> bool:
        """True when no further epoch is wanted; asked after `initialize` and after each epoch."""

    def initialize(self, sample_nd: Tensor) -> None:
        """Start from float32 rows [N, D] on the method's device."""

    def update(self, acts_bd: Tensor) -> Mapping[str, float | Tensor]:
        """Learn from one float32 batch [B, D] on the method's device; return metrics to log.

        A metric that is a tensor [N], such as the size of each cluster, is logged as a histogram.
        """

    def end_epoch(self) -> Mapping[str, float | Tensor]:
        """Finish a pass over all rows; return metrics to log, as `update` does."""

    def scorer(self) -> Scorer:
        """The scorer of what has been learned so far."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """All that a fresh instance, built with the same arguments, needs to go on bit for bit."""

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None: ...


@runtime_checkable
class PlanningMethod(Protocol):
    """A method whose schedule or number of passes depends on how many rows there are."""

    def plan(self, rows_per_epoch: int) -> None:
        """Called once, before all else: the rows of one epoch, of all processes together."""


@runtime_checkable
class BoundedMethod(Protocol):
    """A method whose scores are never above some value, whatever it learns."""

    @property
    def highest_score(self) -> float:
        """The least such value: a run that would keep only scores above it is refused at once."""


class Dataset(Protocol):
    """Examples, labels and splits. The factory is called as `factory(config)`."""

    @property
    def digest(self) -> str:
        """Changes when the examples or labels change; never depends on where they are stored."""

    @property
    def splits(self) -> Sequence[str]:
        """Names of the splits; `train` and `test` where the dataset has both."""

    def examples(self, split: str) -> Sequence[Example]:
        """The examples of a split in a fixed order; items may be decoded on access."""

    def traits(self, split: str) -> TraitLabels | None:
        """Binary attributes in the order of `examples(split)`; None when there are none."""

    def position_labels(self, split: str) -> PositionLabels | None:
        """Classes of positions in the order of `examples(split)`; None when there are none."""


class Backbone(Protocol):
    """A frozen model. The factory is called as `factory(config, device=...)`."""

    @property
    def layers(self) -> Sequence[str]:
        """Ids of the layers that can be asked for, from input to output."""

    @property
    def default_layer(self) -> str: ...

    def feature_spec(self, layer: str) -> FeatureSpec: ...

    def positions_per_example(self, layer: str) -> int: ...

    def __call__(self, examples: Sequence[Example], layers: Sequence[str]) -> Mapping[str, Tensor]:
        """One forward pass: float32 [B, P, D] per layer, positions row-major, on any device.

        Raises DataError for an example of the wrong modality.
        """


class ScoreMatrix(Protocol):
    """Scores of one scorer on one split: a row per example or, when nothing was pooled, per position.

    Any of the three ways to read them gives the same scores; `format` says which are cheap.
    """

    @property
    def format(self) -> Literal["dense", "sparse"]:
        """`dense`: read `rows` or a `block`; `sparse`: most scores are 0, read `entries`."""

    @property
    def n_examples(self) -> int:
        """Rows: examples, or positions of examples when nothing was pooled."""

    @property
    def n_prototypes(self) -> int: ...

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [stop - start, prototypes] of rows [start, stop)."""

    def entries(self, start: int, stop: int) -> ScoreEntries:
        """The scores of rows [start, stop) that are not 0."""

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """Scores [rows, stop - start] of prototypes [start, stop); of sparse ones it takes a pass each."""


class ProbeSplit(Protocol):
    """What a probe sees of one split."""

    @property
    def scores(self) -> Mapping[str, ScoreMatrix]:
        """By row name: `method`, and the nulls `gaussian` and `activations`."""

    @property
    def traits(self) -> TraitLabels:
        """Labels of the rows of the scores; of positions, whether each is of a class."""


class Probe(Protocol):
    """Labels and scores in, tables out. The factory is called as `factory(config)`.

    Whatever is selected is selected on `train`; whatever is reported is measured on `test`.
    """

    def __call__(self, train: ProbeSplit, test: ProbeSplit, seed: int) -> ProbeResult: ...


class Tracker(Protocol):
    """Observes a run, and changes nothing of it. The factory is called as `factory(config)`.

    A factory that raises refuses the run. Later, a tracker that raises is dropped with a warning.
    """

    def start(self, run_directory: Path, name: str, config: Mapping[str, Any]) -> None:
        """Begin to watch, once; a run that was interrupted starts again with the same arguments."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Metrics of a training step. Steps do not decrease, save that a resumed run repeats some."""

    def summarize(self, metrics: Mapping[str, float]) -> None:
        """Numbers of the run as a whole, such as `map/method`."""

    def artifact(self, name: str, path: Path) -> None:
        """A finished file of the run; `name` says what it is: `report`."""

    def finish(self, ok: bool) -> None:
        """Stop watching; `ok` is false when the run failed or was interrupted."""


@runtime_checkable
class HistogramTracker(Protocol):
    """A tracker that can show histograms too."""

    def log_histograms(self, step: int, histograms: Mapping[str, Histogram]) -> None:
        """Histograms of a training step, told after its metrics."""
