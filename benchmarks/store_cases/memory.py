"""The most memory that a shuffled pass takes, in a process of its own, above what its imports take."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from store_cases import data
from store_cases.timing import Line

GIGABYTES: Final = 4
ROWS: Final = int(GIGABYTES * 1e9 / (2 * data.COLUMNS)) // data.BLOCK_ROWS * data.BLOCK_ROWS
SCRIPT: Final = """
import sys
from pathlib import Path
from store_cases.memory import peak_of_a_pass
print(peak_of_a_pass(Path(sys.argv[1])))
"""


def peak_of_a_pass(root: Path) -> float:
    """MB that one shuffled pass adds to the peak of this process."""
    from traits_core.stores.reader import open_store
    from traits_core.streaming.shuffle import ShuffledStream

    registry = data.registry()
    for name in ("raw", "zarr"):
        registry.get("storage", name).load()
    before = _status("VmRSS")
    store = open_store(root, registry)
    for _ in ShuffledStream(store, "0", 8192, 0).batches(0):
        pass
    return (_status("VmHWM") - before) / 1e6


def cases(directory: Path, repeats: int) -> Iterator[Line]:
    """A store of 4 GB in each storage; one pass says it."""
    del repeats
    for name in ("raw", "zarr"):
        data.activations(directory / f"{name}-large", name, ROWS)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(directory / f"{name}-large")],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        yield Line(
            case=f"{name}, shuffled pass over {GIGABYTES} GB",
            metric="peak memory above the imports",
            unit="MB",
            ours=float(done.stdout),
        )
        shutil.rmtree(directory / f"{name}-large")


def _status(field: str) -> int:
    """Bytes of this process: `VmRSS` that are in memory, `VmHWM` the most there were.

    The peak of getrusage would be that of the process that started this one, where it was larger.
    """
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(text.partition(f"{field}:")[2].split()[0])
