"""Storages that lose rows, or do not notice that they were lost."""

from __future__ import annotations

import time

import numpy as np
from good_plugin.storage import GoodReader, GoodStorage, shard_name

from mutants import breaks
from traits_core import Layout


@breaks("check_plan_fits_any_store", "rows_per_shard")
class ShardsCutChunks(GoodStorage):
    def plan(self, kind, rows, positions, arrays):
        return Layout(rows_per_shard=100, chunk_rows=16, chunk_columns=8)


@breaks("check_plan_fits_any_store", "too large")
class OneChunk(GoodStorage):
    def plan(self, kind, rows, positions, arrays):
        columns = max(array.columns for array in arrays)
        return Layout(rows_per_shard=rows, chunk_rows=rows, chunk_columns=columns)


@breaks("check_plan_fits_any_store", "'half' is none of")
class UnknownDtype(GoodStorage):
    dtype = "half"


@breaks("check_write_read_round_trip", "array 'narrow' of float32")
class RoundsToHalf(GoodStorage):
    def write_shard(self, staging, header, shard, arrays):
        rounded = {
            name: rows.astype(np.float16).astype(rows.dtype) if rows.dtype == np.float32 else rows
            for name, rows in arrays.items()
        }
        return super().write_shard(staging, header, shard, rounded)


@breaks("check_write_read_round_trip", "bfloat16")
class MistakesBits(GoodStorage):
    def write_shard(self, staging, header, shard, arrays):
        if header.dtype == "bfloat16":
            arrays = {name: rows.byteswap() for name, rows in arrays.items()}
        return super().write_shard(staging, header, shard, arrays)


@breaks("check_write_read_round_trip", "cannot open it")
class OpensWithItsOptionsOnly(GoodStorage):
    def open(self, root, header):
        if header.dtype != self.config.dtype:
            raise ValueError(f"written as {header.dtype}, asked for {self.config.dtype}")
        return super().open(root, header)


@breaks("check_any_rows_and_columns_can_be_read", "columns")
class IgnoresColumns(GoodStorage):
    def open(self, root, header):
        return AllColumns(root, header)


class AllColumns(GoodReader):
    """Gives the first columns, however many were asked for."""

    def read(self, array, start, stop, columns=slice(None)):
        rows = super().read(array, start, stop)
        return rows[:, : columns.stop - columns.start]


@breaks("check_any_rows_and_columns_can_be_read", "rows 75 to 76")
class ReadsWholeChunks(GoodStorage):
    def open(self, root, header):
        return FromTheChunksStart(root, header)


class FromTheChunksStart(GoodReader):
    """Starts at the chunk that the first row is in."""

    def read(self, array, start, stop, columns=slice(None)):
        first = start - start % self.header.chunk_rows
        return super().read(array, first, first + stop - start, columns)


@breaks("check_shards_own_their_files", "is written by shard")
class OneFileForAllShards(GoodStorage):
    def write_shard(self, staging, header, shard, arrays):
        return super().write_shard(staging, header, 0, arrays)


@breaks("check_shards_own_their_files", "but no file")
class ReturnsOtherNames(GoodStorage):
    def write_shard(self, staging, header, shard, arrays):
        return [f"{name}x" for name in super().write_shard(staging, header, shard, arrays)]


@breaks("check_shards_own_their_files", "not allowed in a store")
class LeavesTheStore(GoodStorage):
    def write_shard(self, staging, header, shard, arrays):
        names = super().write_shard(staging, header, shard, arrays)
        return [*names, "../outside.bin"]


@breaks("check_same_rows_same_files", "other bytes")
class WritesTheTime(GoodStorage):
    def write_shard(self, staging, header, shard, arrays):
        names = super().write_shard(staging, header, shard, arrays)
        (staging / "log").mkdir()
        (staging / f"log/{shard}.txt").write_text(str(time.perf_counter_ns()))
        return [*names, f"log/{shard}.txt"]


@breaks("check_same_rows_same_files", "is in")
class NamesByInstance(GoodStorage):
    made = iter(range(1000))

    def write_shard(self, staging, header, shard, arrays):
        names = super().write_shard(staging, header, shard, arrays)
        extra = f"made-{next(self.made)}.txt"
        (staging / extra).write_text("")
        return [*names, extra]


@breaks("check_interrupted_store_is_completed", "after an interruption")
class NumbersShardsFromItsOwnStart(GoodStorage):
    """Believes that the first shard an instance writes is the store's first, and keeps that."""

    first = None

    def write_shard(self, staging, header, shard, arrays):
        if self.first is None:
            self.first = shard
        if self.first:
            arrays = {name: np.zeros_like(rows) for name, rows in arrays.items()}
        return super().write_shard(staging, header, shard, arrays)


class ZerosForMissing(GoodReader):
    """What zarr does: a chunk that is not there reads as fill values."""

    def shard(self, array, shard):
        if not (self.root / shard_name(array.name, shard)).exists():
            rows = self.header.shard_rows(shard)
            return np.zeros((rows, array.columns), np.float32)
        return super().shard(array, shard)


@breaks("check_missing_file_is_an_error", "missing: other values")
class MissingReadsAsZeros(GoodStorage):
    def open(self, root, header):
        return ZerosForMissing(root, header)


class Pads(GoodReader):
    """Fills up what a truncated file lacks."""

    def bytes_of(self, array, shard):
        content = (self.root / shard_name(array.name, shard)).read_bytes()[4:]
        return content.ljust(4 * self.header.shard_rows(shard) * array.columns, b"\0")


@breaks("check_truncated_file_is_an_error", "truncated: other values")
class TruncatedReadsAsZeros(GoodStorage):
    def open(self, root, header):
        return Pads(root, header)


class Trusts(GoodReader):
    """Does not compare the checksum."""

    def bytes_of(self, array, shard):
        return (self.root / shard_name(array.name, shard)).read_bytes()[4:]


@breaks("check_flipped_bit_is_noticed", "flipped bit: other values")
class NoChecksum(GoodStorage):
    def open(self, root, header):
        return Trusts(root, header)
