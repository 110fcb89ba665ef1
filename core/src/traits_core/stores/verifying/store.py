"""Is a store what its manifest says? Structure and sizes always; checksums and values as far as asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import attrs

from traits_core.errors import ConfigError, StoreError
from traits_core.progress import Progress
from traits_core.registry.plugins import Registry
from traits_core.stores.commit import Commit
from traits_core.stores.lock import holder
from traits_core.stores.reader import Store
from traits_core.stores.verifying.files import file_findings, list_files, stray_findings, strays
from traits_core.stores.verifying.findings import Checked, Finding, Report, Severity, worst_first
from traits_core.stores.verifying.manifest import Record, manifest_findings, read_record
from traits_core.stores.verifying.values import open_partly, value_findings

SAMPLED_SHARDS: Final = 16
"""Unless all is asked for, one file of this many shards is compared with its checksum."""


@attrs.frozen(kw_only=True)
class Depth:
    """How much is looked at, and by how many threads."""

    full: bool = False
    jobs: int = min(4, os.cpu_count() or 1)


def verify_store(root: Path, registry: Registry, depth: Depth, progress: Progress) -> Report:
    """Look at everything in the directory of a store, and change nothing.

    Header, manifest, rows, sizes, the checksums of the files beside the shards, and files that
    belong to nobody are always checked; so is the checksum of one file in each of 16 shards, spread
    over the store. With `depth.full`: the checksum of every file, and dtype, shape and statistics of
    all values. Memory: one chunk per job.

    Whatever is wrong is a finding: nothing is raised for it.
    """
    names = list_files(root)  # before the manifest: a live writer adds to it what it has renamed
    try:
        record = read_record(root)
    except StoreError as error:
        return Report(path=root, kind="store", findings=(_unreadable(error, root),))
    findings = [*manifest_findings(record), *_around(root, names, record)]
    hashed = _hashed(record, depth)
    owners = {file.xxh3: file.name for commit in record.commits for file in commit.files}
    creation = record.manifest.creation
    beside = file_findings(root, creation, hashed, owners) if creation else []
    store = None
    if creation and not beside:
        try:
            store = open_partly(root, record, registry)
        except (StoreError, ConfigError) as error:
            findings.append(_unreadable(error, root))

    def check(commit: Commit) -> list[Finding]:
        found = file_findings(root, commit, hashed, owners)
        if store and depth.full and not found:
            found += value_findings(store, commit)
        return found

    findings += beside + _each_shard(root, record, check, depth, progress)
    return Report(
        path=root,
        kind="store",
        findings=worst_first(findings),
        checked=_checked(record, hashed, store if depth.full else None),
    )


def _around(root: Path, names: set[str], record: Record) -> list[Finding]:
    """Files that belong to nobody; while a writer is at work, they belong to it."""
    stray = strays(names, record)
    writer = holder(root) if stray else None
    if writer is None:
        return list(stray_findings(root, stray))
    what, advice = f"it is being written by {writer}", "verify it again when that has ended"
    return [Finding(severity=Severity.INCOMPLETE, what=what, advice=advice)]


def _hashed(record: Record, depth: Depth) -> set[str]:
    """The files whose checksums are compared."""
    shards = record.manifest.shards
    if depth.full:
        return {file.name for commit in record.commits for file in commit.files}
    last = len(shards) - 1
    picks = {i * last // (SAMPLED_SHARDS - 1) for i in range(SAMPLED_SHARDS)} if shards else set()
    sampled = [shards[i] for i in picks if shards[i].files]
    beside = record.manifest.creation.files if record.manifest.creation else ()
    return {
        *(file.name for file in beside),
        *(commit.files[commit.shard % len(commit.files)].name for commit in sampled),
    }


def _each_shard(
    root: Path,
    record: Record,
    check: Callable[[Commit], list[Finding]],
    depth: Depth,
    progress: Progress,
) -> list[Finding]:
    """Run `check` over all committed shards, several at once; what it finds, in their order."""
    shards = record.manifest.shards
    findings: list[Finding] = []
    with (
        ThreadPoolExecutor(depth.jobs) as pool,
        progress.track(f"verify {'/'.join(root.parts[-2:])}", len(shards), "shards") as advance,
    ):
        for found in pool.map(check, shards):
            findings += found
            advance(1)
    return findings


def _checked(record: Record, hashed: set[str], measured: Store | None) -> Checked:
    files = list(record.manifest.files)
    return Checked(
        rows=record.manifest.rows,
        shards=len(record.manifest.shards),
        files=len(files),
        bytes=sum(file.bytes for file in files),
        hashed_bytes=sum(file.bytes for file in files if file.name in hashed),
        measured_rows=record.manifest.rows if measured else 0,
    )


def _unreadable(error: StoreError | ConfigError, root: Path) -> Finding:
    what = str(error).removeprefix(f"{root}: ").removeprefix(f"{root}/")
    advice = "restore what it names, or delete the directory and run what wrote it again"
    return Finding(severity=Severity.UNREADABLE, what=what, advice=advice)
