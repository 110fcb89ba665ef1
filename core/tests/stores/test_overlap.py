"""Committing in a thread changes when a shard is written, and nothing about what is written."""

import threading
import time

import attrs
import pytest

from traits_core.errors import StoreError
from traits_core.stores import committer
from traits_core.stores.backends.chunk_grid import column_blocks
from traits_core.stores.commit import measure
from traits_core.stores.committer import Committer
from traits_core.stores.dtypes import encode
from traits_core.stores.json_records import HEADER_FILE
from traits_core.stores.writer import StoreWriter


@attrs.frozen
class GatedStorage:
    """A storage that waits before it writes a shard, or fails at one."""

    inner: object
    gate: threading.Event = attrs.field(factory=threading.Event)
    error: BaseException | None = None

    def create(self, root, header):
        self.inner.create(root, header)

    def write_shard(self, staging, header, shard, arrays):
        assert self.gate.wait(30)
        if self.error and shard == 0:
            raise self.error
        return self.inner.write_shard(staging, header, shard, arrays)


def rows(data, start, stop):
    return {name: x[start:stop] for name, x in data.items()}


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith("traits-")]


def test_the_files_are_those_of_commits_one_after_another(tmp_path, header, storage, write):
    data = write(tmp_path / "overlapped")
    (tmp_path / "serial").mkdir()
    serially = Committer(tmp_path / "serial", header, storage)
    serially.create()
    for shard in range(header.n_shards):
        part = rows(data, 8 * shard, 8 * shard + 8)
        arrays = {name: encode(x, header.dtype) for name, x in part.items()}
        blocks = column_blocks(arrays, header.chunk_columns)
        stats = {name: measure(x) for name, x in part.items()}
        serially.commit(serially.stage(shard, blocks, stats))
    serial = {p.relative_to(tmp_path / "serial") for p in (tmp_path / "serial").rglob("*.*")}
    serial |= {p.relative_to(tmp_path / "serial") for p in (tmp_path / "serial").rglob("c/*/*")}
    assert len(serial) > 10
    for name in serial:
        expected = tmp_path / "serial" / name
        assert (
            expected.is_dir()
            or (tmp_path / "overlapped" / name).read_bytes() == expected.read_bytes()
        )
    assert (tmp_path / "overlapped" / HEADER_FILE).exists()


def test_rows_are_taken_while_a_shard_is_written_and_do_not_change_it(
    tmp_path, header, storage, values, assert_holds
):
    data, slow = values(), GatedStorage(storage)
    with StoreWriter(tmp_path, header, slow) as writer:
        writer.append(rows(data, 0, 8))
        writer.append(rows(data, 8, 15))  # returns although shard 0 is not written
        assert len((tmp_path / "manifest.jsonl").read_bytes().splitlines()) == 1
        slow.gate.set()
        writer.append(rows(data, 15, 20))
        writer.finish()
    assert_holds(tmp_path, data)


def test_the_caller_may_change_its_batch_once_append_has_returned(
    tmp_path, header, storage, values, assert_holds
):
    data, slow = values(), GatedStorage(storage)
    with StoreWriter(tmp_path, header, slow) as writer:
        batch = {name: x[:8].clone() for name, x in data.items()}
        writer.append(batch)
        for x in batch.values():
            x.zero_()
        slow.gate.set()
        writer.append(rows(data, 8, 20))
        writer.finish()
    assert_holds(tmp_path, data)


@pytest.mark.parametrize("where", ["append", "finish", "exit"])
@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (OSError(5, "Input/output error"), StoreError, "shard 0 .*Input/output error.*0 of 3"),
        (StoreError("the format cannot"), StoreError, "the format cannot"),
        (MemoryError("no memory"), MemoryError, "no memory"),
    ],
)
def test_what_a_commit_raises_reaches_the_caller_wherever_it_is_next(
    tmp_path, header, storage, values, write, assert_holds, where, error, raised, words
):
    data, failing = values(), GatedStorage(storage, error=error)
    failing.gate.set()

    def attempt():
        with StoreWriter(tmp_path, header, failing) as writer:
            writer.append(rows(data, 0, 8))
            if where == "append":
                writer.append(rows(data, 8, 16))
            elif where == "finish":
                writer.finish()

    with pytest.raises(raised, match=words):
        attempt()
    assert not list(tmp_path.glob("tmp-*"))
    write(tmp_path)
    assert_holds(tmp_path, data)


def test_a_shard_is_written_while_the_one_before_is_flushed(
    tmp_path, header, storage, values, assert_holds, monkeypatch
):
    data, gate, real = values(), threading.Event(), committer.move_durably

    def slow(*args):
        assert gate.wait(30)
        real(*args)

    with StoreWriter(tmp_path, header, storage) as writer:
        monkeypatch.setattr(committer, "move_durably", slow)
        writer.append(rows(data, 0, 16))
        deadline = time.monotonic() + 30
        while len(list(tmp_path.glob("tmp-*/arrays/high/c/*/0"))) < 4:  # two chunks a shard
            assert time.monotonic() < deadline
        gate.set()
        writer.append(rows(data, 16, 20))
        writer.finish()
    assert_holds(tmp_path, data)


def test_a_shard_behind_one_that_could_not_be_committed_is_dropped(
    tmp_path, header, storage, values, write, assert_holds, monkeypatch
):
    data, real, moved = values(), committer.move_durably, []

    def fail_once(*args):
        moved.append(args)
        if len(moved) == 1:
            raise OSError(5, "Input/output error")
        real(*args)

    def attempt():
        with StoreWriter(tmp_path, header, storage) as writer:
            monkeypatch.setattr(committer, "move_durably", fail_once)
            writer.append(rows(data, 0, 16))

    with pytest.raises(StoreError, match=r"shard 0 .*Input/output error.*0 of 3"):
        attempt()
    monkeypatch.undo()
    assert len(moved) == 1
    assert not list(tmp_path.glob("tmp-*"))
    with StoreWriter(tmp_path, header, storage) as writer:
        assert writer.committed_rows == 0
    write(tmp_path)
    assert_holds(tmp_path, data)


def test_a_writer_that_failed_takes_no_rows(tmp_path, header, storage, values):
    data, failing = values(), GatedStorage(storage, error=StoreError("the format cannot"))
    failing.gate.set()
    with StoreWriter(tmp_path, header, failing) as writer:
        writer.append(rows(data, 0, 8))
        with pytest.raises(StoreError, match="the format cannot"):
            writer.append(rows(data, 8, 16))
        with pytest.raises(StoreError, match="inside the `with` block"):
            writer.append(rows(data, 8, 16))


def test_an_error_of_the_caller_is_not_hidden_by_one_of_the_commit(
    tmp_path, header, storage, values
):
    failing = GatedStorage(storage, error=OSError(5, "Input/output error"))
    failing.gate.set()

    def attempt():
        with StoreWriter(tmp_path, header, failing) as writer:
            writer.append(rows(values(), 0, 8))
            raise KeyError("of the caller")

    with pytest.raises(KeyError, match="of the caller"):
        attempt()


def test_leaving_the_block_waits_for_the_shard_that_is_full(tmp_path, header, storage, values):
    slow = GatedStorage(storage)
    opener = threading.Timer(0.05, slow.gate.set)

    def attempt():
        with StoreWriter(tmp_path, header, slow) as writer:
            writer.append(rows(values(), 0, 9))
            opener.start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt()
    with StoreWriter(tmp_path, header, storage) as writer:
        assert writer.committed_rows == 8
