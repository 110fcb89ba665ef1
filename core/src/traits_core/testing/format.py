"""What a foreign format must keep while all goes well: a store in, the same store out."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Final

from traits_core.errors import TraitsError
from traits_core.progress import Silent
from traits_core.stores.dtypes import NUMPY_DTYPES, TORCH_DTYPES
from traits_core.stores.foreign import INDEX, LABELS
from traits_core.stores.header import DTYPES, StoreHeader
from traits_core.stores.json_records import load_header
from traits_core.stores.protocols import Format
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import expect, expect_refusal, expect_same, fail
from traits_core.testing.small_export import (
    COLUMNS,
    ROWS,
    contents,
    export,
    make_source,
    opened,
    source_header,
    values,
)
from traits_core.testing.surroundings import untouched

RANGES: Final = ((0, ROWS), (0, 1), (ROWS - 1, ROWS), (5, 7), (3, 23), (9, 9))
COLUMN_RANGES: Final = ((0, COLUMNS), (0, 1), (4, 6), (COLUMNS - 1, COLUMNS), (10, 30))
TOO_LARGE: Final = 1e6


def check_recognizes_its_own_only(case: Case) -> None:
    """What it wrote is recognised, by the names of the files alone; nothing else is."""
    looking: Format = case.build(case.spec.config())
    with TemporaryDirectory() as directory:
        parent = Path(directory)
        root = export(case, parent)
        expect(looking.recognizes(root), "what it wrote itself is not recognised")
        (parent / "empty").mkdir()
        (parent / "folder").mkdir()
        for name in ("notes.txt", "data.bin", "config.json"):
            (parent / "folder" / name).write_text("{}")
        strangers = {
            "an empty directory": parent / "empty",
            "a directory of other files": parent / "folder",
            "a store of traits": parent / "source",
            "a path where nothing is": parent / "nothing",
            "a file": parent / "folder" / "data.bin",
        }
        for what, path in strangers.items():
            expect(not looking.recognizes(path), f"{what} is recognised")
        for path in _files(root):
            path.write_bytes(b"")
        expect(looking.recognizes(root), "a damaged one must be recognised, to be told as damaged")


def check_write_open_round_trip(case: Case) -> None:
    """What is written is read: rows of every dtype, in the source's or its only one, and extras."""
    kept = {}
    for dtype in DTYPES:
        with TemporaryDirectory() as directory:
            root = export(case, Path(directory), source_header(dtype))
            inside = (
                root == Path(directory) / "export" or Path(directory) / "export" in root.parents
            )
            expect(inside, f"it was told to write {Path(directory) / 'export'}, and wrote {root}")
            kept[dtype] = opened(case, root).store.header.dtype
            _expect_same_store(case, Path(directory), root, f"{dtype} activations")
    honest = all(kept[dtype] == dtype for dtype in DTYPES) or len(set(kept.values())) == 1
    expect(honest, f"dtypes change: {', '.join(f'{a} becomes {b}' for a, b in kept.items())}")


def check_asked_dtype_is_written_or_refused(case: Case) -> None:
    """Another dtype is what is asked for, or a refusal; a value too large for it is one, never infinity."""
    for dtype in DTYPES:
        with TemporaryDirectory() as directory:
            parent = Path(directory)
            export(case, parent)
            source = make_source(case.registry, parent / "again", source_header())
            try:
                root = case.build().write(parent / "asked", source, dtype, Silent())
            except TraitsError:
                continue
            found = opened(case, root).store.header.dtype
            expect(found == dtype, f"{dtype} is asked for, and {found} is written")
            large = make_source(case.registry, parent / "l", source_header(), scale=TOO_LARGE)
            if dtype == "float16":
                what = f"a value of {TOO_LARGE:.0g}, as float16,"
                expect_refusal(what, case.build().write, parent / "large", large, dtype, Silent())


def check_any_store_is_kept_or_refused(case: Case) -> None:
    """Scores, several layers, sequences of unequal length: all of it comes back, or it is refused."""
    headers = {
        "scores": source_header(kind="scores", positions=1),
        "two layers": source_header(columns=(COLUMNS, COLUMNS)),
        "layers of different width": source_header(columns=(COLUMNS, 3)),
        "sequences of unequal length": source_header(positions=1),
    }
    for what, header in headers.items():
        with TemporaryDirectory() as directory:
            parent = Path(directory)
            source = make_source(case.registry, parent / "source", header)
            try:
                root = case.build().write(parent / "export", source, None, Silent())
            except TraitsError:
                left = _files(parent / "export")
                expect(not left, f"{what} are refused, and {[p.name for p in left][:3]} are left")
                continue
            _expect_same_store(case, parent, root, what)


def check_header_fits_what_is_read(case: Case) -> None:
    """The reader gives rows of the shape and dtype that the header says, extras are of their own."""
    with TemporaryDirectory() as directory:
        root = export(case, Path(directory))
        found = case.build(case.spec.config()).open(root)
        header: StoreHeader = found.header
        expect(header.storage == case.spec.name, f"the header's storage is {header.storage!r}")
        for array in header.arrays:
            wanted = (header.rows, array.columns)
            rows_nd = found.reader.read(array.name, 0, header.rows, slice(0, array.columns))
            expect(rows_nd.shape == wanted, f"the header says {wanted}, {rows_nd.shape} are read")
            dtype = NUMPY_DTYPES[header.dtype]
            expect(rows_nd.dtype == dtype, f"{header.dtype} is read as {rows_nd.dtype}")
            d_model = array.feature.d_model
            expect(d_model == array.columns, f"d_model is {d_model} of {array.columns} columns")
        first = {INDEX: header.rows, LABELS: header.rows // header.positions}
        for name, extra in found.extras.items():
            length, read = extra.shape[0], extra.read(0, extra.shape[0])
            expect(length == first.get(name, length), f"{name} has {length} items")
            form, wanted_form = (read.shape, read.dtype), (extra.shape, extra.dtype)
            expect(form == wanted_form, f"{name} says {wanted_form}, and gives {form}")


def check_header_names_the_contents(case: Case) -> None:
    """A copy elsewhere has the same header; other values have another."""
    with TemporaryDirectory() as directory:
        one, other = Path(directory) / "one", Path(directory) / "other"
        first = export(case, one)
        copied = copytree(first, Path(directory) / "copy" / first.name)
        digest = opened(case, first).store.digest
        expect(opened(case, copied).store.digest == digest, "a copy has another header: a path?")
        second = export(case, other, seed=1)
        again = opened(case, second).store.digest
        expect(again != digest, "other values have the same header: nothing names the contents")


def check_any_rows_and_columns_can_be_read(case: Case) -> None:
    """A range of rows, and a range of columns, give just these; what is read is the caller's own."""
    header = source_header()
    (rows_nd,) = values(header).values()
    with TemporaryDirectory() as directory:
        store = opened(case, export(case, Path(directory))).store
        (name,) = (array.name for array in store.header.arrays)
        wanted_nd = rows_nd.to(TORCH_DTYPES[store.header.dtype])
        for start, stop in RANGES:
            for first, last in COLUMN_RANGES:
                found = store.read(name, start, stop, slice(first, last))
                what = f"rows {start} to {stop}, columns {first} to {last}, read and written"
                expect_same(found, wanted_nd[start:stop, first:last], what)
                found.zero_()


def check_global_state_is_untouched(case: Case) -> None:
    """Writing and reading leave the process as it was."""
    with TemporaryDirectory() as directory, untouched("writing or reading"):
        contents(opened(case, export(case, Path(directory))))


def _expect_same_store(case: Case, parent: Path, root: Path, what: str) -> None:
    """Expect what lies in `root` to be what was written from `parent / "source"`."""
    source = make_source(case.registry, parent / "wanted", load_header(parent / "source"))
    found = opened(case, root)
    header, original = found.store.header, source.store.header
    for field in ("kind", "rows", "positions"):
        values_of = getattr(header, field), getattr(original, field)
        expect(values_of[0] == values_of[1], f"{what}: {field} {values_of[0]} of {values_of[1]}")
    widths = [[array.columns for array in each.arrays] for each in (header, original)]
    expect(widths[0] == widths[1], f"{what}: arrays of {widths[0]} columns, not {widths[1]}")
    for array, wanted in zip(header.arrays, original.arrays, strict=True):
        rows_nd = source.store.read(wanted.name, 0, original.rows).to(TORCH_DTYPES[header.dtype])
        expect_same(
            found.store.read(array.name, 0, header.rows), rows_nd, f"{what}, read and written"
        )
    if original.positions == 1 and INDEX in source.extras and INDEX not in found.extras:
        fail(f"{what}: the index of the tokens is lost, and with it which row is which")
    beside, wanted_beside = contents(found), contents(source)
    for name in found.extras:
        if name in source.extras:
            key = f"extra {name}"
            expect_same(beside[key], wanted_beside[key], f"{what}: {name}, read and written")


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


CHECKS: Final[tuple[Check, ...]] = (
    check_recognizes_its_own_only,
    check_write_open_round_trip,
    check_asked_dtype_is_written_or_refused,
    check_any_store_is_kept_or_refused,
    check_header_fits_what_is_read,
    check_header_names_the_contents,
    check_any_rows_and_columns_can_be_read,
    check_global_state_is_untouched,
)
