"""Chunks that are broken or malicious end in one clear StoreError, before memory is asked for."""

import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hostile import Bomb

from traits_core.errors import StoreError

ACTS = np.ones((2, 3, 4), np.float32)
MASK = np.ones((2, 3), np.int64)


def npy(header, data=b"", version=(1, 0)):
    """The bytes of a .npy file with this header, true or not."""
    text = str(header).encode() + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + data


def shaped(shape, descr="<f4"):
    return {"descr": descr, "fortran_order": False, "shape": shape}


def zipped(path, members, compression=zipfile.ZIP_STORED):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.fixture
def chunk(tmp_path):
    """Write chunk 0 of zip members; return the root."""

    def chunk(compression=zipfile.ZIP_STORED, **members):
        every = {"activations": saved(ACTS), "attention_mask": saved(MASK)} | members
        files = {f"{name}.npy": data for name, data in every.items() if data is not None}
        zipped(tmp_path / "x" / "chunks" / "chunk_0000.npz", files, compression)
        return tmp_path / "x"

    return chunk


@pytest.mark.parametrize(
    ("activations", "why"),
    [
        (npy(shaped((10**6, 10**6, 768))), "has 0 bytes of data"),
        (npy(shaped((2**40, 2**40, 2**40)), bytes(96)), "has 96 bytes of data"),
        (npy(shaped((2, 3, 5)), bytes(96)), "has 96 bytes of data"),
        (npy(shaped((-2, -3, 4)), bytes(96)), "has 96 bytes of data"),
        (npy(shaped((2, 0, 4))), r"must be \[B, T, D\]"),
        (npy(shaped((6, 4)), bytes(96)), r"must be \[B, T, D\]"),
        (npy(shaped((2, 3, 4), "|O"), pickle.dumps(Bomb())), "a pickle: refused"),
        (npy(shaped((2, 3, 4), [("a", "<f4")]), bytes(96)), "can be read"),
        (npy(shaped((2, 3, 4), "<i4"), bytes(96)), "can be read"),
        (npy(shaped((2, 3, 4)), bytes(96), (2, 0)), "only \\(1, 0\\) is read"),
        (npy("{'shape': (2, __import__('os').mkdir('executed'), 4)}"), "damaged"),
        (npy("x" * 5000), "damaged"),
        (pickle.dumps(Bomb()), "damaged"),
        (b"", "damaged"),
        (None, "'activations' is missing"),
    ],
)
def test_a_header_that_lies_is_refused(chunk, guarded, activations, why):
    with pytest.raises(StoreError, match=why):
        guarded(chunk(activations=activations))


def test_a_member_that_claims_more_than_the_file_has_is_refused(chunk, guarded):
    root = chunk(activations=npy(shaped((2**12, 2**12, 16)), bytes(96)))
    path = root / "chunks" / "chunk_0000.npz"
    whole = bytearray(path.read_bytes())
    entry, length = whole.find(b"PK\x01\x02"), 2**30 + len(npy(shaped((2**12, 2**12, 16))))
    whole[entry + 20 : entry + 28] = struct.pack("<II", length, length)
    path.write_bytes(whole)
    with pytest.raises(StoreError, match=f"activations claims {length} bytes, more than there are"):
        guarded(root)


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        (saved(np.ones((3, 2))), r"must be \(2, 3\)"),
        (saved(np.full((2, 3), 2)), "must be 0 or 1"),
        (saved(np.full((2, 3), np.nan)), "must be 0 or 1"),
        (saved(np.full((2, 3), "1")), "must be numbers"),
        (saved(np.zeros((2, 3))), "every token is masked"),
        (npy(shaped((2, 3), "|O"), pickle.dumps(Bomb())), "a pickle: refused"),
        (None, "'attention_mask' is missing"),
    ],
)
def test_a_mask_that_makes_no_sense_is_refused(chunk, guarded, mask, why):
    with pytest.raises(StoreError, match=why):
        guarded(chunk(attention_mask=mask))


def test_token_ids_that_are_no_integers_are_refused(chunk, guarded):
    with pytest.raises(StoreError, match="must be integers"):
        guarded(chunk(token_ids=saved(np.ones((2, 3)))))


def test_a_zip_bomb_is_refused_by_its_proportions(chunk, guarded):
    rows, size = 64, 64 * 2**20
    root = chunk(
        zipfile.ZIP_DEFLATED,
        activations=npy(shaped((rows, 1, size // rows // 4)), b""),
        attention_mask=saved(np.ones((rows, 1))),
    )
    path = root / "chunks" / "chunk_0000.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("activations.npy", "w") as member:
            member.write(npy(shaped((rows, 1, size // rows // 4))))
            for _ in range(64):
                member.write(bytes(2**20))
        archive.writestr("attention_mask.npy", saved(np.ones((rows, 1))))
    assert path.stat().st_size < size / 500
    with pytest.raises(StoreError, match="zip bomb"):
        guarded(root)


def test_an_array_that_no_machine_should_read_at_once_is_refused(chunk, guarded, monkeypatch):
    monkeypatch.setattr("traits_core.stores.formats.npz_file.MAX_BYTES", 95)
    with pytest.raises(StoreError, match="larger than 95 bytes"):
        guarded(chunk())


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_numpy_never_writes_are_refused(chunk, guarded, compression):
    with pytest.raises(StoreError, match="stored or deflated"):
        guarded(chunk(compression))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_there_twice_is_refused(chunk, guarded):
    root = chunk()
    with zipfile.ZipFile(root / "chunks" / "chunk_0000.npz", "a") as archive:
        archive.writestr("activations.npy", saved(ACTS * 2))
    with pytest.raises(StoreError, match="must be there once"):
        guarded(root)


def test_names_that_lead_out_of_the_zip_are_never_followed(chunk, guarded, tmp_path):
    root = chunk(**{"../../../executed/x": b"", "/executed/y": b""})
    assert len(guarded(root).store.read("activations", 0, 6)) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x"]


def test_a_chunk_that_is_cut_anywhere_is_refused(chunk, guarded):
    path = chunk() / "chunks" / "chunk_0000.npz"
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"chunk_0000\.npz"):
            guarded(path.parents[1])


def test_a_chunk_that_is_a_link_is_refused(chunk, guarded, tmp_path):
    path = chunk() / "chunks" / "chunk_0000.npz"
    path.rename(tmp_path / "secret.npz")
    path.symlink_to(tmp_path / "secret.npz")
    with pytest.raises(StoreError, match="is a symbolic link"):
        guarded(path.parents[1])


def test_a_chunk_that_is_a_pipe_does_not_block(chunk, guarded):
    path = chunk() / "chunks" / "chunk_0000.npz"
    os.mkfifo(path.with_name("chunk_0001.npz"))
    with pytest.raises(StoreError, match="no regular file"):
        guarded(path.parents[1])


@pytest.mark.parametrize("text", ["[]", "{", "NaN", "[" * 100_000, '{"dtype": "float16"}'])
def test_metadata_that_is_no_object_or_contradicts_is_refused(chunk, guarded, text):
    root = chunk(activations=saved(ACTS.astype(np.float16).view("V2")))
    (root / "metadata.json").write_text(text)
    with pytest.raises(StoreError, match=r"metadata\.json"):
        guarded(root)
