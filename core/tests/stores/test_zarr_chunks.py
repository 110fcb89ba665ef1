"""Chunk files are, to the byte, what zarr writes; anything else is refused."""

import numpy as np
import pytest
import zarr
from zarr.codecs import Crc32cCodec

from traits_core.errors import StoreError
from traits_core.stores.backends.zarr_chunks import read_chunk, write_chunk
from traits_core.stores.backends.zarr_codecs import LZ4, PLAIN, SPARSE, ZSTD


def test_the_files_of_a_store_are_those_that_zarr_writes(tmp_path, write, evolve):
    header = evolve(chunk_columns=2)
    data = write(tmp_path / "ours", header)
    for array in header.arrays:
        theirs = zarr.create_array(
            store=zarr.storage.LocalStore(tmp_path / "zarr"),
            name=f"arrays/{array.name}",
            shape=(header.rows, array.columns),
            chunks=(header.chunk_rows, 2),
            dtype="float32",
            compressors=[Crc32cCodec()],
            fill_value=0,
        )
        theirs[:] = data[array.name].numpy()
    ours = {p.relative_to(tmp_path / "ours") for p in (tmp_path / "ours").rglob("c/*/*")}
    assert ours == {p.relative_to(tmp_path / "zarr") for p in (tmp_path / "zarr").rglob("c/*/*")}
    assert len(ours) == 15
    for file in ours:
        assert (tmp_path / "ours" / file).read_bytes() == (tmp_path / "zarr" / file).read_bytes()


@pytest.mark.parametrize("codec", [LZ4, ZSTD, SPARSE])
def test_zarr_reads_compressed_chunks_and_we_read_those_of_zarr(tmp_path, codec):
    values = np.zeros((800, 30), "<f2")
    values[::16, 1] = np.arange(50)
    array = zarr.create_array(
        store=zarr.storage.LocalStore(tmp_path), shape=(800, 30), chunks=(800, 30), dtype="<f2",
        compressors=codec.zarr, fill_value=0,
    )  # fmt: skip
    write_chunk(tmp_path, "c/0/0", values, values.shape, codec.compressor)
    assert (tmp_path / "c/0/0").stat().st_size < values.nbytes / 4
    assert np.array_equal(array[:], values)
    array[:] = -values
    found = np.empty_like(values)
    read_chunk(tmp_path, "c/0/0", found, codec.compressor)
    assert np.array_equal(found, -values)


@pytest.mark.parametrize("codec", [LZ4, ZSTD, SPARSE])
def test_a_chunk_that_would_grow_beyond_its_shape_is_refused(tmp_path, codec):
    write_chunk(tmp_path, "c/0/0", np.zeros((10_000, 10), "<f4"), (10_000, 10), codec.compressor)
    with pytest.raises(StoreError, match="c/0/0 does not decompress"):
        read_chunk(tmp_path, "c/0/0", np.empty((4, 10), "<f4"), codec.compressor)


@pytest.mark.parametrize("codec", [PLAIN, LZ4, ZSTD, SPARSE])
def test_every_flipped_bit_truncation_and_extra_byte_of_a_chunk_is_found(tmp_path, codec):
    chunk = np.arange(6, dtype="<f2").reshape(3, 2)
    write_chunk(tmp_path, "c/0/0", chunk, chunk.shape, codec.compressor)
    path, found = tmp_path / "c/0/0", np.empty_like(chunk)
    whole = path.read_bytes()
    read_chunk(tmp_path, "c/0/0", found, codec.compressor)
    assert np.array_equal(found, chunk)
    damaged = [whole[:n] for n in range(len(whole))]
    damaged += [whole + b"\0", whole + whole]
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(flipped))
    for raw in damaged:
        path.write_bytes(raw)
        with pytest.raises(StoreError, match=r"too early|crc32c does not fit"):
            read_chunk(tmp_path, "c/0/0", found, codec.compressor)
