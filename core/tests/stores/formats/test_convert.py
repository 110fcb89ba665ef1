"""Conversions keep every bit, go on after a kill, and never touch what is not theirs."""

import signal
import subprocess
import sys
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch

from traits_core.errors import StoreError
from traits_core.stores.foreign import OpenStore
from traits_core.stores.reader import is_complete

DTYPES = ("float32", "float16", "bfloat16")


def same(header, **changes):
    """The fields of a header that say what the rows are, not how they are kept."""
    kept = ("kind", "rows", "positions", "arrays", "dataset", "dataset_digest", "split", "dtype")
    return {name: getattr(header, name) for name in kept} | changes


@pytest.mark.parametrize("dtype", DTYPES)
def test_native_to_npz_to_native_is_bit_exact(
    native, opening, converted, everything, tmp_path, dtype
):
    root, data = native(dtype)
    source = opening(root, ("high",))
    there = converted(source, tmp_path / "npz", "npz", sequences_per_chunk=2)
    assert len(list((there / "chunks").iterdir())) == 4
    back = opening(converted(opening(there), tmp_path / "back", "zarr"))
    assert torch.equal(everything(back, "high"), data["high"])
    assert same(back.store.header) == same(source.store.header)


@pytest.mark.parametrize("dtype", DTYPES)
def test_native_to_saev_to_native_is_bit_exact(
    native, opening, converted, everything, tmp_path, dtype
):
    root, data = native(dtype)
    there = converted(opening(root), tmp_path / "saev", "saev", max_tokens_per_shard=13)
    back = opening(converted(opening(there), tmp_path / "back", "zarr", dtype))
    for name, expected in data.items():
        assert torch.equal(everything(back, name), expected)
    assert same(back.store.header) == same(opening(root).store.header)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_chunks_are_what_numpy_reads(native, opening, converted, tmp_path, dtype):
    root, data = native(dtype)
    there = converted(opening(root, ("low",)), tmp_path / "npz", "npz", sequences_per_chunk=5)
    parts = [np.load(there / "chunks" / f"chunk_{i:04}.npz") for i in range(2)]
    assert [part["activations"].shape for part in parts] == [(5, 3, 4), (2, 3, 4)]
    assert all((part["attention_mask"] == 1).all() for part in parts)
    assert all((part["token_ids"] == -1).all() for part in parts)
    values = np.concatenate([part["activations"] for part in parts])
    bits = data["low"].view(torch.uint16).numpy() if dtype == "bfloat16" else data["low"].numpy()
    assert values.tobytes() == bits.tobytes()


@pytest.mark.parametrize("empty_first", [True, False])
def test_padding_survives_a_store_of_ours(
    chunks, opening, converted, everything, tmp_path, empty_first
):
    """Masked positions come back as zeros; masks, ids and kept values as they were."""
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 2, (9, 6))
    mask[3] = 0
    mask[0] = 0 if empty_first else 1
    mask[-1, -1] = 1
    ids = rng.integers(0, 99, mask.shape)
    acts = rng.normal(size=(*mask.shape, 4)).astype(np.float32)
    parts = [
        {"activations": acts[i], "attention_mask": mask[i], "token_ids": ids[i]}
        for i in (slice(0, 4), slice(4, 8), slice(8, 9))
    ]
    ours = opening(converted(opening(chunks(*parts)), tmp_path / "ours", "zarr", chunk_rows=3))
    assert np.array_equal(everything(ours, "activations").numpy(), acts[mask == 1])
    back = converted(ours, tmp_path / "back", "npz", sequences_per_chunk=2)
    files = [np.load(back / "chunks" / f"chunk_{i:04}.npz") for i in range(5)]
    whole = {name: np.concatenate([file[name] for file in files]) for name in parts[0]}
    assert np.array_equal(whole["attention_mask"], mask)
    assert np.array_equal(whole["activations"], acts * mask[:, :, None])
    assert np.array_equal(whole["token_ids"], np.where(mask, ids, -1))


def test_a_store_keeps_its_extras_through_any_storage(chunks, opening, converted, tmp_path):
    acts = np.ones((2, 3, 4), np.float32)
    part = {"activations": acts, "attention_mask": [[1, 1, 0], [0, 1, 1]]}
    first = opening(converted(opening(chunks(part)), tmp_path / "first", "zarr"))
    second = opening(converted(first, tmp_path / "second", "raw", "bfloat16"))
    expected = [[0, 0, -1], [0, 1, -1], [1, 1, -1], [1, 2, -1]]
    assert second.extras["index"].read(0, 4).tolist() == expected


def test_a_damaged_extra_is_noticed(chunks, opening, converted, tmp_path):
    part = {"activations": np.ones((1, 2, 4), np.float32), "attention_mask": [[1, 1]]}
    root = converted(opening(chunks(part)), tmp_path / "ours", "zarr")
    data = bytearray((root / "extras" / "index.npy").read_bytes())
    data[-1] ^= 1
    (root / "extras" / "index.npy").write_bytes(data)
    with pytest.raises(StoreError, match=r"index\.npy is damaged"):
        opening(root)


@pytest.mark.parametrize("to", ["zarr", "npz"])
def test_float16_that_overflows_is_refused(chunks, opening, converted, tmp_path, to):
    acts = np.full((1, 2, 4), 65504, np.float32)
    source = opening(chunks({"activations": acts, "attention_mask": [[1, 1]]}))
    with pytest.raises(StoreError, match="65504 is too large for float16"):
        converted(source, tmp_path / "out", to, "float16")


@pytest.mark.parametrize("to", ["zarr", "npz", "saev"])
def test_nan_is_refused(chunks, opening, converted, tmp_path, to):
    acts = np.full((1, 2, 4), np.nan, np.float32)
    source = opening(chunks({"activations": acts, "attention_mask": [[1, 1]]}))
    with pytest.raises(Exception, match="row 0: NaN"):
        converted(source, tmp_path / "out", to)


@pytest.mark.parametrize("to", ["zarr", "raw", "npz"])
def test_a_directory_that_holds_something_else_is_left_alone(
    native, opening, converted, tmp_path, to
):
    source = opening(native()[0], ("low",))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="choose an empty"):
        converted(source, tmp_path / "mine", to)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "native"]


def test_another_conversion_is_not_gone_on_with(native, opening, converted, tmp_path):
    source = opening(native()[0])
    converted(source, tmp_path / "out", "zarr")
    for changes in ({"dtype": "float16"}, {"chunk_rows": 1}):
        with pytest.raises(StoreError, match="begun as another store"):
            converted(source, tmp_path / "out", "zarr", **changes)


@pytest.mark.parametrize("inside", [".", "out", ".."])
def test_source_and_target_must_not_overlap(native, opening, converted, inside):
    root, _ = native()
    with pytest.raises(StoreError, match="overlap"):
        converted(opening(root), root / inside, "zarr")


KILLED = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from traits_core.config.run_config import Choice
from traits_core.config.structure import structure
from traits_core.registry.loader import load_registry
from traits_core.stores.convert import convert
from traits_core.stores.open_any import open_any, select_layers

class Deadly:
    def say(self, text): pass
    @contextmanager
    def track(self, label, total, unit, done=0):
        calls = 0
        def advance(n):
            nonlocal calls
            calls += 1
            if calls == 5:
                os.kill(os.getpid(), signal.SIGKILL)
        yield advance

source, target, kind, to, options = sys.argv[1:]
registry = load_registry()
spec = registry.get(kind, to)
opened = select_layers(open_any(Path(source), registry), ("low",))
convert(opened, Path(target), Choice(spec, structure(spec.config, eval(options))), None, Deadly())
"""


def kill(*arguments):
    process = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False)
    assert process.returncode == -signal.SIGKILL


def test_a_killed_conversion_goes_on_where_it_was(
    native, opening, converted, everything, tmp_path, monkeypatch
):
    root, data = native()
    target, options = tmp_path / "out", {"chunk_rows": 3, "rows_per_shard": 3}
    kill(root, target, "storage", "zarr", options)
    assert not is_complete(target)
    source = opening(root, ("low",))
    reads = []
    real = type(source.store).read

    def read(store, array, start, stop, columns=slice(None)):
        reads.append((start, stop))
        return real(store, array, start, stop, columns)

    with monkeypatch.context() as patch:
        patch.setattr(type(source.store), "read", read)
        converted(source, target, "zarr", **options)
    assert reads[0][0] >= 9
    assert reads[-1][1] == source.store.header.rows
    assert torch.equal(everything(opening(target), "low"), data["low"])


def test_a_killed_export_leaves_nothing_under_its_name_and_can_be_repeated(
    native, opening, converted, everything, tmp_path
):
    root, data = native()
    target, options = tmp_path / "out", {"sequences_per_chunk": 1}
    kill(root, target, "format", "npz", options)
    assert not target.exists()
    converted(opening(root, ("low",)), target, "npz", **options)
    assert torch.equal(everything(opening(target), "low"), data["low"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["native", "out"]
    assert sorted(path.name for path in target.iterdir()) == [
        "chunks",
        "metadata.json",
        "traits.json",
    ]


def test_a_pass_reads_a_chunk_at_a_time(native, opening, converted, tmp_path):
    """Whatever the size of a store, no more than its chunk is asked for at once."""
    source = opening(native(examples=40)[0], ("low",))
    asked = []

    @attrs.frozen(eq=False)
    class Watched:
        reader: object

        def read(self, array, start, stop, columns):
            asked.append(stop - start)
            return self.reader.read(array, start, stop, columns)

    store = attrs.evolve(source.store, reader=Watched(source.store._reader))
    converted(OpenStore(store=store), tmp_path / "a", "zarr")
    converted(OpenStore(store=store), tmp_path / "b", "npz", sequences_per_chunk=2)
    assert max(asked) <= 6
    assert sum(asked) == 2 * 120


def test_the_project_holds_no_file_of_peers():
    assert not list(Path(__file__).parent.rglob("*.bin"))
