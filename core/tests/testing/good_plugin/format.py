"""`good.json` beside `rows.bin` and `index.bin`: one layer, in any dtype."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np

from traits_core import ArraySpec, Extra, FeatureSpec, ForeignStore, StoreError, StoreHeader
from traits_core.stores.dtypes import NUMPY_DTYPES, encode

FACTS = ("dtype", "rows", "positions", "columns", "index")


class GoodReader:
    def __init__(self, path, dtype, columns):
        self.path, self.dtype, self.columns = path, np.dtype(dtype), columns

    def read(self, array, start, stop, columns=slice(None)):
        row = self.columns * self.dtype.itemsize
        with self.path.open("rb") as file:
            file.seek(start * row)
            content = file.read((stop - start) * row)
        return self.rows(content, stop - start)[:, columns].copy()

    def rows(self, content, n):
        if len(content) < n * self.columns * self.dtype.itemsize:
            raise StoreError(f"{self.path} has become shorter")
        return np.frombuffer(content, self.dtype).reshape(n, self.columns)


class GoodFormat:
    reader = GoodReader

    def __init__(self, config):
        self.config = config

    def recognizes(self, root):
        return (root / "good.json").is_file() and (root / "rows.bin").is_file()

    def open(self, root):
        facts = self.facts(root)
        dtype, columns = NUMPY_DTYPES[facts["dtype"]], facts["columns"]
        self.check(root / "rows.bin", facts["rows"] * columns * dtype.itemsize)
        extras = {}
        if facts["index"]:
            self.check(root / "index.bin", facts["rows"] * 24)
            index = GoodReader(root / "index.bin", "<i8", 3)
            extras["index"] = Extra(
                shape=(facts["rows"], 3),
                dtype=index.dtype,
                read=lambda start, stop: index.read("", start, stop),
            )
        reader = self.reader(root / "rows.bin", dtype, columns)
        return ForeignStore(header=self.header(root, facts), reader=reader, extras=extras)

    def facts(self, root):
        try:
            return {name: json.loads((root / "good.json").read_text())[name] for name in FACTS}
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(f"{root}: good.json: {error}") from error

    def check(self, path, size):
        if not path.is_file() or path.stat().st_size != size:
            raise StoreError(f"{path} must be {size} bytes")

    def digest(self, root):
        with (root / "rows.bin").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def header(self, root, facts):
        feature = FeatureSpec(
            backbone="unknown",
            checkpoint="unknown",
            layer="only",
            d_model=facts["columns"],
            position="unknown",
            grid=None,
            preprocessing="unknown",
        )
        return StoreHeader(
            kind="activations",
            storage="good-format",
            dtype=facts["dtype"],
            rows=facts["rows"],
            positions=facts["positions"],
            rows_per_shard=self.config.block,
            chunk_rows=self.config.block,
            chunk_columns=facts["columns"],
            arrays=(ArraySpec(name="only", columns=facts["columns"], feature=feature),),
            dataset="unknown",
            dataset_digest=self.digest(root),
            split="all",
        )

    def write(self, root, source, dtype, progress):
        header = source.store.header
        if header.kind != "activations" or len(header.arrays) > 1:
            raise StoreError("one layer of activations can be written")
        self.refuse(root)
        staging = root.with_name(f"{root.name}.partial")
        staging.mkdir()
        try:
            self.fill(staging, source, dtype or header.dtype)
            return self.publish(staging, root)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def refuse(self, root):
        if root.exists() and any(root.iterdir()):
            raise StoreError(f"{root} holds something")

    def publish(self, staging, root):
        return staging.replace(root)

    def fill(self, staging, source, dtype):
        header, index = source.store.header, source.extras.get("index")
        with (staging / "rows.bin").open("wb") as file:
            for start in range(0, header.rows, self.config.block):
                stop = min(start + self.config.block, header.rows)
                rows_nd = source.store.read(header.arrays[0].name, start, stop)
                file.write(self.encoded(rows_nd, dtype).tobytes())
        if index:
            (staging / "index.bin").write_bytes(index.read(0, header.rows).tobytes())
        facts = (dtype, header.rows, header.positions, header.arrays[0].columns, bool(index))
        (staging / "good.json").write_text(json.dumps(dict(zip(FACTS, facts, strict=True))))

    def encoded(self, rows_nd, dtype):
        return np.ascontiguousarray(encode(rows_nd, dtype))
