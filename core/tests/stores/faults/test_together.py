"""A store while it is being written: readers and verification see committed shards, and say so."""

import threading

import pytest
import torch

from traits_core.errors import StoreError
from traits_core.stores.reader import is_complete, open_store
from traits_core.stores.verifying.findings import Severity
from traits_core.stores.writer import StoreWriter


def test_what_a_live_writer_has_in_hand_is_no_leftover(
    tmp_path, any_header, storage_of, values, verified
):
    data = values(any_header)
    with StoreWriter(tmp_path, any_header, storage_of(any_header)) as writer:
        writer.append({name: x[:11] for name, x in data.items()})
        assert writer.committed_rows == 8
        (tmp_path / "tmp-1").mkdir()
        (tmp_path / "tmp-1/x").write_text("x")
        (tmp_path / "arrays/low/c/2").mkdir(exist_ok=True)
        (tmp_path / "arrays/low/c/2/0").write_text("renamed, and not in the manifest yet")
        missing, busy = verified(tmp_path)
        assert missing.what == "shards 1 to 2 are missing: rows 8 to 20"
        assert busy.severity is Severity.INCOMPLETE
        assert "it is being written by pid" in busy.what
    leftovers = [f for f in verified(tmp_path) if f.severity is Severity.LEFTOVER]
    assert {f.file for f in leftovers} == {"tmp-1", "arrays/low/c/2/0"}


def test_verification_keeps_no_writer_out(tmp_path, any_header, storage_of, verified, write):
    write(tmp_path, any_header, storage=storage_of(any_header))
    assert verified(tmp_path) == ()
    with StoreWriter(tmp_path, any_header, storage_of(any_header)):
        assert verified(tmp_path) == ()


@pytest.mark.slow
def test_readers_and_verification_beside_a_writer_see_whole_shards_or_an_error(
    tmp_path, any_header, storage_of, values, verified, registry
):
    data = values(any_header)
    looked, allowed = 0, {Severity.INCOMPLETE, Severity.LEFTOVER}

    def write(root):
        with StoreWriter(root, any_header, storage_of(any_header)) as writer:
            for row in range(any_header.rows):
                writer.append({name: x[row : row + 1] for name, x in data.items()})
            writer.finish()

    for number in range(20):
        root = tmp_path / str(number)
        writing = threading.Thread(target=write, args=(root,))
        writing.start()
        while writing.is_alive():
            if not (root / "store.json").exists():
                continue
            assert {f.severity for f in verified(root)} <= allowed
            if not is_complete(root):
                looked += 1
                continue
            store = open_store(root, registry)
            for name, expected in data.items():
                assert torch.equal(store.read(name, 0, any_header.rows), expected)
        writing.join()
        assert verified(root) == ()
    assert looked > 0


def test_a_reader_of_a_half_written_store_is_told_how_far_it_is(
    tmp_path, any_header, storage_of, values, registry
):
    data = values(any_header)
    with StoreWriter(tmp_path, any_header, storage_of(any_header)) as writer:
        for shards, stop in ((0, 7), (1, 8), (2, 16)):
            start = 0 if stop == 7 else 7 if stop == 8 else 8
            writer.append({name: x[start:stop] for name, x in data.items()})
            assert writer.committed_rows == shards * 8
            with pytest.raises(StoreError, match=f"incomplete: {shards} of 3 shards"):
                open_store(tmp_path, registry)
