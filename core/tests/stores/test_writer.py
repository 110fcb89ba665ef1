"""Resuming, refusing and failing cleanly: what a writer does when things are not as they should be."""

import errno
import json
import os
import subprocess
import sys

import attrs
import pytest
import torch

from traits_core.errors import BusyError, DataError, DiskFullError, StoreError
from traits_core.stores import committer
from traits_core.stores.commit import ArrayStats, measure
from traits_core.stores.header import KeptScores
from traits_core.stores.reader import is_complete, open_store
from traits_core.stores.writer import StoreWriter


def batch(data, start, stop):
    return {name: x[start:stop] for name, x in data.items()}


def test_a_writer_resumes_behind_its_last_whole_shard(
    tmp_path, header, storage, values, write, assert_holds
):
    data = values()
    with StoreWriter(tmp_path, header, storage) as writer:
        writer.append(batch(data, 0, 11))
        assert (writer.committed_rows, writer.complete) == (8, False)
    assert not is_complete(tmp_path)
    with StoreWriter(tmp_path, header, storage) as writer:
        assert writer.committed_rows == 8
    write(tmp_path)
    assert is_complete(tmp_path)
    assert_holds(tmp_path, data)


def test_a_complete_store_opens_for_writing_and_takes_no_more(tmp_path, header, storage, write):
    data = write(tmp_path)
    with StoreWriter(tmp_path, header, storage) as writer:
        assert writer.complete
        writer.finish()
        with pytest.raises(StoreError, match="rows 20 to 21 were appended, the store has 20"):
            writer.append(batch(data, 0, 1))


def test_the_manifest_counts_and_measures_the_stored_values(tmp_path, header, write):
    data = write(tmp_path)
    lines = [json.loads(x) for x in (tmp_path / "manifest.jsonl").read_text().splitlines()]
    assert [(x["shard"], x["row_start"], x["rows"]) for x in lines] == [
        (-1, 0, 0),
        (0, 0, 8),
        (1, 8, 8),
        (2, 16, 4),
    ]
    rows = data["low"][8:16]
    assert lines[2]["arrays"]["low"] == {
        "n_nan": 0,
        "n_inf": 0,
        "min": float(rows.min()),
        "max": float(rows.max()),
        "absmax": float(rows.abs().max()),
    }


def test_the_digest_names_contents_and_not_places(tmp_path, write, values, registry):
    write(tmp_path / "a")
    write(tmp_path / "b")
    write(tmp_path / "c", data=values(seed=1))
    a, b, c = (open_store(tmp_path / name, registry).digest for name in "abc")
    assert a == b != c


@pytest.fixture
def with_a_hole(tmp_path, write):
    """A store without the line of shard 1."""
    data = write(tmp_path)
    path = tmp_path / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    return data


def test_a_lost_shard_is_refilled_and_the_others_are_kept(
    tmp_path, header, storage, with_a_hole, registry, assert_holds
):
    kept = [tmp_path / f"arrays/low/c/{chunk}/0" for chunk in (0, 1, 4)]
    before = [path.stat().st_ino for path in kept]
    with StoreWriter(tmp_path, header, storage) as writer:
        assert (writer.committed_rows, writer.complete) == (8, False)
        gaps = []
        for rows in writer.gaps():
            gaps.append(rows)
            writer.append(batch(with_a_hole, rows.start, rows.stop))
        writer.finish()
    assert gaps == [range(8, 16)]
    assert [path.stat().st_ino for path in kept] == before
    assert_holds(tmp_path, with_a_hole)


@pytest.mark.parametrize("stop", [17, 20])
def test_rows_of_a_committed_shard_are_refused_whole(
    tmp_path, header, storage, with_a_hole, stop, assert_holds
):
    with StoreWriter(tmp_path, header, storage) as writer:
        with pytest.raises(StoreError, match=f"rows 8 to {stop} are not all missing"):
            writer.append(batch(with_a_hole, 8, stop))
        writer.append(batch(with_a_hole, 8, 16))
        with pytest.raises(StoreError, match="rows 16 to 20 are not all missing"):
            writer.append(batch(with_a_hole, 16, 20))
        writer.finish()
    assert_holds(tmp_path, with_a_hole)


def test_a_gap_is_filled_before_the_next_one_is_given(tmp_path, header, storage, values):
    with StoreWriter(tmp_path, header, storage) as writer:
        gaps = writer.gaps()
        assert next(gaps) == range(20)
        writer.append(batch(values(), 0, 19))
        with pytest.raises(StoreError, match="rows up to 20 were not appended"):
            next(gaps)


def test_finish_refuses_a_store_that_lacks_rows(tmp_path, header, storage, values):
    with StoreWriter(tmp_path, header, storage) as writer:
        writer.append(batch(values(), 0, 19))
        with pytest.raises(StoreError, match="19 of 20 rows"):
            writer.finish()


def test_another_header_is_refused_with_the_fields_that_differ(tmp_path, write, storage, header):
    write(tmp_path)
    feature = attrs.evolve(header.arrays[1].feature, checkpoint="other")
    arrays = (header.arrays[0], attrs.evolve(header.arrays[1], feature=feature))
    other = attrs.evolve(header, split="test", arrays=arrays)
    with pytest.raises(StoreError) as caught, StoreWriter(tmp_path, other, storage):
        pass
    message = str(caught.value)
    assert "split is 'train' there and 'test' here" in message
    assert "arrays[1].feature.checkpoint is 'c' there and 'other' here" in message
    assert "kind" not in message


def test_a_second_writer_is_refused_and_told_who_holds_the_store(tmp_path, header, storage):
    with (
        StoreWriter(tmp_path, header, storage),
        pytest.raises(BusyError, match=f"pid {os.getpid()} on "),
        StoreWriter(tmp_path, header, storage),
    ):
        pass
    with StoreWriter(tmp_path, header, storage):
        pass


def test_a_lock_is_free_once_its_holder_was_killed(tmp_path, header, storage):
    code = (
        "import pathlib, sys, time\n"
        "from traits_core.stores.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(BusyError, match=f"pid {holder.pid} on "),
            StoreWriter(tmp_path, header, storage),
        ):
            pass
        holder.kill()
    with StoreWriter(tmp_path, header, storage):
        pass


@pytest.mark.parametrize(
    ("value", "word"), [(float("nan"), "NaN"), (float("inf"), "infinity"), (-float("inf"), "inf")]
)
def test_a_value_that_is_no_number_is_refused_by_array_and_row(
    tmp_path, header, storage, values, value, word, assert_holds
):
    data = values()
    with StoreWriter(tmp_path, header, storage) as writer:
        writer.append(batch(data, 0, 9))
        bad = {name: x.clone() for name, x in batch(data, 9, 15).items()}
        bad["high"][4, 1] = value
        with pytest.raises(DataError, match=f"array 'high', row 13: {word}"):
            writer.append(bad)
        writer.append(batch(data, 9, 20))  # nothing of the refused batch was taken
        writer.finish()
    assert_holds(tmp_path, data)


def test_a_float16_store_refuses_what_float16_cannot_hold(tmp_path, evolve, storage, values):
    data = values()
    data["low"][3, 1] = 70000
    with (
        StoreWriter(tmp_path, evolve(dtype="float16"), storage) as writer,
        pytest.raises(StoreError, match="bfloat16"),
    ):
        writer.append(data)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda d: {k: v[:0] for k, v in d.items()}, DataError, "0 rows"),
        (lambda d: {"low": d["low"]}, StoreError, r"got arrays \['low'\]"),
        (lambda d: d | {"high": d["high"][:3]}, StoreError, "array 'high'"),
        (lambda d: d | {"high": d["high"].int()}, StoreError, "int32"),
        (lambda d: d | {"high": d["high"][:, :1]}, StoreError, r"\(20, 1\), expected"),
    ],
)
def test_a_batch_of_another_shape_is_refused(
    tmp_path, header, storage, values, change, error, words
):
    with (
        StoreWriter(tmp_path, header, storage) as writer,
        pytest.raises(error, match=words),
    ):
        writer.append(change(values()))


def test_rows_are_taken_inside_the_block_only(tmp_path, header, storage, values):
    writer = StoreWriter(tmp_path, header, storage)
    with pytest.raises(StoreError, match="inside the `with` block"):
        writer.append(values())


def test_a_directory_with_other_files_is_left_alone(tmp_path, header, storage):
    (tmp_path / "thesis.tex").write_text("x")
    with (
        pytest.raises(StoreError, match=r"holds 'thesis.tex' and no store.json"),
        StoreWriter(tmp_path, header, storage),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_disk_that_is_too_small_is_said_before_writing(tmp_path, evolve, storage, header):
    rows = 2 * 10**15
    with (
        pytest.raises(StoreError, match="GB are needed and"),
        StoreWriter(tmp_path, evolve(rows=rows), storage),
    ):
        pass
    assert not (tmp_path / "store.json").exists()


def test_nobody_knows_what_scores_above_a_threshold_will_take(tmp_path, evolve, storage):
    kept = KeptScores(form="threshold", tau=0.0, n_prototypes=3)
    with StoreWriter(tmp_path, evolve(rows=2 * 10**15, kind="scores", kept=kept), storage):
        assert (tmp_path / "store.json").exists()


@pytest.mark.parametrize("where", ["move_durably", "append_commit"])
def test_a_full_disk_keeps_the_committed_shards(
    tmp_path, header, storage, values, write, assert_holds, monkeypatch, where
):
    data = values()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with StoreWriter(tmp_path, header, storage) as writer:
        writer.append(batch(data, 0, 10))
        assert writer.committed_rows == 8
        with monkeypatch.context() as patch:
            patch.setattr(committer, where, full)
            writer.append(batch(data, 10, 18))
            words = r"No space left.*1 of 3 shards are committed.*run the same command again"
            with pytest.raises(DiskFullError, match=words) as caught:
                writer.finish()
            assert caught.value.exit_code == os.EX_TEMPFAIL
        with pytest.raises(StoreError, match="inside"):
            writer.append(batch(data, 18, 20))
    assert not list(tmp_path.glob("tmp-*"))
    write(tmp_path)
    assert_holds(tmp_path, data)


def test_a_manifest_line_that_is_written_in_part_is_taken_back(
    tmp_path, header, storage, values, write, assert_holds, monkeypatch
):
    data, real_write = values(), os.write
    with StoreWriter(tmp_path, header, storage) as writer:
        before = (tmp_path / "manifest.jsonl").read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", lambda handle, line: real_write(handle, line[:40]))
            writer.append(batch(data, 0, 8))
            with pytest.raises(StoreError, match="0 of 3 shards"):
                writer.finish()
    assert (tmp_path / "manifest.jsonl").read_bytes() == before
    write(tmp_path)
    assert_holds(tmp_path, data)


def test_a_missing_shard_file_is_found_when_a_writer_resumes(tmp_path, header, storage, values):
    with StoreWriter(tmp_path, header, storage) as writer:
        writer.append(batch(values(), 0, 8))
    (tmp_path / "arrays/low/c/1/0").unlink()
    with (
        pytest.raises(StoreError, match="arrays/low/c/1/0 is missing"),
        StoreWriter(tmp_path, header, storage),
    ):
        pass


def test_tensors_that_need_gradients_are_stored_as_values(tmp_path, write, values, assert_holds):
    data = values()
    write(tmp_path, data={name: x.clone().requires_grad_() for name, x in data.items()})
    assert_holds(tmp_path, data)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_values_that_are_no_numbers_are_counted_and_left_out_of_the_extremes(dtype):
    nan, inf = float("nan"), float("inf")
    tensor = torch.tensor([[nan, 1.0, -3.0], [inf, -inf, nan]], dtype=dtype)
    assert measure(tensor) == ArrayStats(n_nan=2, n_inf=2, min=-3.0, max=1.0, absmax=3.0)
    assert measure(tensor[1:]) == ArrayStats(n_nan=1, n_inf=2, min=0.0, max=0.0, absmax=0.0)
    assert measure(tensor[:, 1:2][:1]) == ArrayStats(n_nan=0, n_inf=0, min=1.0, max=1.0, absmax=1.0)
