"""A repair keeps every good shard, puts the damaged ones aside, and lets the writer do them again."""

import os

import attrs
import pytest
import torch

from traits_core.errors import BusyError, StoreError
from traits_core.progress import Silent
from traits_core.stores.commit import CREATION
from traits_core.stores.lock import locked
from traits_core.stores.reader import is_complete, open_store
from traits_core.stores.verifying.findings import Severity
from traits_core.stores.verifying.repair import repair_store
from traits_core.stores.verifying.store import Depth

FULL = Depth(full=True, jobs=2)


@pytest.fixture
def store(tmp_path, any_header, write, storage_of):
    root = tmp_path / "store"
    write(root, any_header, storage=storage_of(any_header))
    return root


@pytest.fixture
def repair(registry):
    return lambda root, depth=FULL: repair_store(root, registry, depth, Silent())


@pytest.fixture
def rewrite(any_header, storage_of, write, values, registry):
    """Write what is missing; assert that the store is then what it was at first."""

    def again(root):
        write(root, any_header, storage=storage_of(any_header))
        opened = open_store(root, registry)
        for name, expected in values(any_header).items():
            assert torch.equal(opened.read(name, 0, any_header.rows), expected)

    return again


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[3] ^= 1
    path.write_bytes(raw)


def as_directory(path):
    path.unlink()
    path.mkdir()


def as_link(path):
    path.unlink()
    path.symlink_to("/dev/zero")


FAULTS = {
    "flipped": flip,
    "deleted": lambda path: path.unlink(),
    "cut short": lambda path: os.truncate(path, 1),
    "directory": as_directory,
    "link": as_link,
}


@pytest.mark.parametrize(
    ("fault", "lost"),
    [
        *((fault, [CREATION, 1]) for fault in FAULTS),
        *(("flipped", lost) for lost in ([0], [2], [0, 2], [0, 1, 2], [CREATION])),
    ],
)
def test_only_damaged_shards_are_written_again(
    store, files_of, repair, rewrite, verified, fault, lost
):
    files = {shard: files_of(store, shard) for shard in (CREATION, 0, 1, 2)}
    kept = [store / name for shard in files if shard not in lost for name in files[shard]]
    before = {path: path.stat().st_ino for path in kept}
    for shard in lost:
        FAULTS[fault](store / files[shard][0])
    report = repair(store)
    assert report.repaired
    assert {finding.severity for finding in report.findings} == {Severity.INCOMPLETE}
    assert report.findings == verified(store)
    assert not is_complete(store)
    assert {path: path.stat().st_ino for path in kept} == before
    rewrite(store)
    assert verified(store) == ()
    assert {path: path.stat().st_ino for path in kept} == before


def test_what_is_taken_out_lies_in_quarantine_as_it_was(store, files_of, repair):
    names = files_of(store, 1)
    flip(store / names[0])
    before = {name: (store / name).read_bytes() for name in (*names, "manifest.jsonl")}
    repair(store)
    assert {n: (store / "quarantine/1" / n).read_bytes() for n in before} == before


def test_a_second_repair_has_a_quarantine_of_its_own(store, files_of, repair, rewrite):
    for number in (1, 2):
        name = files_of(store, 1)[0]
        flip(store / name)
        repair(store)
        assert (store / "quarantine" / str(number) / name).exists()
        rewrite(store)


def test_a_clean_store_is_left_as_it_is(store, repair):
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.name != "LOCK"}
    report = repair(store)
    assert report.clean
    assert report.repaired == ()
    after = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.name != "LOCK"}
    assert after == before


def test_damaged_lines_are_dropped_and_others_kept(store, repair, rewrite, verified):
    path = store / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(
        lines[0] + lines[1][:50] + b"?" + lines[1][51:] + lines[2] + lines[2] + lines[3]
    )
    with pytest.raises(StoreError, match="line 2 is damaged"):
        is_complete(store)
    repair(store)
    assert path.read_bytes() == lines[0] + lines[2] + lines[3]
    rewrite(store)
    assert verified(store) == ()


def test_leftovers_are_deleted_and_what_belongs_to_nobody_is_moved(store, repair, verified):
    (store / "tmp-1").mkdir()
    (store / "tmp-1/x").write_text("x")
    (store / "manifest.jsonl.tmp-1").write_text("x")
    (store / "thesis.tex").write_text("years of work")
    report = repair(store)
    assert report.clean
    assert (store / "quarantine/1/thesis.tex").read_text() == "years of work"
    assert not list(store.glob("*tmp-*"))
    assert verified(store) == ()


def test_nothing_outside_is_moved_through_a_link(tmp_path, store, repair, rewrite, verified):
    (store / "arrays").rename(tmp_path / "mine")
    (store / "arrays").symlink_to(tmp_path / "mine")
    before = sorted(tmp_path.joinpath("mine").rglob("*"))
    repair(store)
    assert sorted(tmp_path.joinpath("mine").rglob("*")) == before
    assert (store / "quarantine/1/arrays").is_symlink()
    rewrite(store)
    assert verified(store) == ()


def test_a_quarantine_elsewhere_is_refused(tmp_path, store, files_of, repair):
    (tmp_path / "elsewhere").mkdir()
    (store / "quarantine").symlink_to(tmp_path / "elsewhere")
    flip(store / files_of(store, 1)[0])
    with pytest.raises(StoreError, match="quarantine is a symbolic link"):
        repair(store)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_store_that_cannot_be_believed_is_left_as_it_is(store, forged, repair, any_header):
    text = (store / "store.json").read_text()
    (store / "store.json").write_text(text.replace('"train"', '"test"'))
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.name != "LOCK"}
    report = repair(store)
    assert not report.readable
    assert report.repaired == ()
    after = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.name != "LOCK"}
    assert after == before
    (store / "store.json").write_text(text)
    assert repair(store).clean


def test_a_store_that_is_being_written_is_not_repaired(store, repair):
    with locked(store), pytest.raises(BusyError, match="in use by pid"):
        repair(store)


class Died(BaseException):
    """Stands for the death of the process: nothing in the product catches it."""


def test_a_repair_that_dies_at_any_change_can_be_done_again(
    tmp_path, any_header, write, storage_of, files_of, repair, rewrite, verified, monkeypatch
):
    steps, died = 0, True
    while died:
        root, steps, died = tmp_path / str(steps), steps + 1, False
        write(root, any_header, storage=storage_of(any_header))
        flip(root / files_of(root, 0)[0])
        (root / files_of(root, 2)[0]).unlink()
        (root / "tmp-1").mkdir()
        left = steps

        def dying(real):
            def call(*args, **kwargs):
                nonlocal left
                left -= 1
                if left == 0:
                    raise Died
                return real(*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            for name in ("fsync", "replace", "rename", "mkdir", "rmdir", "unlink"):
                patch.setattr(os, name, dying(getattr(os, name)))
            try:
                repair(root)
            except Died:
                died = True
        repair(root)
        good = {f.severity for f in verified(root)}
        assert good == {Severity.INCOMPLETE}
        rewrite(root)
        assert verified(root) == ()
    assert steps > 10


def test_without_full_a_repair_takes_out_what_it_has_seen(store, files_of, repair):
    (store / files_of(store, 1)[0]).unlink()
    report = repair(store, attrs.evolve(FULL, full=False))
    assert [f.what for f in report.findings] == ["shard 1 is missing: rows 8 to 16"]
