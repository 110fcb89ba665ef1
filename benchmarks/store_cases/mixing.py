"""How well the block shuffle mixes: the entropy of the examples in a batch, beside a uniform shuffle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from store_cases import data
from store_cases.timing import Line

from traits_core.streaming.mixing import measure_mixing
from traits_core.streaming.shuffle import ShuffledStream

ROWS = 262_144


def cases(directory: Path, repeats: int) -> Iterator[Line]:
    """Windows of 8 chunks, the default, and more; all of it in memory at 64."""
    del repeats
    store = data.activations(directory / "mixing", "raw", ROWS)
    for window in (1, 8, 32, 64):
        mixing = measure_mixing(ShuffledStream(store, "0", 8192, 0, window_chunks=window))
        yield Line(
            case=f"window of {window} chunks of 4096 rows, {data.POSITIONS} positions an example",
            metric="batch entropy over examples",
            unit="bits",
            ours=mixing.stream,
            peer="uniform shuffle",
            theirs=mixing.uniform,
            ratio=mixing.ratio,
        )
