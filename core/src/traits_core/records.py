"""The values that cross the boundary between plugins and the core: frozen, validated, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from traits_core.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


@attrs.frozen(kw_only=True)
class FeatureSpec:
    """Which vector an activation is. A scorer refuses activations whose spec is not its own.

    Parameters
    ----------
    backbone: name of the backbone
    checkpoint: digest of its weights (contents, never a path)
    layer: layer id, as the backbone names it
    d_model: length of the vector
    position: what one position is: `cell`, `patch`, `cls` or `token`
    grid: (rows, columns) of the positions of one image, row-major; None when they form no grid
    preprocessing: how an example becomes the model's input, e.g. `resize 128x128, (x-127)/128`
    """

    backbone: str
    checkpoint: str
    layer: str
    d_model: int
    position: str
    grid: tuple[int, int] | None
    preprocessing: str


@attrs.frozen(kw_only=True, eq=False)
class Example:
    """One image or one text sequence; exactly one of `image` and `text` is set.

    Parameters
    ----------
    id: unique within its split
    image: uint8 [height, width, 3], RGB
    text: the text of the sequence
    spans: where the tokens of the text are that position labels are about, as (start, end) characters;
        a backbone refuses a text that it cuts into others. None when no labels depend on it
    caption: a few words that name the example to people
    """

    id: str
    image: NDArray[np.uint8] | None = None
    text: str | None = None
    spans: tuple[tuple[int, int], ...] | None = None
    caption: str = ""


@attrs.frozen(kw_only=True, eq=False)
class TraitLabels:
    """Binary attributes of the examples of one split.

    Parameters
    ----------
    labels_nt: bool [examples, traits]
    names: a name per trait
    groups: the group that each trait belongs to, e.g. `colour`

    Raises DataError when the shapes disagree or the labels are not boolean.
    """

    labels_nt: NDArray[np.bool_]
    names: tuple[str, ...]
    groups: tuple[str, ...]

    def __attrs_post_init__(self) -> None:
        if self.labels_nt.ndim != 2 or self.labels_nt.dtype != bool:
            raise DataError(
                "trait labels must be a boolean array [examples, traits], "
                f"got {self.labels_nt.dtype} {self.labels_nt.shape}"
            )
        n_traits = self.labels_nt.shape[1]
        if not n_traits == len(self.names) == len(self.groups):
            raise DataError(
                f"{n_traits} columns of trait labels, {len(self.names)} names, "
                f"{len(self.groups)} groups: these must be equal"
            )


@attrs.frozen(kw_only=True, eq=False)
class PositionLabels:
    """A class for each position of the examples of one split.

    Parameters
    ----------
    labels_np: integer [examples, positions], indices into `class_names`
    class_names: a name per class
    ignore: classes that probes leave out, e.g. 0 for "unlabelled"
    """

    labels_np: NDArray[np.integer[Any]]
    class_names: tuple[str, ...]
    ignore: tuple[int, ...] = ()


@attrs.frozen(kw_only=True, eq=False)
class AffineParts:
    """A scorer as an affine map and back, which is how sparse autoencoders are exchanged.

    Latents are `(x - shift) @ encoder + bias`, and the reconstruction `latents @ decoder + shift`.
    Where scores are not affine, latents rank the prototypes of an activation as the scores do.

    Parameters
    ----------
    encoder_dk: float32
    bias_k: float32
    decoder_kd: float32; a row per prototype
    shift_d: float32
    """

    encoder_dk: Tensor
    bias_k: Tensor
    decoder_kd: Tensor
    shift_d: Tensor


@attrs.frozen(kw_only=True, eq=False)
class ScoreEntries:
    """The scores of some rows that are not 0, in compressed sparse rows (CSR); all others are 0.

    Parameters
    ----------
    offsets: int64 [rows + 1]; row i has the entries [offsets[i], offsets[i + 1])
    prototypes: int32 [entries]; no prototype stands twice in a row
    values: float32 [entries]

    Raises DataError when these do not fit together.
    """

    offsets: NDArray[np.int64]
    prototypes: NDArray[np.int32]
    values: NDArray[np.float32]

    def __attrs_post_init__(self) -> None:
        n = len(self.values)
        if (
            not len(self.offsets)
            or self.offsets[0] != 0
            or not self.offsets[-1] == n == len(self.prototypes)
        ):
            raise DataError(
                f"score entries: {len(self.offsets)} offsets, {len(self.prototypes)} prototypes, "
                f"{n} values; offsets must go from 0 to the number of both"
            )


@attrs.frozen(kw_only=True)
class Histogram:
    """How many values fall into each of equal bins between `low` and `high`."""

    low: float
    high: float
    counts: tuple[int, ...]


Table = tuple[Mapping[str, Any], ...]
"""A tidy table: rows that share their keys, with plain JSON values."""


@attrs.frozen(kw_only=True)
class ProbeResult:
    """What a probe found.

    Parameters
    ----------
    headline: the table that sums the result up: one row per scorer and null. Column `row` names it
        (`constant`, `permuted`, `gaussian`, `activations`, `method`), column `map` is the result.
        Columns are shown in their order, the most telling first: as many as fit.
    tables: further tidy tables by name, e.g. `traits` with a row per (row, trait)
    """

    headline: Table
    tables: Mapping[str, Table] = attrs.field(factory=dict)
