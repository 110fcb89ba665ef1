"""Run by test_kill.py: for each store named on stdin, fork a child that writes it, and say its pid.

Forking from a process that has imported everything makes a kill land in the write, not in imports.
"""

import json
import os
import sys
from pathlib import Path

import torch

from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import structure
from traits_core.stores.writer import StoreWriter
from traits_core.stores.zarr_config import ZarrConfig
from traits_core.stores.zarr_storage import ZarrStorage


def rows(header: StoreHeader, start: int, stop: int) -> dict[str, torch.Tensor]:
    index = torch.arange(start, stop, dtype=torch.float32)[:, None] + 1
    return {a.name: index * torch.arange(1, a.columns + 1) for a in header.arrays}


def write(root: Path, header: StoreHeader) -> None:
    with StoreWriter(root, header, ZarrStorage(ZarrConfig())) as writer:
        for start in range(writer.committed_rows, header.rows, 3):
            writer.append(rows(header, start, min(start + 3, header.rows)))
        writer.finish()


def main() -> None:
    header = structure(json.loads(sys.argv[1]), StoreHeader)
    os.fsync = lambda handle: None  # SIGKILL loses nothing that the kernel has
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            write(Path(line.strip()), header)
            os._exit(0)
        print(pid, flush=True)
        sys.stdin.readline()  # until then a dead child keeps its pid
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
