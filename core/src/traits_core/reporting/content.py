"""What a report shows, as plain frozen values: whoever fills these needs to know nothing of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np

from traits_core.errors import DataError
from traits_core.records import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _is_rgb(
    exemplar: Exemplar, field: attrs.Attribute[Any], image: NDArray[np.uint8] | None
) -> None:
    if image is None:
        return
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise DataError(
            f"an exemplar's image must be uint8 [height, width, 3], got {image.dtype} {image.shape}"
        )


def _is_grid(
    exemplar: Exemplar, field: attrs.Attribute[Any], heat_hw: NDArray[np.float32] | None
) -> None:
    if heat_hw is not None and (heat_hw.ndim != 2 or not heat_hw.size):
        raise DataError(f"an exemplar's heat must be a grid [rows, columns], got {heat_hw.shape}")


@attrs.frozen(kw_only=True, eq=False)
class Exemplar:
    """A picture or a text that a prototype scores high; untrusted text.

    Parameters
    ----------
    image: uint8 [height, width, 3], RGB; None for a text
    text: None for a picture
    spans: (start, end) characters of the tokens of the text; none when they are not known
    heat_hw: the prototype's score of each position, [rows, columns] of a grid that covers the
        whole picture, or [1, tokens]; None when positions form neither. What is not finite stays clear
    caption: a few words that name it
    positive: whether it really has the trait
    score: the prototype's score of it
    """

    image: NDArray[np.uint8] | None = attrs.field(default=None, validator=_is_rgb)
    text: str | None = None
    spans: tuple[tuple[int, int], ...] = ()
    heat_hw: NDArray[np.float32] | None = attrs.field(default=None, validator=_is_grid)
    caption: str
    positive: bool
    score: float


@attrs.frozen(kw_only=True, eq=False)
class TraitPanel:
    """What the chosen prototype of one trait looks at; the exemplars come highest score first."""

    trait: str
    group: str
    prototype: int
    ap: float
    lift: float
    prevalence: float
    n_positive: int
    kind: Literal["best", "worst"]
    exemplars: tuple[Exemplar, ...]


@attrs.frozen(kw_only=True, eq=False)
class ReportContent:
    """All that one page says of one run.

    Parameters
    ----------
    title: heading of the page
    method, dataset, backbone, layer, run_name: what was run
    created: when, as people write it
    facts: label -> text, shown at the top in this order (examples per split, d_model, seed, ...)
    headline: a row per scorer and null, as in `ProbeResult`: column `row` names it, `map` is
        charted, `map_ci95_low` and `map_ci95_high` are its interval
    traits: a row per (row, trait), columns as in `ranking.TraitResult`; empty when the probe has none
    other_tables: further tables by name
    panels: what the prototypes of some traits look at
    config: the merged configuration (JSON values)
    command: the command line that repeats the run
    """

    title: str
    method: str
    dataset: str
    backbone: str
    layer: str
    run_name: str
    created: str
    facts: Mapping[str, str] = attrs.field(factory=dict)
    headline: Table = ()
    traits: Table = ()
    other_tables: Mapping[str, Table] = attrs.field(factory=dict)
    panels: tuple[TraitPanel, ...] = ()
    config: Mapping[str, Any] = attrs.field(factory=dict)
    command: str = ""
