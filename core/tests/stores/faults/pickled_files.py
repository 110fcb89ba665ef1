"""Run by test_hostile.py: put a pickle in place of each file in turn, and use what is there."""

import io
import json
import os
import pickle
import shutil
import sys
from pathlib import Path

import attrs
import numpy as np
import torch

from traits_core.errors import TraitsError
from traits_core.progress import Silent
from traits_core.records import FeatureSpec
from traits_core.registry.loader import load_registry
from traits_core.scoring.saved import read_facts, save_scorer
from traits_core.scoring.verify import verify_scorer
from traits_core.stores.extras import read_extras
from traits_core.stores.files import describe
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import load_header, structure
from traits_core.stores.manifest_lines import encode_line, read_lines
from traits_core.stores.reader import open_store
from traits_core.stores.verifying.repair import repair_store
from traits_core.stores.verifying.store import Depth, verify_store
from traits_core.stores.writer import StoreWriter
from traits_core.tensors import load_tensors, save_tensors

SEEN: list[str] = []
ARMED: list[bool] = []


def hook(event, arguments):
    if ARMED and event == "pickle.find_class":
        SEEN.append("found class")


class Payload:
    """Unpickling it makes a directory."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


class Prototypes:
    """Saves as scorers do."""

    n_prototypes, file = 2, "prototypes.safetensors"

    def save(self, directory):
        save_tensors(directory / self.file, {"prototypes_kd": torch.eye(2, 3)}, {})


def happened(marker):
    """What has been unpickled since the last call."""
    seen = SEEN.copy()
    SEEN.clear()
    if marker.exists():
        marker.rmdir()
        seen.append("code ran")
    return seen


def write(root, header, storage):
    with StoreWriter(root, header, storage) as writer:
        for start in range(0, header.rows, 5):
            stop = min(start + 5, header.rows)
            arrays = {a.name: torch.ones(stop - start, a.columns) for a in header.arrays}
            writer.append(arrays)
        writer.finish()


def use(root, registry):
    """Everything that reads a store or a scorer; what is refused is refused."""
    errors = []
    for action in (
        lambda: open_store(root, registry).read("low", 0, 20),
        lambda: read_extras(root, load_header(root)),
        lambda: read_facts(root),
        lambda: load_tensors(root / Prototypes.file),
    ):
        try:
            action()
        except TraitsError as error:
            errors.append(str(error))
    if (root / "scorer.json").exists():
        return [verify_scorer(root).findings, errors]
    found = verify_store(root, registry, Depth(full=True, jobs=1), Silent()).findings
    repair_store(root, registry, Depth(full=True, jobs=1), Silent())
    return [found, []]


def sign(root):
    """Make the manifest agree with the files as they are."""
    header = load_header(root)
    lines = []
    for line in read_lines(root, header):
        files = tuple(describe(root, file.name) for file in line.commit.files)
        lines.append(encode_line(attrs.evolve(line.commit, files=files), header))
    (root / "manifest.jsonl").write_bytes(b"".join(lines))


def main():
    place, registry = Path(sys.argv[1]), load_registry()
    header = structure(json.loads(sys.argv[2]), StoreHeader)
    spec = registry.get("storage", header.storage)
    whole, scorer, marker = place / "whole", place / "scorer", place / "marker"
    write(whole, header, spec.load()(spec.config()))
    sys.addaudithook(hook)
    payload = pickle.dumps(Payload(marker))
    objects = io.BytesIO()
    np.save(objects, np.array([Payload(marker)], dtype=object), allow_pickle=True)

    feature = FeatureSpec(
        backbone="b",
        checkpoint="c",
        layer="l",
        d_model=3,
        position="cell",
        grid=(1, 2),
        preprocessing="none",
    )
    save_scorer(scorer, Prototypes(), "none", feature)
    use(shutil.copytree(whole, place / "warm"), registry)  # whatever is imported late
    ARMED.append(True)
    pickle.loads(payload)
    report = {"control": happened(marker), "files": {}}
    for root in (whole, scorer):
        names = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]
        for name in sorted(names):
            for content in (payload, objects.getvalue()):
                for signed in (False, True):
                    copy = shutil.copytree(root, place / "copy")
                    (copy / name).write_bytes(content)
                    if signed and name.startswith("arrays/"):
                        sign(copy)
                    found, errors = use(copy, registry)
                    shutil.rmtree(copy)
                    entry = report["files"].setdefault(
                        f"{root.name}/{name}", {"unpickled": [], "found": True}
                    )
                    entry["unpickled"] += happened(marker)
                    entry["found"] &= bool(found or errors) or signed or name == "LOCK"
    print(json.dumps(report))


if __name__ == "__main__":
    main()
