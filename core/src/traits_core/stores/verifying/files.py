"""The files of a store against its manifest: all there, as long and as checksummed, and no others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from traits_core.stores.commit import Commit
from traits_core.stores.files import QUARANTINE, STAGING, StoredFile, checksum, size_fault
from traits_core.stores.json_records import HEADER_FILE
from traits_core.stores.lock import LOCK_FILE
from traits_core.stores.manifest_lines import MANIFEST_FILE
from traits_core.stores.ownership import leftovers
from traits_core.stores.verifying.findings import Finding, Severity
from traits_core.stores.verifying.manifest import MEND, Record

_OWN: Final = {HEADER_FILE, MANIFEST_FILE, LOCK_FILE}


def list_files(root: Path) -> set[str]:
    """Names, relative to `root`, of all that is no directory; links are not followed.

    What lies in staging directories and in quarantine is left out.
    """
    names: set[str] = set()
    for directory, directories, files in os.walk(root):
        here = Path(directory)
        links = [name for name in directories if (here / name).is_symlink()]
        if here == root:
            directories[:] = [
                name for name in directories if name != QUARANTINE and not name.startswith(STAGING)
            ]
        names.update((here / name).relative_to(root).as_posix() for name in [*files, *links])
    return names


def strays(names: set[str], record: Record) -> list[str]:
    """Which of `names` belong neither to a committed shard nor to the protocol."""
    committed = {file.name for commit in record.commits for file in commit.files}
    return sorted(names - committed - _OWN)


def stray_findings(root: Path, stray: list[str]) -> Iterator[Finding]:
    """What writers that were killed have left, and what others have put here."""
    unfinished = [path.relative_to(root).as_posix() for path in leftovers(root)]
    for name in unfinished:
        yield Finding(
            severity=Severity.LEFTOVER,
            what="a writer was killed before it committed this",
            advice="`--repair`, or the next writer, deletes it",
            file=name,
        )
    for name in stray:
        if name not in unfinished:
            yield Finding(
                severity=Severity.LEFTOVER,
                what="belongs to no committed shard",
                advice=f"`--repair` moves it to {QUARANTINE}/",
                file=name,
            )


def file_findings(
    root: Path, commit: Commit, hashed: set[str], owners: Mapping[str, str]
) -> list[Finding]:
    """Check the files of one commit, those in `hashed` to the last byte.

    Parameters
    ----------
    root: directory of the store
    commit: one line of the manifest
    hashed: names of files to compare with their checksums
    owners: file name by checksum, to say where bytes have come from
    """
    faults = [(file.name, _fault(root, file, file.name in hashed, owners)) for file in commit.files]
    return [
        Finding(severity=Severity.DAMAGED, what=what, advice=MEND, shard=commit.shard, file=name)
        for name, what in faults
        if what
    ]


def _fault(root: Path, file: StoredFile, hashed: bool, owners: Mapping[str, str]) -> str:
    if why := size_fault(root, file, {root}):
        return why
    try:
        found = checksum(root / file.name) if hashed else file.xxh3
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if found == file.xxh3:
        return ""
    other = f": it holds the bytes of {owners[found]}" if found in owners else ""
    return f"its checksum is not the manifest's{other}"
