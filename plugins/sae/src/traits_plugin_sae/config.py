"""The options of sparse autoencoders."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs
from attrs.validators import and_, deep_iterable, ge, gt, in_, le, optional

from traits_core import option

at_least_one = ge(1)
fraction = and_(ge(0.0), le(1.0))


@attrs.frozen
class SaeConfig:
    """Options of the method `sae`; the README says what each is for."""

    architecture: Literal["topk", "batchtopk", "relu", "jumprelu", "gated"] = option(
        "topk",
        help="how it is decided which latents are active; the README compares them",
        validator=in_(("topk", "batchtopk", "relu", "jumprelu", "gated")),
    )
    n_latents: int | None = option(
        None,
        help="number of prototypes (default: half the square of the width, at most 4096)",
        validator=optional(at_least_one),
    )
    k: int | None = option(
        None,
        help="topk, batchtopk, jumprelu: active latents per row, the last two on average "
        "(default: a quarter of the width, at most 32)",
        validator=optional(at_least_one),
    )
    prefixes: tuple[int, ...] = option(
        (),
        help="topk, batchtopk: increasing widths of nested dictionaries that reconstruct too",
        validator=deep_iterable(at_least_one),
    )
    penalty: float | None = option(
        None,
        help="weight of sparsity in the loss: relu, gated (default: 0.03), jumprelu (default: 1)",
        validator=optional(and_(ge(0.0), le(1e6))),
    )
    bandwidth: float = option(
        0.02,
        help="jumprelu: width of the window in which values move a threshold, in units of the scale",
        validator=and_(gt(0.0), le(1e6)),
    )
    steps: int = option(
        2000,
        help="optimiser steps at least: passes are made until there are as many",
        validator=at_least_one,
    )
    max_epochs: int | None = option(
        None,
        help="passes over the training rows (default: as many as the steps take)",
        validator=optional(at_least_one),
    )
    step_rows: int = option(
        2048,
        help="rows of one optimiser step at most: batches of the stream are split",
        validator=at_least_one,
    )
    learning_rate: float | None = option(
        None,
        help="of Adam, at its highest (default: from the latents and the steps)",
        validator=optional(and_(gt(0.0), le(1.0))),
    )
    warm_up: float = option(
        0.05, help="fraction of the steps in which the learning rate rises", validator=fraction
    )
    decay: float = option(
        0.2, help="fraction of the steps, the last, in which it falls to 0", validator=fraction
    )
    sparsity_warm_up: float = option(
        0.1, help="fraction of the steps in which the penalty rises", validator=fraction
    )
    precision: Literal["float32", "bfloat16"] = option(
        "float32",
        help="topk, batchtopk: in which latents are chosen; bfloat16 only where the hardware has it",
        validator=in_(("float32", "bfloat16")),
    )
    clip: float = option(
        1.0, help="gradients are scaled down to this norm at most", validator=gt(0.0)
    )
    decoder_norms: Literal["unit", "free"] = option(
        "unit",
        help="length of decoder rows: 1, or learned (relu), their lengths weighing the penalty",
        validator=in_(("unit", "free")),
    )
    ema: int = option(
        0,
        help="the scorer takes weights averaged over about so many steps; 0: the last weights",
        validator=ge(0),
    )
    center: Literal["median", "mean", "zero"] = option(
        "median",
        help="where the decoder's bias starts: geometric median or mean of the sample, or 0",
        validator=in_(("median", "mean", "zero")),
    )
    start: Literal["random", "rows"] = option(
        "rows",
        help="where decoder rows start: random directions, or those of rows of the sample",
        validator=in_(("random", "rows")),
    )
    auxiliary: float = option(
        1 / 32,
        help="weight of the loss by which dead latents learn what the others leave; 0: none",
        validator=and_(ge(0.0), le(1e6)),
    )
    resample_every: int | None = option(
        None,
        help="steps after which dead latents move to large errors (default: from the steps; 0: never)",
        validator=optional(ge(0)),
    )
    dead_after: int | None = option(
        None,
        help="steps without a positive row from which a latent is dead (default: from the steps)",
        validator=optional(at_least_one),
    )
    spike: float = option(
        100.0,
        help="stop when the loss is more than this many times its median of the last 64 steps",
        validator=gt(1.0),
    )
    checkpoint: Path | None = option(
        None,
        help="take this autoencoder, of any known format, as it is: nothing is trained",
        contents=True,
    )
    sample_rows: int = option(
        16384, help="training rows that the start is measured on", validator=at_least_one
    )
