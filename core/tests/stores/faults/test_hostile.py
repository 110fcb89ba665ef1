"""A store that somebody made to harm asks for no memory, runs no code and reaches no other file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from traits_core.errors import StoreError
from traits_core.progress import Silent
from traits_core.stores.files import StoredFile
from traits_core.stores.reader import open_store
from traits_core.stores.verifying.findings import Severity
from traits_core.stores.verifying.repair import repair_store
from traits_core.stores.verifying.store import Depth, verify_store

HERE = Path(__file__).parent
DEPTH = Depth(full=True, jobs=1)


@pytest.fixture
def run(tmp_path, any_header):
    """Run one of the scripts beside this test on a store of `any_header`; return what it prints."""

    def script(name):
        ended = subprocess.run(
            [sys.executable, str(HERE / name), str(tmp_path), json.dumps(attrs.asdict(any_header))],
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return script


def test_absurd_shapes_ask_for_no_memory(run):
    """Headers, array metadata and manifests that agree on 10^13 rows or columns, in 256 MiB."""
    outcomes = run("absurd_shapes.py")
    assert len(outcomes) >= 6
    for name, outcome in outcomes.items():
        assert outcome["opened"].startswith(("StoreError", "read ")), (name, outcome)
        assert outcome["severities"], name
        assert set(outcome["severities"]) <= {"damaged", "incomplete", "unreadable"}, name


@pytest.mark.parametrize("name", ["store.json", "manifest.jsonl"])
def test_a_record_that_is_longer_than_any_is_not_read(tmp_path, write, registry, name):
    write(tmp_path)
    os.truncate(tmp_path / name, 2**42)  # a hole
    with pytest.raises(StoreError, match=rf"{name}: .*is longer than 67,108,864 bytes"):
        open_store(tmp_path, registry)
    report = verify_store(tmp_path, registry, DEPTH, Silent())
    assert Severity.UNREADABLE in {finding.severity for finding in report.findings}


@pytest.mark.slow
def test_a_pickle_in_any_file_is_not_unpickled(run):
    outcome = run("pickled_files.py")
    assert outcome["control"] == ["found class", "code ran"]
    assert len(outcome["files"]) >= 10
    for name, happened in outcome["files"].items():
        assert happened["unpickled"] == [], name
        assert happened["found"], name
    assert "scorer/prototypes.safetensors" in outcome["files"]


NAMES = ["../outside", "/etc/passwd", "arrays/../../outside", "store.json", "LOCK", "quarantine/x"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leaves_the_store_is_found_and_not_followed(
    tmp_path, any_header, write, storage_of, forged, registry, verified, name
):
    outside = tmp_path / "outside"
    outside.write_bytes(b"x")
    root = tmp_path / "store"
    write(root, any_header, storage=storage_of(any_header))
    file = StoredFile(name=name, bytes=1, xxh3="0" * 32)
    forged(
        root,
        change_commit=lambda c: attrs.evolve(c, files=(*c.files, file)) if c.shard == 1 else c,
    )
    with pytest.raises(StoreError, match="is not allowed in a store"):
        open_store(root, registry)
    (found,) = verified(root)
    assert (found.severity, found.shard) == (Severity.DAMAGED, 1)
    assert "is not allowed in a store" in found.what
    before = (root / "store.json").stat().st_mtime_ns
    report = repair_store(root, registry, DEPTH, Silent())
    assert {f.severity for f in report.findings} == {Severity.INCOMPLETE}
    assert outside.read_bytes() == b"x"
    assert (root / "store.json").stat().st_mtime_ns == before


def test_a_link_in_place_of_a_directory_is_found_and_not_followed(
    tmp_path, any_header, write, storage_of, verified
):
    root = tmp_path / "store"
    write(root, any_header, storage=storage_of(any_header))
    (root / "arrays/low/c").rename(tmp_path / "elsewhere")
    (root / "arrays/low/c").symlink_to(tmp_path / "elsewhere")
    found = verified(root)
    damaged = {f.shard for f in found if f.severity is Severity.DAMAGED}
    assert damaged == {0, 1, 2}
    assert all("a symbolic link" in f.what for f in found if f.severity is Severity.DAMAGED)
