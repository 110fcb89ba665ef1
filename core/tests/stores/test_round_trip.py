"""What is written is what is read, for every dtype and shape, by us and by zarr itself."""

import tempfile
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from traits_core.errors import StoreError
from traits_core.stores.backends.zarr_config import ZarrConfig
from traits_core.stores.backends.zarr_storage import ZarrStorage
from traits_core.stores.dtypes import FLOAT16_LIMIT, TORCH_DTYPES, decode, encode
from traits_core.stores.reader import open_store
from traits_core.stores.writer import StoreWriter

DTYPES = sorted(TORCH_DTYPES)


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    bits=hnp.arrays(np.uint32, hnp.array_shapes(min_dims=2, max_dims=2)),
)
def test_encode_and_decode_keep_every_bit(dtype, bits):
    floats = torch.from_numpy(bits.view(np.float32)).to(TORCH_DTYPES[dtype])
    floats = torch.where(floats.isfinite() & (floats.abs() < FLOAT16_LIMIT), floats, 1)
    array = encode(floats, dtype)
    assert array.dtype == (np.uint16 if dtype == "bfloat16" else dtype)
    back = decode(array, dtype)
    assert back.dtype == floats.dtype
    width = {4: torch.int32, 2: torch.int16}[floats.itemsize]
    assert torch.equal(back.view(width), floats.contiguous().view(width))


def test_bfloat16_is_kept_without_a_copy():
    tensor = torch.randn(4, 3).bfloat16()
    array = encode(tensor, "bfloat16")
    assert array.ctypes.data == tensor.data_ptr() == decode(array, "bfloat16").data_ptr()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_values_are_rounded_as_torch_rounds(dtype, source):
    tensor = torch.randn(50, 7, dtype=torch.float64).mul(100).to(source)
    assert torch.equal(decode(encode(tensor, dtype), dtype), tensor.to(TORCH_DTYPES[dtype]))


@pytest.mark.parametrize(
    ("dtype", "value", "advice"),
    [
        ("float16", 65504.0, "use the dtype bfloat16 or float32"),
        ("float16", -1e9, "use the dtype bfloat16 or float32"),
        ("bfloat16", 3.4e38, "use the dtype float32"),
        ("float32", 1e39, "widest"),
    ],
)
def test_a_value_that_would_overflow_is_refused_with_advice(dtype, value, advice):
    tensor = torch.tensor([[1.0, value]], dtype=torch.float64)
    with pytest.raises(StoreError, match=advice):
        encode(tensor, dtype)


@pytest.mark.parametrize("storage", ["zarr", "zarr-lz4", "zarr-zstd", "zarr-sparse", "raw"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_store_reads_back_what_was_written_also_with_zarr(
    storage, data, header, registry, values
):
    chunk_rows = data.draw(st.integers(1, 5), "chunk_rows")
    arrays = tuple(
        attrs.evolve(array, columns=data.draw(st.integers(1, 6), "columns"))
        for array in header.arrays
    )
    header = attrs.evolve(
        header,
        storage=storage,
        dtype=data.draw(st.sampled_from(DTYPES), "dtype"),
        positions=1,
        rows=data.draw(st.integers(1, 30), "rows"),
        chunk_rows=chunk_rows,
        chunk_columns=data.draw(st.integers(1, 6), "chunk_columns"),
        rows_per_shard=chunk_rows * data.draw(st.integers(1, 4), "chunks"),
        arrays=arrays,
    )
    expected = {k: v.to(TORCH_DTYPES[header.dtype]) for k, v in values(header).items()}
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "store"
        spec = registry.get("storage", storage)
        with StoreWriter(root, header, spec.load()(spec.config())) as writer:
            row = 0
            while row < header.rows:
                end = min(header.rows, row + data.draw(st.integers(1, 12), "batch"))
                writer.append({name: x[row:end] for name, x in expected.items()})
                row = end
            writer.finish()
        store = open_store(root, registry)
        name = data.draw(st.sampled_from(sorted(expected)), "array")
        start = data.draw(st.integers(0, header.rows), "start")
        stop = data.draw(st.integers(start, header.rows), "stop")
        last = data.draw(st.integers(1, expected[name].shape[1]), "last")
        first = data.draw(st.integers(0, last - 1), "first")
        actual = store.read(name, start, stop, columns=slice(first, last))
        assert actual.dtype == expected[name].dtype
        assert torch.equal(actual, expected[name][start:stop, first:last])
        theirs = zarr.open_group(root, mode="r")[f"arrays/{name}"][:]
        assert np.array_equal(theirs, encode(expected[name], header.dtype))


def test_zarr_itself_opens_the_arrays(tmp_path, write):
    data = write(tmp_path)
    group = zarr.open_group(tmp_path, mode="r")
    for name, expected in data.items():
        array = group[f"arrays/{name}"]
        np.testing.assert_array_equal(array[:], expected.numpy())
        assert [codec.to_dict()["name"] for codec in array.metadata.codecs] == ["bytes", "crc32c"]


def test_rows_of_zeros_are_stored_and_not_left_out(tmp_path, write, values, assert_holds):
    data = {name: torch.zeros_like(x) for name, x in values().items()}
    write(tmp_path, data=data)
    assert_holds(tmp_path, data)


@pytest.mark.parametrize(
    ("kind", "rows", "positions", "columns", "expected"),
    [
        ("activations", 64 * 1000, 64, 112, (16384, 4096, 112)),
        ("activations", 197 * 1000, 197, 768, (3940 * 4, 3940, 768)),  # whole examples
        ("activations", 9000 * 4, 9000, 16, (16384, 4096, 16)),  # an example exceeds a chunk
        ("activations", 320, 64, 112, (16320, 320, 112)),  # smaller than a chunk
        ("scores", 5994, 1, 4096, (4096, 4096, 512)),  # two shards fit in memory
        ("scores", 100_000, 1, 16384, (1024, 1024, 512)),  # and so do chunks
        ("scores", 5994, 1, 32, (16384, 4096, 32)),
    ],
)
def test_the_plan_cuts_whole_examples_and_bounded_shards(
    header, kind, rows, positions, columns, expected
):
    arrays = (attrs.evolve(header.arrays[0], columns=columns),)
    layout = ZarrStorage(ZarrConfig()).plan(kind, rows, positions, arrays)
    assert (layout.rows_per_shard, layout.chunk_rows, layout.chunk_columns) == expected
    evolved = attrs.evolve(
        header, rows=rows, positions=positions, arrays=arrays, **attrs.asdict(layout)
    )
    assert evolved.n_shards == -(-rows // layout.rows_per_shard)
