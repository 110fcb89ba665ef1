"""What a storage must keep while all goes well: rows in, the same rows out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import attrs
import numpy as np

from traits_core.errors import StoreError
from traits_core.stores.dtypes import encode
from traits_core.stores.files import check_name, checksum
from traits_core.stores.header import DTYPES, StoreHeader
from traits_core.stores.protocols import Storage
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import expect, expect_same, fail
from traits_core.testing.small_store import all_headers, opened, small_header, values, write

SHAPES: Final = (
    ("activations", 1, 1, 1),
    ("activations", 12, 3, 5),
    ("activations", 4096, 64, 112),
    ("activations", 9, 9, 300_000),
    ("activations", 10**9, 1000, 768),
    ("scores", 100, 1, 4),
    ("scores", 100_000, 1, 4096),
)
RANGES: Final = ((0, 76), (0, 1), (75, 76), (15, 17), (3, 61), (40, 40))
COLUMN_RANGES: Final = ((0, 37), (0, 1), (4, 6), (36, 37), (10, 30))


def check_plan_fits_any_store(case: Case) -> None:
    """`plan` gives a valid layout for stores of any shape, and `dtype` is one of the three."""
    storage: Storage = case.build()
    expect(storage.dtype in DTYPES, f"dtype {storage.dtype!r} is none of {', '.join(DTYPES)}")
    for kind, rows, positions, columns in SHAPES:
        array = attrs.evolve(small_header(case).arrays[0], columns=columns)
        layout = storage.plan(kind, rows, positions, (array,))
        try:
            attrs.evolve(
                small_header(case),
                kind=kind,
                rows=rows,
                positions=positions,
                arrays=(array,),
                rows_per_shard=layout.rows_per_shard,
                chunk_rows=layout.chunk_rows,
                chunk_columns=layout.chunk_columns,
            )
        except StoreError as error:
            fail(f"plan({kind!r}, {rows}, {positions}) of {columns} columns is {layout}: {error}")


def check_write_read_round_trip(case: Case) -> None:
    """What is written is read, bit for bit: every dtype, activations and scores, several arrays."""
    for header in all_headers(case):
        with TemporaryDirectory() as directory:
            root = Path(directory) / "store"
            write(case, root, header)
            store = opened(case, root)
            for name, rows_nd in values(header).items():
                what = f"array {name!r} of {header.dtype} {header.kind}, read and written"
                expect_same(store.read(name, 0, header.rows), rows_nd, what)


def check_any_rows_and_columns_can_be_read(case: Case) -> None:
    """A range of rows across shards and chunks, and a range of columns, give just these."""
    for header in (small_header(case, "float16"), small_header(case, kind="scores")):
        with TemporaryDirectory() as directory:
            root = Path(directory) / "store"
            write(case, root, header)
            store, rows_nd = opened(case, root), values(header)["wide.2"]
            for start, stop in RANGES:
                for first, last in COLUMN_RANGES:
                    found = store.read("wide.2", start, stop, slice(first, last))
                    what = f"rows {start} to {stop}, columns {first} to {last}, read and written"
                    expect_same(found, rows_nd[start:stop, first:last], what)


def check_shards_own_their_files(case: Case) -> None:
    """`write_shard` returns the files that it writes, no two shards write one, names are safe."""
    header = small_header(case)
    owners: dict[str, object] = {}
    with TemporaryDirectory() as directory:
        for shard in ("create", *range(header.n_shards)):
            staging = Path(directory) / str(shard)
            names = _written(case, header, staging, shard)
            for name in names:
                check_name(name)
                expect((staging / name).is_file(), f"{shard}: {name!r} is returned, but no file")
                other = owners.setdefault(name, shard)
                expect(other == shard, f"{name!r} is written by shard {other} and by {shard}")
            for array in header.arrays if shard != "create" else ():
                expect(names, f"shard {shard} has no file for {array.name!r}")


def check_same_rows_same_files(case: Case) -> None:
    """A shard that is written again, by another instance, gives the same bytes under the same names."""
    header = small_header(case)
    with TemporaryDirectory() as directory:
        for shard in range(header.n_shards):
            first, second = (Path(directory) / f"{shard}-{i}" for i in range(2))
            names = [sorted(_written(case, header, root, shard)) for root in (first, second)]
            expect(names[0] == names[1], f"shard {shard} is in {names[0][:2]}, then {names[1][:2]}")
            for name in names[0]:
                same = checksum(first / name) == checksum(second / name)
                expect(same, f"shard {shard}, {name}: other bytes for the same rows")


def check_interrupted_store_is_completed(case: Case) -> None:
    """A store that is left half done and gone on with equals one that was written at once."""
    header = small_header(case)
    with TemporaryDirectory() as directory:
        halves, whole = Path(directory) / "halves", Path(directory) / "whole"
        write(case, halves, header, stop=40)  # commits two shards, and loses the rest
        write(case, halves, header, start=32)
        write(case, whole, header)
        store = opened(case, halves)
        for name, rows_nd in values(header).items():
            expect_same(
                store.read(name, 0, header.rows), rows_nd, f"{name!r} after an interruption"
            )
        expect(store.digest == opened(case, whole).digest, "the digests of both stores differ")


def _written(case: Case, header: StoreHeader, staging: Path, shard: object) -> list[str]:
    """Have a new instance write one shard, or `create`, into `staging`; the names of its files."""
    staging.mkdir()
    storage: Storage = case.build()
    if not isinstance(shard, int):
        storage.create(staging, header)
        return [p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file()]
    rows = slice(shard * header.rows_per_shard, (shard + 1) * header.rows_per_shard)
    arrays = {
        name: np.ascontiguousarray(encode(rows_nd[rows], header.dtype))
        for name, rows_nd in values(header).items()
    }
    return list(storage.write_shard(staging, header, shard, arrays))


CHECKS: Final[tuple[Check, ...]] = (
    check_plan_fits_any_store,
    check_write_read_round_trip,
    check_any_rows_and_columns_can_be_read,
    check_shards_own_their_files,
    check_same_rows_same_files,
    check_interrupted_store_is_completed,
)
