"""Reading 262,144 x 768 float16 in batches of 8192 float32 rows, in order and shuffled.

Every loop does the same work and gives the same kind of batch, in memory of its own. Shuffled: random
blocks of 4096 rows, eight to a window, its rows permuted. The floor, of both, converts a mapped file
in order, into one tensor that is never given away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import zarr
from store_cases import data, saev_peer
from store_cases.timing import Line, Work, in_turn, speeds

from traits_core.progress import Silent
from traits_core.stores.files import checksum
from traits_core.stores.reader import Store
from traits_core.stores.verifying.store import Depth, verify_store
from traits_core.streaming.ordered import ordered_batches
from traits_core.streaming.shuffle import ShuffledStream

ROWS: Final = 262_144
BATCH: Final = 8192
CHUNK: Final = 4096
WINDOW: Final = 8
NPZ_PART: Final = 8
"""The compressed peer gets an eighth of the rows, and its time is multiplied."""
DELIVERED_MB: Final = ROWS * data.COLUMNS * 4 / 1e6

Read = Callable[[int, int], np.ndarray]


def in_order(read: Read, rows: int = ROWS) -> None:
    """The bare loop over ordered rows."""
    for first in range(0, rows, BATCH):
        read(first, first + BATCH).astype(np.float32)


def shuffled(read: Read, rows: int = ROWS) -> None:
    """The bare loop over shuffled rows."""
    generator = np.random.default_rng(0)
    chunks = generator.permutation(rows // CHUNK) * CHUNK
    for first in range(0, len(chunks), WINDOW):
        window_nd = np.concatenate([read(c, c + CHUNK) for c in chunks[first : first + WINDOW]])
        order = generator.permutation(len(window_nd))
        for start in range(0, len(order), BATCH):
            window_nd[order[start : start + BATCH]].astype(np.float32)


def floor(acts_nd: np.memmap) -> None:
    """A mapped file through torch's conversion into one tensor: no shuffle, no memory of its own."""
    batch_bd = torch.empty(BATCH, data.COLUMNS)
    for first in range(0, ROWS, BATCH):
        batch_bd.copy_(torch.from_numpy(acts_nd[first : first + BATCH]))


def compressed(directory: Path, rows: int) -> Read:
    """Write the rows as compressed npz files of 4096 rows; returns how to read them."""
    directory.mkdir()
    acts_nd = data.block().numpy()
    for chunk in range(rows // CHUNK):
        first = chunk * CHUNK % len(acts_nd)
        np.savez_compressed(directory / f"{chunk}.npz", activations=acts_nd[first : first + CHUNK])

    def read(start: int, stop: int) -> np.ndarray:
        files = range(start // CHUNK, stop // CHUNK)
        return np.concatenate([np.load(directory / f"{i}.npz")["activations"] for i in files])

    return read


def drained(batches: Iterator[Any]) -> None:
    """Read to the end, and keep nothing."""
    for _ in batches:
        pass


def ours(store: Store, kind: str) -> Work:
    """Our own loop."""
    if kind == "shuffled":
        return lambda: drained(ShuffledStream(store, "0", BATCH, 0, WINDOW).batches(0))
    return lambda: drained(ordered_batches(store, "0", BATCH))


def cases(directory: Path, repeats: int) -> Iterator[Line]:
    """raw and zarr beside numpy's memmap, zarr-python, compressed npz and saev's loaders."""
    stores = {name: data.activations(directory / name, name, ROWS) for name in ("raw", "zarr")}
    plain_nd = data.plain_file(directory / "plain.f16", ROWS)
    array: Any = zarr.open_array(stores["zarr"].root / "arrays/0", mode="r")
    npz = compressed(directory / "npz", ROWS // NPZ_PART)
    for kind, loop in (("ordered", in_order), ("shuffled", shuffled)):
        works: dict[str, Work] = {
            "numpy memmap loop": lambda loop=loop: loop(lambda a, b: plain_nd[a:b]),
            "raw": ours(stores["raw"], kind),
            "zarr": ours(stores["zarr"], kind),
            "floor": lambda: floor(plain_nd),
            "zarr-python": lambda loop=loop: loop(lambda a, b: np.asarray(array[a:b])),
            "compressed npz": lambda loop=loop: loop(npz, ROWS // NPZ_PART),
        }
        times = in_turn(works, repeats)
        times["compressed npz"] = [NPZ_PART * seconds for seconds in times["compressed npz"]]
        times["saev's loader"] = saev_peer.seconds(directory, kind, BATCH, ROWS)
        peers = {name: times[name] for name in times if name not in ("raw", "zarr", "floor")}
        for name in ("raw", "zarr"):
            case = f"{name}, {kind}"
            yield from speeds(case, DELIVERED_MB, times[name], peers, times["floor"])
    yield from verifying(stores, repeats)


def verifying(stores: Mapping[str, Store], repeats: int) -> Iterator[Line]:
    """`traits verify --full` beside reading the same rows; the floor is the checksum of the files."""
    jobs = sorted({1, Depth().jobs})
    for name, store in stores.items():
        files = [store.root / file.name for commit in store.shards for file in commit.files]
        works: dict[str, Work] = {
            "reading": ours(store, "ordered"),
            "floor": lambda files=files: [checksum(file) for file in files],
        }
        works |= {str(n): lambda store=store, n=n: verified(store, n) for n in jobs}
        times = in_turn(works, repeats)
        peers = {"reading it in order": times["reading"]}
        for n in jobs:
            case = f"{name}, verified in full, {n} thread{'s' * (n > 1)}"
            yield from speeds(case, DELIVERED_MB, times[str(n)], peers, times["floor"])


def verified(store: Store, jobs: int) -> None:
    """Verify all values."""
    report = verify_store(store.root, data.registry(), Depth(full=True, jobs=jobs), Silent())
    assert not report.findings
