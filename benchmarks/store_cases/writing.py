"""Writing 100,000 x 4096 float32 scores while they are computed.

The floor is the slower of the two alone: the computing, or plain files of the same bytes, flushed to
the disk in pieces of a shard. The peer computes and writes such files in turn.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
from store_cases import data
from store_cases.timing import Line, in_turn
from torch import Tensor

ROWS: Final = 100_000
COLUMNS: Final = 4096
BATCH: Final = 8192


def scores() -> Iterator[Tensor]:
    """Score batches of activations by 4096 directions: float32 [B, 4096]."""
    generator = torch.Generator().manual_seed(0)
    acts_bd = torch.randn(BATCH, data.COLUMNS, generator=generator)
    directions_dk = torch.randn(data.COLUMNS, COLUMNS, generator=generator)
    for first in range(0, ROWS, BATCH):
        yield (acts_bd[: ROWS - first] @ directions_dk).relu_()


def compute() -> None:
    """The computing alone."""
    for _ in scores():
        pass


def plain(directory: Path, batches: Iterator[Tensor]) -> None:
    """One plain file per batch, flushed."""
    fresh(directory)
    for number, scores_bk in enumerate(batches):
        with (directory / str(number)).open("wb") as file:
            file.write(scores_bk.numpy().data)
            os.fsync(file.fileno())


def same_scores() -> Iterator[Tensor]:
    """As many batches that cost nothing."""
    scores_bk = torch.ones(BATCH, COLUMNS)
    return (scores_bk[: ROWS - first] for first in range(0, ROWS, BATCH))


def store(directory: Path, storage: str) -> None:
    """Our own writer."""
    fresh(directory)
    head = data.header(storage, "scores", "float32", ROWS, COLUMNS)
    with data.writer(directory, head) as out:
        for scores_bk in scores():
            out.append({"0": scores_bk})
        out.finish()


def fresh(directory: Path) -> None:
    """An empty directory, and a disk that has nothing else to write."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    os.sync()


def cases(directory: Path, repeats: int) -> Iterator[Line]:
    """raw and zarr beside computing and writing in turn."""
    root = directory / "writing"
    times = in_turn(
        {
            "compute": compute,
            "disk": lambda: plain(root, same_scores()),
            "in turn": lambda: plain(root, scores()),
            "raw": lambda: store(root, "raw"),
            "zarr": lambda: store(root, "zarr"),
        },
        max(1, repeats // 2),
    )
    shutil.rmtree(root)
    for metric, of in (("best", min), ("median", statistics.median)):
        best = {name: of(values) for name, values in times.items()}
        floor = max(best["compute"], best["disk"])
        for name in ("raw", "zarr"):
            yield Line(
                case=f"{name}, 1.6 GB of scores written while they are computed",
                metric=metric,
                unit="s",
                ours=best[name],
                peer="computing and writing plain files in turn",
                theirs=best["in turn"],
                ratio=best["in turn"] / best[name],
                floor=floor,
                of_floor=floor / best[name],
            )
