"""Formats that lose rows, believe what they read, or leave half of what they write."""

from __future__ import annotations

import pickle
from pathlib import Path

import attrs
import numpy as np
import torch
from good_plugin.format import GoodFormat, GoodReader

from mutants import breaks
from traits_core import ForeignStore


@breaks("check_recognizes_its_own_only", "not recognised")
class RecognizesNothing(GoodFormat):
    def recognizes(self, root):
        return False


@breaks("check_recognizes_its_own_only", "an empty directory is recognised")
class RecognizesAnyDirectory(GoodFormat):
    def recognizes(self, root):
        return root.is_dir()


@breaks("check_recognizes_its_own_only", "a directory of other files is recognised")
class RecognizesAnyJson(GoodFormat):
    def recognizes(self, root):
        return any(root.glob("*.json"))


@breaks("check_recognizes_its_own_only", "told as damaged")
class RecognizesByContents(GoodFormat):
    def recognizes(self, root):
        return super().recognizes(root) and (root / "rows.bin").stat().st_size > 0


@breaks("check_recognizes_its_own_only", "FileNotFoundError")
class RaisesWhereNothingIs(GoodFormat):
    def recognizes(self, root):
        return "good.json" in [path.name for path in root.iterdir()]


@breaks("check_write_open_round_trip", "float32 activations, read and written")
class WritesBlocksInReverse(GoodFormat):
    def encoded(self, rows_nd, dtype):
        return super().encoded(rows_nd.flip(0), dtype)


@breaks("check_write_open_round_trip", "float16 becomes float32")
class WidensHalf(GoodFormat):
    def write(self, root, source, dtype, progress):
        wider = "float32" if source.store.header.dtype == "float16" else dtype
        return super().write(root, source, wider, progress)


@breaks("check_write_open_round_trip", "index, read and written")
class IndexIsOffByOne(GoodFormat):
    def open(self, root):
        found = super().open(root)
        extra = found.extras["index"]
        shifted = attrs.evolve(extra, read=lambda start, stop: extra.read(start, stop) + 1)
        return attrs.evolve(found, extras={"index": shifted})


@breaks("check_write_open_round_trip", "positions 1 of 2")
class ForgetsPositions(GoodFormat):
    def facts(self, root):
        return super().facts(root) | {"positions": 1}


@breaks("check_write_open_round_trip", "and wrote")
class WritesElsewhere(GoodFormat):
    def publish(self, staging, root):
        return super().publish(staging, root.with_name("elsewhere"))


@breaks("check_asked_dtype_is_written_or_refused", "float16 is asked for, and float32 is written")
class IgnoresDtype(GoodFormat):
    def write(self, root, source, dtype, progress):
        return super().write(root, source, None, progress)


@breaks("check_asked_dtype_is_written_or_refused", "must be refused")
class OverflowsToInfinity(GoodFormat):
    def encoded(self, rows_nd, dtype):
        if dtype == "float16":
            return rows_nd.to(torch.float16).numpy()
        return super().encoded(rows_nd, dtype)


@breaks("check_any_store_is_kept_or_refused", "two layers: arrays")
class KeepsTheFirstLayer(GoodFormat):
    def write(self, root, source, dtype, progress):
        header = source.store.header
        first = attrs.evolve(header, arrays=header.arrays[:1])
        store = attrs.evolve(source.store, header=first)
        return super().write(root, attrs.evolve(source, store=store), dtype, progress)


@breaks("check_any_store_is_kept_or_refused", "scores: kind activations")
class TakesScoresForActivations(GoodFormat):
    def write(self, root, source, dtype, progress):
        header = source.store.header
        claimed = attrs.evolve(header, kind="activations")
        store = attrs.evolve(source.store, header=claimed)
        return super().write(root, attrs.evolve(source, store=store), dtype, progress)


@breaks("check_any_store_is_kept_or_refused", "the index of the tokens is lost")
class DropsTheIndex(GoodFormat):
    def write(self, root, source, dtype, progress):
        return super().write(root, attrs.evolve(source, extras={}), dtype, progress)


@breaks("check_any_store_is_kept_or_refused", "are left")
class RefusesLate(GoodFormat):
    def write(self, root, source, dtype, progress):
        root.mkdir()
        (root / "begun.txt").write_text("")
        if len(source.store.header.arrays) == 1:
            (root / "begun.txt").unlink()
        return super().write(root, source, dtype, progress)


class OtherByteOrder(GoodReader):
    def rows(self, content, n):
        rows_nd = super().rows(content, n)
        return rows_nd.astype(rows_nd.dtype.newbyteorder(">"))


@breaks("check_header_fits_what_is_read", "is read as >f4")
class ReadsBigEndian(GoodFormat):
    reader = OtherByteOrder


@breaks("check_header_fits_what_is_read", "the header's storage is 'other'")
class NamesAnother(GoodFormat):
    def header(self, root, facts):
        return attrs.evolve(super().header(root, facts), storage="other")


@breaks("check_header_fits_what_is_read", "index says")
class IndexHasAnotherForm(GoodFormat):
    def open(self, root):
        found = super().open(root)
        extra = attrs.evolve(found.extras["index"], dtype=np.dtype("<i4"))
        return attrs.evolve(found, extras={"index": extra})


@breaks("check_header_names_the_contents", "a path?")
class DigestOfThePath(GoodFormat):
    def digest(self, root):
        return str(root)


@breaks("check_header_names_the_contents", "nothing names the contents")
class DigestOfTheDescription(GoodFormat):
    def digest(self, root):
        return (root / "good.json").read_text()


class AllColumns(GoodReader):
    def read(self, array, start, stop, columns=slice(None)):
        return super().read(array, start, stop)[:, : columns.stop - columns.start]


@breaks("check_any_rows_and_columns_can_be_read", "columns 4 to 6")
class IgnoresFirstColumn(GoodFormat):
    reader = AllColumns


class SharedBuffer(GoodReader):
    whole = None

    def read(self, array, start, stop, columns=slice(None)):
        if self.whole is None:
            n = self.path.stat().st_size // (self.columns * self.dtype.itemsize)
            self.whole = super().read(array, 0, n)
        return self.whole[start:stop, columns]


@breaks("check_any_rows_and_columns_can_be_read", "read and written")
class GivesItsOwnMemory(GoodFormat):
    reader = SharedBuffer


@breaks("check_global_state_is_untouched", "numpy's random generator")
class Reseeds(GoodFormat):
    def open(self, root):
        np.random.seed(0)
        return super().open(root)


class PadsWithZeros(GoodReader):
    def rows(self, content, n):
        return super().rows(content.ljust(n * self.columns * self.dtype.itemsize, b"\0"), n)


@breaks("check_damage_is_an_error", "rows.bin cut to 0%: other values are read")
class FillsUpWithZeros(GoodFormat):
    """Sizes are checked when it is opened, and trusted later."""

    reader = PadsWithZeros


@breaks("check_damage_is_an_error", "other values are read")
class CountsWhatIsLeft(GoodFormat):
    def facts(self, root):
        facts = super().facts(root)
        row = facts["columns"] * np.dtype("f4").itemsize
        if (root / "rows.bin").is_file():
            facts["rows"] = max(2, (root / "rows.bin").stat().st_size // row // 2 * 2)
        return facts

    def check(self, path, size):
        super().check(path, path.stat().st_size if path.is_file() else size)


@breaks("check_damage_is_an_error", "must be a TraitsError")
class LetsJsonErrorsThrough(GoodFormat):
    def facts(self, root):
        (root / "good.json").read_text().index("}")
        return super().facts(root)


@breaks("check_opening_never_unpickles", "what it wrote itself is unpickled")
class KeepsItsFactsAsPickle(GoodFormat):
    def fill(self, staging, source, dtype):
        super().fill(staging, source, dtype)
        (staging / "facts.pkl").write_bytes(pickle.dumps(Path("facts")))

    def open(self, root) -> ForeignStore:
        pickle.loads((root / "facts.pkl").read_bytes())
        return super().open(root)


@breaks("check_opening_never_unpickles", "which is an array of objects, is unpickled")
class AllowsObjects(GoodFormat):
    def open(self, root):
        if (root / "rows.bin").read_bytes()[:6] == b"\x93NUMPY":
            np.load(root / "rows.bin", allow_pickle=True)
        return super().open(root)


class ReadsItAll(GoodReader):
    def read(self, array, start, stop, columns=slice(None)):
        return super().rows(self.path.read_bytes(), -1)[start:stop, columns].copy()

    def rows(self, content, n):
        return np.frombuffer(content, self.dtype).reshape(-1, self.columns)


@breaks("check_reads_are_bounded", "take")
class ReadsTheWholeFile(GoodFormat):
    reader = ReadsItAll


@breaks("check_reads_are_bounded", "are read at once")
class CopiesAtOnce(GoodFormat):
    def fill(self, staging, source, dtype):
        self.config = attrs.evolve(self.config, block=source.store.header.rows)
        super().fill(staging, source, dtype)


@breaks("check_write_is_all_or_nothing", "where it has written")
class Overwrites(GoodFormat):
    def write(self, root, source, dtype, progress):
        if (root / "good.json").exists():
            self.fill(root, source, "float32")
            return root
        return super().write(root, source, dtype, progress)


@breaks("check_write_is_all_or_nothing", "holds a file is written to")
class MovesIn(GoodFormat):
    def refuse(self, root):
        if (root / "good.json").exists():
            super().refuse(root)

    def publish(self, staging, root):
        root.mkdir(exist_ok=True)
        for path in staging.iterdir():
            path.replace(root / path.name)
        return root


@breaks("check_write_is_all_or_nothing", "leaves export")
class WritesInPlace(GoodFormat):
    def write(self, root, source, dtype, progress):
        self.refuse(root)
        root.mkdir(exist_ok=True)
        self.fill(root, source, dtype or source.store.header.dtype)
        return root
