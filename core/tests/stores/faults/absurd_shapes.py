"""Run by test_hostile.py: open, read and verify stores of absurd shapes, with little memory."""

import json
import resource
import sys
from pathlib import Path

import attrs

from traits_core.errors import TraitsError
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.stores.commit import CREATION, ArrayStats, Commit
from traits_core.stores.files import describe
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import structure
from traits_core.stores.manifest_lines import encode_line
from traits_core.stores.reader import open_store
from traits_core.stores.verifying.store import Depth, verify_store

HUGE = 8 * 10**12
SPARE = 256 * 2**20


def headers(header):
    """What a hostile header may claim while every rule of `StoreHeader` holds."""
    one = attrs.evolve(header, arrays=header.arrays[:1])
    wide = attrs.evolve(one.arrays[0], columns=HUGE)
    return {
        "many shards": attrs.evolve(one, rows=HUGE),
        "one shard": attrs.evolve(one, rows=HUGE, rows_per_shard=HUGE),
        "wide rows": attrs.evolve(one, arrays=(wide,), rows=8, positions=1),
        "wide rows of many": attrs.evolve(one, arrays=(wide,)),
        "one example": attrs.evolve(one, rows=HUGE, positions=HUGE, rows_per_shard=HUGE),
        "beyond 64 bits": attrs.evolve(one, rows=8 * 10**30, rows_per_shard=8 * 10**30),
    }


def forge(root, header, storage):
    """A store that says it is complete when it has one shard, and holds one small file of it."""
    root.mkdir()
    (root / "store.json").write_text(json.dumps(attrs.asdict(header)))
    lines = []
    try:
        storage.create(root, header)
        beside = [p.relative_to(root).as_posix() for p in root.rglob("*.json")]
    except (TraitsError, OSError, ValueError, OverflowError):  # zarr itself has limits
        beside = []
    files = tuple(describe(root, name) for name in sorted(beside) if name != "store.json")
    lines.append(Commit(shard=CREATION, row_start=0, rows=0, files=files, arrays={}))
    chunk = root / "arrays/low/c/0/0"
    chunk.parent.mkdir(parents=True, exist_ok=True)
    chunk.write_bytes(b"\1" * 100)
    stats = ArrayStats(n_nan=0, n_inf=0, min=0.0, max=1.0, absmax=1.0)
    files = (describe(root, "arrays/low/c/0/0"),)
    rows = header.shard_rows(0)
    lines.append(Commit(shard=0, row_start=0, rows=rows, files=files, arrays={"low": stats}))
    (root / "manifest.jsonl").write_bytes(b"".join(encode_line(c, header) for c in lines))


def attempt(root, registry):
    try:
        store = open_store(root, registry)
        n = min(4, store.header.rows)
        store.read("low", store.header.rows - n, store.header.rows, slice(0, 2))
    except TraitsError as error:
        return f"{type(error).__name__}: {error}"
    return "read "


def main():
    place = Path(sys.argv[1])
    header = structure(json.loads(sys.argv[2]), StoreHeader)
    registry = load_registry()
    spec = registry.get("storage", header.storage)
    storage = spec.load()(spec.config())
    for number, hostile in enumerate(headers(header).values()):
        forge(place / str(number), hostile, storage)
    verify_store(place / "0", registry, Depth(jobs=1), Silent())  # imports what it needs
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + SPARE, used + SPARE))
    outcomes = {}
    for number, name in enumerate(headers(header)):
        root = place / str(number)
        report = verify_store(root, registry, Depth(full=True, jobs=1), Silent())
        outcomes[name] = {
            "opened": attempt(root, registry),
            "severities": [finding.severity for finding in report.findings],
            "what": [finding.what for finding in report.findings],
        }
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
