"""Writing 100,000 x 4096 float32 scores while they are computed.

The floor is the slower of the two alone: the computing, which takes all cores, or plain files of the
same bytes, flushed to the disk one after another. The peer computes, and has a thread that writes such
files: no layout, no check of a value, no checksum, no manifest.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import torch
from store_cases import data
from store_cases.timing import Line, Work, in_turn
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


def same_scores() -> Iterator[Tensor]:
    """As many batches that cost nothing."""
    scores_bk = torch.ones(BATCH, COLUMNS)
    return (scores_bk[: ROWS - first] for first in range(0, ROWS, BATCH))


def compute() -> None:
    """The computing alone."""
    for _ in scores():
        pass


def write(path: Path, scores_bk: Tensor) -> None:
    """One plain file, flushed."""
    with path.open("wb", buffering=0) as file:
        file.write(scores_bk.numpy().data)
        os.fsync(file.fileno())


def disk(directory: Path) -> None:
    """The writing alone."""
    for number, scores_bk in enumerate(same_scores()):
        write(directory / str(number), scores_bk)


def bare(directory: Path) -> None:
    """The least that overlaps both."""
    last: Future[None] | None = None
    with ThreadPoolExecutor(1) as thread:
        for number, scores_bk in enumerate(scores()):
            if last is not None:
                last.result()
            last = thread.submit(write, directory / str(number), scores_bk)


def store(directory: Path, storage: str) -> None:
    """Our own writer."""
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
    """raw and zarr beside the bare loop, and both halves alone."""
    root = directory / "writing"
    works: dict[str, Work] = {
        "computing": compute,
        "plain files": lambda: disk(root),
        "bare": lambda: bare(root),
        "raw": lambda: store(root, "raw"),
        "zarr": lambda: store(root, "zarr"),
    }
    times = in_turn(works, repeats, before=lambda: fresh(root))
    shutil.rmtree(root)
    for metric, of in (("best", min), ("median", statistics.median)):
        taken = {name: of(values) for name, values in times.items()}
        floor = max(taken["computing"], taken["plain files"])
        for name in ("computing", "plain files"):
            yield Line(
                case=f"1.6 GB of scores: {name} alone", metric=metric, unit="s", ours=taken[name]
            )
        for name in ("raw", "zarr"):
            yield Line(
                case=f"{name}, 1.6 GB of scores written while they are computed",
                metric=metric,
                unit="s",
                ours=taken[name],
                peer="a thread that writes plain files",
                theirs=taken["bare"],
                ratio=taken["bare"] / taken[name],
                floor=floor,
                of_floor=floor / taken[name],
            )
