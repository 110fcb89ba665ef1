"""What the header and the manifest of a store say of it, before a file of data is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from traits_core.errors import StoreError
from traits_core.stores.commit import Commit
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import HEADER_FILE, load_header
from traits_core.stores.manifest import Manifest, sort_out
from traits_core.stores.manifest_lines import MANIFEST_FILE, Line, read_lines
from traits_core.stores.verifying.findings import Finding, Severity

GO_ON = "run the command that wrote it again: it writes what is missing"
MEND = "`--repair` drops it, and the command that wrote the store writes it again"


@attrs.frozen(kw_only=True)
class Record:
    """What a store says of itself."""

    header: StoreHeader
    manifest: Manifest
    lines: tuple[Line, ...]
    refused: tuple[Line, ...]

    @property
    def commits(self) -> tuple[Commit, ...]:
        """The creation and the shards that are committed."""
        creation = self.manifest.creation
        return (*((creation,) if creation else ()), *self.manifest.shards)


def read_record(root: Path) -> Record:
    """Read header and manifest, however damaged the manifest is.

    Raises StoreError when there is no header, it is damaged, or the manifest belongs to another.
    """
    for name in (HEADER_FILE, MANIFEST_FILE):
        if (root / name).is_symlink():
            raise StoreError(f"{name} is a symbolic link: a store holds its own files only")
    header = load_header(root)
    lines = read_lines(root, header)
    if not any(line.commit for line in lines) and any(x.text.endswith(b"\n") for x in lines):
        raise StoreError(
            f"no line of {MANIFEST_FILE} belongs to this {HEADER_FILE}: one of both is damaged, or "
            "was copied from another store"
        )
    manifest, refused = sort_out(header, lines)
    return Record(header=header, manifest=manifest, lines=tuple(lines), refused=tuple(refused))


def manifest_findings(record: Record) -> Iterator[Finding]:
    """Lines that are damaged or torn, shards that are missing, values that are no numbers."""
    for line in record.refused:
        if line is record.lines[-1] and not line.text.endswith(b"\n"):
            yield Finding(
                severity=Severity.LEFTOVER,
                what="the last line is torn: its writer was killed",
                advice=GO_ON,
                file=MANIFEST_FILE,
                line=line.number,
            )
        else:
            yield Finding(
                severity=Severity.DAMAGED,
                what=line.why,
                advice=MEND,
                file=MANIFEST_FILE,
                line=line.number,
            )
    yield from _missing(record)
    for commit in record.manifest.shards:
        yield from _suspects(commit)


def _missing(record: Record) -> Iterator[Finding]:
    size, rows = record.header.rows_per_shard, record.header.rows
    if record.manifest.creation is None:
        what = "the files beside the shards are not committed"
        yield Finding(severity=Severity.INCOMPLETE, what=what, advice=GO_ON)
    for gap in record.manifest.gaps(record.header):
        first, last = gap.start, gap.stop - 1
        shards = f"shard {first} is" if first == last else f"shards {first} to {last} are"
        yield Finding(
            severity=Severity.INCOMPLETE,
            what=f"{shards} missing: rows {first * size} to {min(gap.stop * size, rows)}",
            advice=GO_ON,
        )


def _suspects(commit: Commit) -> Iterator[Finding]:
    for name, stats in commit.arrays.items():
        if stats.n_nan or stats.n_inf:
            yield Finding(
                severity=Severity.SUSPECT,
                what=f"array {name!r} holds {stats.n_nan} NaN and {stats.n_inf} infinite values",
                advice="extract it again with a backbone or dtype that gives finite values",
                shard=commit.shard,
            )
