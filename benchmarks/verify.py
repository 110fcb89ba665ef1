"""How fast stores are verified, beside reading them: every checksum, every value, one thread and several.

    python benchmarks/verify.py [--repeats 5] [--json]

262,144 x 768 float16 (403 MB), warm in the page cache. The peer is our own reading in order, which
is what training waits for; the floor copies the files of the store into one buffer.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
from store_cases import data
from store_cases.timing import Line, Work, in_turn

from traits_core.progress import Silent
from traits_core.stores.reader import Store
from traits_core.stores.verifying.store import Depth, verify_store
from traits_core.streaming.ordered import ordered_batches

ROWS: Final = 262_144
BATCH: Final = 8192
STORED_MB: Final = ROWS * data.COLUMNS * 2 / 1e6
PEER: Final = "reading in order"
FLOOR: Final = "copying the files"


def reading(store: Store) -> Work:
    """A pass over all rows, as float32 batches."""

    def work() -> None:
        for _ in ordered_batches(store, "0", BATCH):
            pass

    return work


def copying(store: Store) -> Work:
    """All bytes of the store's files into one buffer."""
    files = [store.root / file.name for commit in store.shards for file in commit.files]
    buffer = bytearray(max(path.stat().st_size for path in files))

    def work() -> None:
        for path in files:
            with path.open("rb", buffering=0) as file:
                file.readinto(buffer)

    return work


def verifying(store: Store, jobs: int) -> Work:
    """All that `traits verify --full` looks at."""
    registry = data.registry()

    def work() -> None:
        report = verify_store(store.root, registry, Depth(full=True, jobs=jobs), Silent())
        assert report.clean, report

    return work


def lines(directory: Path, repeats: int) -> Iterator[Line]:
    """Every storage, with one thread and with the default."""
    jobs = {"1 job": 1, f"{Depth().jobs} jobs": Depth().jobs}
    for storage in ("raw", "zarr"):
        store = data.activations(directory / storage, storage, ROWS)
        works = {PEER: reading(store), FLOOR: copying(store)}
        works |= {name: verifying(store, n) for name, n in jobs.items()}
        times = in_turn(works, repeats)
        for name in jobs:
            for metric, of in (("best", min), ("median", statistics.median)):
                ours, theirs, floor = (STORED_MB / of(times[n]) for n in (name, PEER, FLOOR))
                yield Line(
                    bench="verify",
                    case=f"{storage}, --full, {name}",
                    metric=metric,
                    unit="MB/s of stored bytes",
                    ours=ours,
                    peer=PEER,
                    theirs=theirs,
                    ratio=ours / theirs,
                    floor=floor,
                    of_floor=ours / floor,
                )


def main() -> None:
    """Print a line for each storage and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dir", type=Path, help="where the stores are written, and deleted again")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        for line in lines(Path(directory), options.repeats):
            if options.json:
                print(json.dumps(attrs.asdict(line)), flush=True)
            else:
                speeds = f"{line.ours:,.0f} {line.unit}, {line.peer} {line.theirs:,.0f}"
                print(f"{line.case}: {line.metric} {speeds}, ratio {line.ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
