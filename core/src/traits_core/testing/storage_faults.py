"""What a storage must keep when its files are damaged: an error, never other values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Final

from traits_core.stores.commit import Commit
from traits_core.stores.dtypes import decode
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import load_header
from traits_core.stores.manifest import load_manifest
from traits_core.stores.protocols import Storage, StorageReader
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import NotApplicable, fail
from traits_core.testing.small_store import small_header, values, write

UNCHECKED: Final = "unchecked-reads"
FLIPS: Final = 7
"""Bits that are flipped in each file, spread over it."""


def check_missing_file_is_an_error(case: Case) -> None:
    """A file of a shard that is gone is an error, and never reads as zeros."""
    _expect_noticed(case, "missing", [lambda path: path.unlink()])


def check_truncated_file_is_an_error(case: Case) -> None:
    """A file of a shard that lost its end is an error, down to a file of no bytes."""
    damages = [_cut(keep) for keep in (0.0, 0.5, 0.95)]
    _expect_noticed(case, "truncated", damages)


def check_flipped_bit_is_noticed(case: Case) -> None:
    """A bit of a shard that changed is an error when it is read, or changes nothing."""
    if UNCHECKED in case.spec.tags:
        raise NotApplicable(f"tagged {UNCHECKED!r}: only the manifest's checksums tell")
    _expect_noticed(case, "with a flipped bit", [_flip(i) for i in range(FLIPS)])


def _expect_noticed(case: Case, what: str, damages: list[Callable[[Path], None]]) -> None:
    """Damage each file of two shards in turn; reading must raise, or give what was written."""
    header = small_header(case)
    with TemporaryDirectory() as directory:
        whole, broken = Path(directory) / "whole", Path(directory) / "broken"
        write(case, whole, header)
        shards = load_manifest(whole, load_header(whole)).shards
        for commit in (shards[0], shards[-1]):
            for file in commit.files:
                copytree(whole, broken, dirs_exist_ok=True)
                for damage in damages:
                    damage(broken / file.name)
                    if not _raises_or_is_right(case, broken, header, commit):
                        fail(f"{file.name} {what}: other values are read, without an error")
                    (broken / file.name).write_bytes((whole / file.name).read_bytes())


def _raises_or_is_right(case: Case, root: Path, header: StoreHeader, commit: Commit) -> bool:
    """Read the rows of a damaged shard with the options that every reader uses: the defaults."""
    storage: Storage = case.build(case.spec.config())
    rows = slice(commit.row_start, commit.row_start + commit.rows)
    try:
        reader: StorageReader = storage.open(root, header)
        found = {
            array.name: reader.read(array.name, rows.start, rows.stop, slice(0, array.columns))
            for array in header.arrays
        }
    except Exception:  # the core makes a StoreError of any
        return True
    wanted = values(header)
    return all(decode(found[name], header.dtype).equal(wanted[name][rows]) for name in wanted)


def _cut(keep: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(keep * len(content))])

    return damage


def _flip(part: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[part * (len(content) - 1) // (FLIPS - 1)] ^= 1 << part
        path.write_bytes(content)

    return damage


CHECKS: Final[tuple[Check, ...]] = (
    check_missing_file_is_an_error,
    check_truncated_file_is_an_error,
    check_flipped_bit_is_noticed,
)
