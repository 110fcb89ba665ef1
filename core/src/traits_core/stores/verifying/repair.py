"""Taking what is damaged out of a store, so that the command that wrote it can write it again.

Nothing is deleted but what a writer would delete: damaged files, the manifest as it was, and files
that belong to nobody go to `quarantine/<n>/`, under the names that they had.
"""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import attrs

from traits_core.durable import sync_file
from traits_core.errors import StoreError
from traits_core.progress import Progress
from traits_core.registry.plugins import Registry
from traits_core.stores.files import QUARANTINE
from traits_core.stores.json_records import HEADER_FILE
from traits_core.stores.lock import locked
from traits_core.stores.manifest_lines import MANIFEST_FILE, Line, replace_lines
from traits_core.stores.ownership import clear_staging, leftovers
from traits_core.stores.verifying.files import list_files, strays
from traits_core.stores.verifying.findings import Report, Severity
from traits_core.stores.verifying.manifest import Record, read_record
from traits_core.stores.verifying.store import Depth, verify_store


def repair_store(root: Path, registry: Registry, depth: Depth, progress: Progress) -> Report:
    """Verify a store, take out what is damaged, and report what remains to be done.

    The manifest loses the lines of damaged shards first, in one step: whenever this is interrupted,
    what the manifest vouches for is right, and repairing again goes on. A store that cannot be read
    is left as it is.

    Raises BusyError while another process writes the store, StoreError when it cannot be locked,
    OSError when the disk fails.
    """
    if not (root / HEADER_FILE).exists():
        return verify_store(root, registry, depth, progress)
    with locked(root):
        before = verify_store(root, registry, depth, progress)
        if before.clean or not before.readable:
            return before
        lost = {
            f.shard
            for f in before.findings
            if f.severity is Severity.DAMAGED and f.shard is not None
        }
        repaired = _take_out(root, lost)
        after = verify_store(root, registry, attrs.evolve(depth, full=False), progress)
    return attrs.evolve(after, checked=before.checked, repaired=tuple(repaired))


def _take_out(root: Path, lost: set[int]) -> list[str]:
    record = read_record(root)
    place = _new_place(root)
    done = []
    kept = [line for line in _good(record) if line.commit and line.commit.shard not in lost]
    if len(kept) < len(record.lines):
        (place / MANIFEST_FILE).write_bytes(b"".join(line.text for line in record.lines))
        sync_file(place / MANIFEST_FILE)
        replace_lines(root, kept)
        done.append(f"dropped {len(record.lines) - len(kept)} lines of {MANIFEST_FILE}")
    unfinished = leftovers(root)
    clear_staging(root)
    done += [f"deleted {path.name}" for path in unfinished]
    stray = strays(list_files(root), read_record(root))
    for name in stray:
        _move(root, place, name)
        done.append(f"moved {name} to {QUARANTINE}/{place.name}/")
    _remove_empty(root)
    return done


def _good(record: Record) -> list[Line]:
    refused = {line.number for line in record.refused}
    return [line for line in record.lines if line.number not in refused]


def _new_place(root: Path) -> Path:
    """A directory of quarantine that no earlier repair has used."""
    if (root / QUARANTINE).is_symlink():
        raise StoreError(f"{root / QUARANTINE} is a symbolic link: remove it")
    numbered = (root / QUARANTINE / str(number) for number in count(1))
    place = next(place for place in numbered if not place.exists())
    place.mkdir(parents=True)
    return place


def _move(root: Path, place: Path, name: str) -> None:
    target = place / name
    target.parent.mkdir(parents=True, exist_ok=True)
    (root / name).rename(target)


def _remove_empty(root: Path) -> None:
    """Remove directories without a file: one may stand where a file belongs."""
    for directory, _, _ in os.walk(root, topdown=False):
        if Path(directory) != root and not any(Path(directory).iterdir()):
            Path(directory).rmdir()
