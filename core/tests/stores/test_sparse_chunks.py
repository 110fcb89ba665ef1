"""Chunks without zeros: their bytes, what is refused among such bytes, and what zarr makes of them."""

import json
import subprocess
import sys
import tracemalloc

import google_crc32c
import numpy as np
import pytest
import zarr
from zarr.codecs import Crc32cCodec, TransposeCodec, ZstdCodec

from traits_core.errors import StoreError
from traits_core.stores.backends.sparse_chunk import SparseCodec
from traits_core.stores.backends.zarr_chunks import read_chunk, write_chunk
from traits_core.stores.backends.zarr_codecs import SPARSE

ROWS_BK = np.array([[0, 0, 1.5], [0, 0, 0], [0.25, 0, 2]], "<f2")
ENDS = "01000000 01000000 03000000"
VALUES = "003e 0034 0040"
COLUMNS = "0200 0000 0200"
CHECKED = (Crc32cCodec(),)


def packed(ends, values="", columns=""):
    """A chunk file with a checksum that fits."""
    stored = bytes.fromhex(ends + values + columns)
    return stored + google_crc32c.value(stored).to_bytes(4, "little")


@pytest.fixture
def read(tmp_path):
    """`read(raw)`: the chunk that a file of these bytes holds."""

    def read(raw, shape=ROWS_BK.shape, dtype="<f2"):
        (tmp_path / "chunk").write_bytes(raw)
        found = np.full(shape, 7, dtype)
        read_chunk(tmp_path, "chunk", found, SPARSE.compressor)
        return found

    return read


def test_a_chunk_is_the_ends_of_its_rows_then_values_then_columns_then_the_checksum(tmp_path, read):
    write_chunk(tmp_path, "chunk", ROWS_BK, ROWS_BK.shape, SPARSE.compressor)
    raw = (tmp_path / "chunk").read_bytes()
    assert raw == packed(ENDS, VALUES, COLUMNS)
    assert raw.hex().endswith("c9513dea")
    assert np.array_equal(read(raw), ROWS_BK)


def test_a_chunk_at_the_edge_is_padded_with_rows_and_columns_of_zeros(tmp_path):
    write_chunk(tmp_path, "chunk", ROWS_BK, (4, 5), SPARSE.compressor)
    raw = (tmp_path / "chunk").read_bytes()
    assert raw == packed(ENDS + "03000000", VALUES, COLUMNS)


def test_a_chunk_of_zeros_is_only_ends(tmp_path, read):
    write_chunk(tmp_path, "chunk", np.zeros((3, 3), "<f2"), (3, 3), SPARSE.compressor)
    raw = (tmp_path / "chunk").read_bytes()
    assert raw == packed("00000000" * 3)
    assert not read(raw).any()


def test_columns_of_wide_chunks_have_four_bytes(tmp_path, read):
    rows_bk = np.zeros((1, 65_537), "<f2")
    rows_bk[0, [1, 65_536]] = 1.5, 2
    write_chunk(tmp_path, "chunk", rows_bk, rows_bk.shape, SPARSE.compressor)
    raw = (tmp_path / "chunk").read_bytes()
    assert raw == packed("02000000", "003e 0040", "01000000 00000100")
    assert np.array_equal(read(raw, rows_bk.shape), rows_bk)


LIES = {
    "empty": packed(""),
    "ends alone": packed(ENDS),
    "too few ends": packed("01000000 01000000"),
    "half an end": packed("01000000 0100"),
    "ends fall": packed("02000000 01000000 03000000", VALUES, COLUMNS),
    "an end beyond the values": packed("01000000 04000000 03000000", VALUES, COLUMNS),
    "the largest end in the middle": packed("01000000 ffffffff 03000000", VALUES, COLUMNS),
    "the largest end": packed("01000000 01000000 ffffffff", VALUES, COLUMNS),
    "ends are all the largest": packed("ffffffff" * 3, VALUES, COLUMNS),
    "an end too low": packed("01000000 01000000 02000000", VALUES, COLUMNS),
    "a column beyond the last": packed(ENDS, VALUES, "0200 0000 0300"),
    "the largest column": packed(ENDS, VALUES, "ffff 0000 0200"),
    "columns fall": packed(ENDS, VALUES, "0200 0200 0000"),
    "a column twice": packed(ENDS, VALUES, "0200 0200 0200"),
    "a column too few": packed(ENDS, VALUES, "0200 0000"),
    "half a column": packed(ENDS, VALUES, "0200 0000 02"),
    "a value too many": packed(ENDS, VALUES + "0040", COLUMNS),
    "a byte too many": packed(ENDS, VALUES, COLUMNS + "00"),
    "twice": packed((ENDS + VALUES + COLUMNS) * 2),
    "more values than places": packed("01000000 01000000 05000000", "003e" * 5, "0000" * 5),
    "float32 values": packed(ENDS, "0000c03f 0000803e 00000040", COLUMNS),
}


@pytest.mark.parametrize("raw", LIES.values(), ids=LIES)
def test_a_chunk_that_contradicts_itself_is_refused_though_its_checksum_fits(read, raw):
    with pytest.raises(StoreError, match=r"^chunk does not decompress to its chunk: [^\n]+$"):
        read(raw)


@pytest.mark.parametrize("raw", [b"", b"\0", b"\0" * 4], ids=len)
def test_a_file_of_no_more_than_a_checksum_is_refused(read, raw):
    with pytest.raises(StoreError):
        read(raw)


@pytest.mark.parametrize(("shape", "dtype"), [((3, 3), "<f4"), ((2, 3), "<f2"), ((3, 2), "<f2")])
def test_a_chunk_of_another_dtype_or_shape_is_refused(read, shape, dtype):
    with pytest.raises(StoreError, match="does not decompress"):
        read(packed(ENDS, VALUES, COLUMNS), shape, dtype)


@pytest.mark.parametrize("lie", ["the largest end", "ends are all the largest"])
def test_a_chunk_that_lies_about_its_length_asks_for_no_memory(read, lie):
    tracemalloc.start()
    with pytest.raises(StoreError):
        read(LIES[lie])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.fixture
def array(tmp_path):
    """`array(rows)`: zarr writes them in chunks of two and opens them again."""

    def array(values, *before, after=CHECKED, **options):
        zarr.create_array(
            store=tmp_path / "array", data=values, chunks=(2,) * values.ndim,
            compressors=[*before, SparseCodec(), *after], **options,
        )  # fmt: skip
        return zarr.open_array(tmp_path / "array", mode="r")

    return array


def test_zarr_alone_finds_the_codec_and_needs_no_torch(tmp_path, array):
    array(ROWS_BK.astype("<f4"))
    program = (
        "import json, sys, zarr\n"
        "before = [name for name in sys.modules if 'traits' in name]\n"
        "rows = zarr.open_array(sys.argv[1], mode='r')[:].tolist()\n"
        "print(json.dumps([before, rows, 'torch' in sys.modules]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "array")]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    assert json.loads(printed) == [[], ROWS_BK.tolist(), False]


def test_what_zarr_writes_is_what_we_read(tmp_path, array):
    array(ROWS_BK)
    found = np.empty((2, 2), "<f2")
    read_chunk(tmp_path / "array", "c/0/1", found, SPARSE.compressor)
    assert found.tolist() == [[1.5, 0], [0, 0]]


@pytest.mark.parametrize("dtype", ["bool", "i1", "u1", ">i2", "f2", ">f4", "f8", "i8", "c8"])
@pytest.mark.parametrize("shape", [(7,), (5, 6), (3, 4, 5)])
def test_zarr_reads_what_it_wrote_of_other_dtypes_and_shapes(array, dtype, shape):
    values = np.random.default_rng(0).integers(0, 3, shape).astype(dtype)
    assert np.array_equal(array(values)[:], values)


def test_zarr_combines_it_with_transposition_shards_and_other_codecs(array):
    values = np.random.default_rng(0).integers(0, 3, (6, 8)).astype("f4")
    transposed = {"filters": [TransposeCodec(order=(1, 0))], "overwrite": True}
    assert np.array_equal(array(values)[:], values)
    assert np.array_equal(array(values, **transposed)[:], values)
    assert np.array_equal(array(values, after=(ZstdCodec(),), overwrite=True)[:], values)
    assert np.array_equal(array(values, shards=(4, 4), overwrite=True)[:], values)


def test_zarr_refuses_to_write_what_is_no_chunk_of_values(array):
    with pytest.raises(ValueError):  # bytes that another codec made are no rows
        array(np.eye(6), ZstdCodec())
    with pytest.raises(TypeError):  # no integers have as many bits
        array(np.eye(6, dtype="c16"), overwrite=True)


@pytest.mark.parametrize("raw", [b"", LIES["the largest end"], LIES["a column twice"]], ids=len)
def test_zarr_too_refuses_a_damaged_chunk(tmp_path, array, raw):
    opened = array(ROWS_BK[:2])
    (tmp_path / "array/c/0/0").write_bytes(raw)
    with pytest.raises(ValueError):
        opened[:]
