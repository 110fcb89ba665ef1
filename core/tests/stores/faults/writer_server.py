"""Writes stores in forked children, which may be killed, die or meet a failing disk on the way.

Forking from a process that has imported everything makes a kill land in the write, not in imports.
It reads a request of JSON per line (see `Request`), says the pid of the child, waits for a line, and
says how the child ended.
"""

import json
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import torch
from failing_disk import FailingDisk

from traits_core.errors import TraitsError
from traits_core.registry.loader import load_registry
from traits_core.stores.backends import chunk_io
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import structure
from traits_core.stores.writer import StoreWriter

BATCH = 3
chunk_io.PAST_CACHE_FROM = 0  # stores of scores stand for large ones


@dataclass
class Request:
    """Write the missing rows before `stop` of a store; None finishes it."""

    root: str
    header: dict
    stop: int | None = None
    at: int = 0
    """The change of the disk that fails; 0 means none."""
    failure: str = "EIO"
    forever: bool = False


def rows(header, start, stop):
    """What the store holds: no two values are the same, none is zero."""
    index = torch.arange(start, stop, dtype=torch.float32)[:, None] + 1
    return {a.name: index * 10 + torch.arange(1, a.columns + 1) for a in header.arrays}


def write(request, storage):
    header = structure(request.header, StoreHeader)
    stop = header.rows if request.stop is None else request.stop
    with StoreWriter(Path(request.root), header, storage) as writer:
        for gap in writer.gaps():
            for start in range(gap.start, min(gap.stop, stop), BATCH):
                writer.append(rows(header, start, min(start + BATCH, gap.stop, stop)))
            if gap.stop > stop:
                return
        writer.finish()


def child(request, storage, reply):
    """Write, and say into `reply` how that went and how many changes it took."""
    disk = FailingDisk(request.at, request.failure, request.forever)
    disk.install()
    try:
        write(request, storage)
        error = None
    except TraitsError as raised:
        error = f"{type(raised).__name__}: {raised}"
    except BaseException:  # what the product must not raise
        error = traceback.format_exc()
    disk.failure = "none"
    reply.write(json.dumps({"error": error, "steps": disk.count}))
    reply.flush()
    os._exit(0)


def main():
    registry = load_registry()
    storages = {}
    for spec in registry.specs("storage"):
        storages[spec.name] = spec.load()(spec.config())
    print("ready", flush=True)
    for line in sys.stdin:
        request = Request(**json.loads(line))
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            child(request, storages[request.header["storage"]], os.fdopen(writer, "w"))
        os.close(writer)
        print(pid, flush=True)
        sys.stdin.readline()  # until then a dead child keeps its pid
        with os.fdopen(reader) as reply:
            answer = reply.read()
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        print(json.dumps({"code": code, **json.loads(answer or "{}")}), flush=True)


if __name__ == "__main__":
    main()
