"""What a foreign format must keep when things go wrong: errors, nothing half done, nothing executed."""

from __future__ import annotations

import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from torch import Tensor

from traits_core.errors import TraitsError
from traits_core.progress import Silent
from traits_core.testing.audit import listening
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import expect, expect_refusal, fail, one_line
from traits_core.testing.small_export import (
    contents,
    export,
    make_source,
    opened,
    source_header,
    with_reader,
)

POSITIONS: Final = 256
EXAMPLES: Final = 64
KEPT: Final = (None, 0.0, 0.5, 0.95)
"""Parts of a file that are left; None when it is gone."""


class _Harmless:
    """Pickled as a call, which loading it would make."""

    def __reduce__(self) -> tuple[Any, ...]:
        return len, ((),)


class _Failing:
    """Reads rows until the last ones."""

    def __init__(self, reader: Any, rows: int) -> None:
        self.reader, self.rows = reader, rows

    def read(self, array: str, start: int, stop: int, columns: slice = slice(None)) -> Any:
        if stop == self.rows:
            raise OSError("the disk of the source is gone")
        return self.reader.read(array, start, stop, columns)


class _Counting:
    """Remembers how many rows were asked for at once."""

    def __init__(self, reader: Any) -> None:
        self.reader, self.most = reader, 0

    def read(self, array: str, start: int, stop: int, columns: slice = slice(None)) -> Any:
        self.most = max(self.most, stop - start)
        return self.reader.read(array, start, stop, columns)


def check_damage_is_an_error(case: Case) -> None:
    """A file that is missing or lost its end is an error, before opening and after; never zeros."""
    with TemporaryDirectory() as directory:
        whole = export(case, Path(directory))
        wanted = contents(opened(case, whole))
        names = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
        for name in sorted(names):
            for kept in KEPT:
                what = "missing" if kept is None else f"cut to {kept:.0%}"
                for early in (True, False):
                    broken = copytree(whole, Path(directory) / "broken" / f"{name}{kept}{early}")
                    damage = _damage(broken / name, kept)
                    _expect_error_or_same(case, broken, wanted, f"{name} {what}", damage, early)
        expect_refusal("opening an empty directory", opened, case, _new(Path(directory) / "empty"))


def check_opening_never_unpickles(case: Case) -> None:
    """Neither what it wrote nor a pickle in its place is unpickled: pickles execute code."""
    with TemporaryDirectory() as directory:
        whole = export(case, Path(directory))
        _expect_no_pickle(case, whole, "what it wrote itself")
        bombs = {"a pickle": pickle.dumps(_Harmless()), "an array of objects": _npy(_Harmless())}
        names = [path.relative_to(whole) for path in whole.rglob("*") if path.is_file()]
        for name in sorted(names):
            for what, bomb in bombs.items():
                broken = copytree(whole, Path(directory) / "broken" / f"{name} {what}")
                (broken / name).write_bytes(bomb)
                _expect_no_pickle(case, broken, f"{name}, which is {what},")
            if zipfile.is_zipfile(whole / name):
                broken = copytree(whole, Path(directory) / "broken" / f"{name} members")
                _rezip(whole / name, broken / name, bombs["an array of objects"])
                _expect_no_pickle(case, broken, f"{name}, whose members are arrays of objects,")


def check_reads_are_bounded(case: Case) -> None:
    """A few rows cost a small part of the store's memory, and the source is read in parts too."""
    header = source_header(rows=EXAMPLES * POSITIONS, positions=POSITIONS)
    total = 4 * header.rows * header.arrays[0].columns
    with TemporaryDirectory() as directory:
        root = export(case, Path(directory), header)
        tracemalloc.start()
        try:
            store = opened(case, root).store
            for start in (0, header.rows - 8):
                store.read(store.header.arrays[0].name, start, start + 8)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        expect(peak < total / 2, f"opening, and 16 rows of {total} bytes, take {peak} bytes")
        source = make_source(case.registry, Path(directory) / "again", header)
        counting = _Counting(source.store._reader)
        case.build().write(
            Path(directory) / "second", with_reader(source, counting), None, Silent()
        )
        what = f"{counting.most} of {header.rows} rows of the source are read at once"
        expect(counting.most <= header.rows / 2, what)


def check_write_is_all_or_nothing(case: Case) -> None:
    """A destination that holds something is refused, and left alone; a source that fails leaves nothing."""
    with TemporaryDirectory() as directory:
        parent = Path(directory)
        export(case, parent)
        before = _tree(parent / "export")
        source = make_source(case.registry, parent / "again", source_header(), seed=0)
        writing = case.build().write
        what = "writing once more to where it has written"
        expect_refusal(what, writing, parent / "export", source, None, Silent())
        expect(_tree(parent / "export") == before, f"{what} changes what is there")
        _expect_stranger_stays(case, parent / "strange")
        failing = with_reader(source, _Failing(source.store._reader, source.store.header.rows))
        home = _new(parent / "home")
        what = "writing from a source that fails"
        expect_refusal(what, writing, home / "export", failing, None, Silent())
        left = sorted(_tree(home))
        expect(not left, f"{what} leaves {', '.join(left[:3])}")
        found = opened(case, writing(home / "export", source, None, Silent()))
        expect(contents(found), "writing after a failure gives nothing")


def _expect_stranger_stays(case: Case, root: Path) -> None:
    """A file in the way is a refusal; a format that adds a directory of its own leaves it alone."""
    _new(root)
    (root / "notes.txt").write_text("keep me")
    source = make_source(case.registry, root.with_name("unasked"), source_header())
    try:
        written = case.build().write(root, source, None, Silent())
    except TraitsError:
        written = None
    expect(written != root, "a directory that holds a file is written to")
    kept = (root / "notes.txt").is_file() and (root / "notes.txt").read_text() == "keep me"
    expect(kept, "a file of somebody else in the destination is lost")


def _expect_error_or_same(
    case: Case,
    root: Path,
    wanted: dict[str, Tensor],
    what: str,
    damage: Callable[[], None],
    early: bool,
) -> None:
    """Damage a store before it is opened, or after; it must raise a TraitsError, or give the same."""
    try:
        if early:
            damage()
        source = opened(case, root)
        if not early:
            damage()
        store = source.store
        found = [store.read(array.name, 0, store.header.rows) for array in store.header.arrays]
    except TraitsError:
        return
    except Exception as error:
        fail(f"{what}: must be a TraitsError, but is {one_line(error)}")
    rows = [tensor for name, tensor in wanted.items() if not name.startswith("extra ")]
    same = len(found) == len(rows) and all(a.equal(b) for a, b in zip(found, rows, strict=True))
    expect(same, f"{what}: other values are read, without an error")


def _expect_no_pickle(case: Case, root: Path, what: str) -> None:
    seen = []

    def listener(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "pickle.find_class":
            seen.append(".".join(map(str, arguments)))

    # That damage is told as such is another check's matter.
    with listening(listener), suppress(Exception):
        contents(opened(case, root))
    expect(not seen, f"{what} is unpickled: {', '.join(seen[:3])}")


def _damage(path: Path, kept: float | None) -> Callable[[], None]:
    def damage() -> None:
        content = path.read_bytes()
        path.unlink()
        if kept is not None:
            path.write_bytes(content[: int(kept * len(content))])

    return damage


def _npy(value: object) -> bytes:
    buffer = BytesIO()
    np.save(buffer, np.array([value], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def _rezip(source: Path, target: Path, content: bytes) -> None:
    """The same archive, with `content` as every member."""
    with zipfile.ZipFile(source) as one, zipfile.ZipFile(target, "w") as other:
        for name in one.namelist():
            other.writestr(name, content)


def _tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def _new(path: Path) -> Path:
    path.mkdir()
    return path


CHECKS: Final[tuple[Check, ...]] = (
    check_damage_is_an_error,
    check_opening_never_unpickles,
    check_reads_are_bounded,
    check_write_is_all_or_nothing,
)
