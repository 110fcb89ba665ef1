"""Run by test_disk.py in a mount namespace of its own: fill a small file system, enlarge it, go on."""

import subprocess
import tempfile
from pathlib import Path

import attrs
import pytest
import torch

from traits_core.errors import DiskFullError
from traits_core.progress import Silent
from traits_core.records import FeatureSpec
from traits_core.registry.loader import load_registry
from traits_core.stores import writer as writer_module
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.reader import open_store
from traits_core.stores.verifying.findings import Severity
from traits_core.stores.verifying.store import Depth, verify_store
from traits_core.stores.writer import StoreWriter

FEATURE = FeatureSpec(
    backbone="b",
    checkpoint="c",
    layer="l",
    d_model=64,
    position="cell",
    grid=(1, 1),
    preprocessing="none",
)
HEADER = StoreHeader(
    kind="activations",
    storage="",
    dtype="float32",
    rows=4096,  # 1 MiB in 8 shards
    positions=1,
    rows_per_shard=512,
    chunk_rows=256,
    chunk_columns=64,
    arrays=(ArraySpec(name="low", columns=64, feature=FEATURE),),
    dataset="d",
    dataset_digest="dd",
    split="train",
)
VALUES = torch.arange(4096 * 64, dtype=torch.float32).reshape(4096, 64) + 1


def write(root, header, storage):
    with StoreWriter(root, header, storage) as writer:
        for gap in writer.gaps():
            for start in range(gap.start, gap.stop, 100):
                writer.append({"low": VALUES[start : min(start + 100, gap.stop)]})
        writer.finish()


def main():
    registry = load_registry()
    depth = Depth(full=True, jobs=1)
    writer_module.refuse_small_disk = lambda *_: None  # it would refuse before the disk is full
    for name in ("zarr", "raw"):
        header = attrs.evolve(HEADER, storage=name)
        spec = registry.get("storage", name)
        storage = spec.load()(spec.config())
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory) / "store"
            mount = ["mount", "-t", "tmpfs", "-o", "size=700k", "t", directory]
            subprocess.run(mount, check=True)
            for _ in range(2):
                with pytest.raises(DiskFullError, match="No space left on device"):
                    write(root, header, storage)
            before = verify_store(root, registry, depth, Silent())
            assert {f.severity for f in before.findings} == {Severity.INCOMPLETE}, before
            assert 0 < before.checked.shards < 8
            remount = ["mount", "-o", "remount,size=4m", directory]
            subprocess.run(remount, check=True)
            write(root, header, storage)
            assert verify_store(root, registry, depth, Silent()).clean
            assert torch.equal(open_store(root, registry).read("low", 0, 4096), VALUES)
            subprocess.run(["umount", directory], check=True)
    print("whole")


if __name__ == "__main__":
    main()
