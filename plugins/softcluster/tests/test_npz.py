import io
import json
import zipfile

import numpy as np
import pytest
import torch

from traits_core import DataError
from traits_plugin_softcluster.membership_files import ChunkMemberships
from traits_plugin_softcluster.npz_members import open_npz, read_array
from traits_plugin_softcluster.token_chunks import TokenChunk, open_chunks

CPU = torch.device("cpu")


def chunk_arrays(n=7, length=5, d=3, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "activations": rng.standard_normal((n, length, d)).astype(dtype),
        "attention_mask": rng.random((n, length)) < 0.7,
        "token_ids": rng.integers(0, 1000, (n, length), dtype=np.int32),
    }


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_rows", [1, 5, 12, 1000])
def test_blocks_are_the_chunk_whatever_their_size(tmp_path, save, dtype, n_rows):
    arrays = chunk_arrays(dtype=dtype)
    save(tmp_path / "a.npz", **arrays)
    chunk = TokenChunk.open(tmp_path / "a.npz")
    blocks = list(chunk.blocks(n_rows))
    assert [block.start for block in blocks] == list(range(0, 7, max(1, n_rows // 5)))
    rows_nd = torch.cat([block.rows(CPU) for block in blocks]).numpy()
    mask_bs = arrays["attention_mask"]
    np.testing.assert_array_equal(rows_nd, arrays["activations"][mask_bs].astype(np.float32))
    tokens_bs = np.concatenate([block.tokens_bs for block in blocks])
    np.testing.assert_array_equal(tokens_bs, arrays["token_ids"])
    assert chunk.n_tokens == mask_bs.sum()


def test_without_a_mask_every_position_is_a_token(tmp_path):
    arrays = chunk_arrays()
    del arrays["attention_mask"]
    np.savez(tmp_path / "a.npz", **arrays)
    assert TokenChunk.open(tmp_path / "a.npz").n_tokens == 35


def test_python_objects_are_refused_and_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    arrays = chunk_arrays()
    arrays["token_ids"] = np.array([[Trap()]], dtype=object)
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match="holds Python objects"):
        TokenChunk.open(tmp_path / "a.npz")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activations": np.zeros((7, 15), np.float32)}, "floating-point"),
        ({"activations": np.zeros((7, 5, 3), np.int32)}, "floating-point"),
        ({"activations": np.zeros((0, 5, 3), np.float32)}, "floating-point"),
        ({"activations": np.zeros((7, 5, 3), np.float32, order="F")}, "Fortran order"),
        ({"token_ids": np.zeros((7, 4), np.int64)}, r"token_ids must be integers \(7, 5\)"),
        ({"attention_mask": np.ones((7, 5), np.float32)}, "attention_mask must be integers"),
        ({"token_ids": np.full((7, 5), -1)}, "token_ids of tokens are negative"),
        ({"token_ids": None}, "'token_ids' is missing; the file holds activations.npy"),
    ],
)
def test_chunks_of_another_form_are_refused(tmp_path, change, message):
    arrays = {name: a for name, a in (chunk_arrays() | change).items() if a is not None}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        TokenChunk.open(tmp_path / "a.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_byte_is_told_or_changes_nothing(tmp_path, save):
    path, arrays = tmp_path / "a.npz", chunk_arrays()
    del arrays["attention_mask"]  # it may be missing, and no checksum covers its name
    save(path, **arrays)
    whole, told = path.read_bytes(), 0
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            chunk = TokenChunk.open(path)
            acts_bsd = np.concatenate([block.acts_bsd for block in chunk.blocks(10)])
        except DataError:
            told += 1
        else:
            np.testing.assert_array_equal(acts_bsd, arrays["activations"])
            np.testing.assert_array_equal(chunk.tokens_bs, arrays["token_ids"])
    assert told > len(whole) / 6


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **chunk_arrays(n=200))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError, match="not a readable NPZ file"):
        TokenChunk.open(path)
    with pytest.raises(DataError, match="not a readable NPZ file"):
        TokenChunk.open(tmp_path / "absent.npz")


def test_flipped_bits_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **chunk_arrays(n=200))
    data = bytearray(path.read_bytes())
    data[2000] ^= 255  # within the activations, which come first
    path.write_bytes(data)
    with pytest.raises(DataError, match="not a readable NPZ file: Bad CRC"):
        list(TokenChunk.open(path).blocks(10_000))


def test_an_array_larger_than_its_member_is_refused_before_memory_is_asked_for(tmp_path):
    header = io.BytesIO()
    facts = {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6, 10**3)}
    np.lib.format.write_array_header_1_0(header, facts)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("activations.npy", header.getvalue() + bytes(16))
    with pytest.raises(DataError, match=r"should be float32 .* but has 16 bytes"):
        TokenChunk.open(tmp_path / "a.npz")


def test_chunks_of_different_widths_or_none_are_refused(tmp_path):
    for d in (3, 4):
        np.savez(tmp_path / f"{d}.npz", **chunk_arrays(d=d))
    with pytest.raises(DataError, match=r"widths \[3, 4\]"):
        open_chunks([tmp_path / "3.npz", tmp_path / "4.npz"])
    with pytest.raises(DataError, match="missing"):
        open_chunks([])


@pytest.fixture
def memberships():
    indices_e3 = np.array([[0, 1, 2], [0, 1, 7], [3, 0, 2]], np.int64)
    return ChunkMemberships(indices_e3, np.array([0.5, 0.5, 1.0], np.float32), 4, 2)


def test_memberships_are_plain_arrays_with_metadata_as_json(tmp_path, memberships):
    memberships.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as data:
        assert set(data) == {"indices", "values", "metadata"}
        assert data["indices"].dtype == np.int64
        assert data["values"].dtype == np.float32
        assert json.loads(data["metadata"].item()) == {"total_sequences": 4, "sequence_length": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]


def test_memberships_come_back_as_they_were(tmp_path, memberships):
    memberships.save(tmp_path / "m.npz")
    loaded = ChunkMemberships.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(loaded.indices_e3, memberships.indices_e3)
    np.testing.assert_array_equal(loaded.values_e, memberships.values_e)
    assert (loaded.total_sequences, loaded.sequence_length) == (4, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": np.array("not JSON")},
        {"metadata": np.array("[]")},
        {"indices": np.zeros((3, 2), np.int64)},
        {"indices": np.zeros((3, 3), np.int32)},
        {"values": np.zeros(2, np.float32)},
    ],
)
def test_other_files_are_no_memberships(tmp_path, change):
    arrays = {
        "indices": np.zeros((3, 3), np.int64),
        "values": np.zeros(3, np.float32),
        "metadata": np.array('{"total_sequences": 1, "sequence_length": 1}'),
    }
    np.savez(tmp_path / "m.npz", **(arrays | change))
    with pytest.raises(DataError, match=r"m\.npz"):
        ChunkMemberships.load(tmp_path / "m.npz")


def test_scalars_are_read_too(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.float64(2.5))
    with open_npz(tmp_path / "s.npz") as archive:
        assert read_array(archive, "x").tolist() == [2.5]
