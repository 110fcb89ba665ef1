"""Token chunks give the kept tokens and nothing else, in every dtype and with padding on any side."""

import zipfile

import numpy as np
import pytest
import torch

from traits_core.errors import StoreError

LENGTHS = {
    "right": [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]],
    "left": [[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]],
    "holes": [[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]],
}


def part(mask, dtype=np.float32, seed=0, d=5, mask_dtype=np.int64):
    """One chunk with these kept tokens; what is masked is NaN where the dtype has it."""
    mask = np.asarray(mask)
    acts = np.random.default_rng(seed).normal(size=(*mask.shape, d)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        acts[mask == 0] = np.nan
    ids = np.arange(mask.size).reshape(mask.shape) + 1000 * seed
    return {"activations": acts, "attention_mask": mask.astype(mask_dtype), "token_ids": ids}


def kept(*parts):
    """The kept rows, one token after the other."""
    return [
        row
        for part in parts
        for rows, mask in zip(part["activations"], part["attention_mask"], strict=True)
        for row, keep in zip(rows, mask, strict=True)
        if keep
    ]


@pytest.mark.parametrize("side", LENGTHS)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("mask_dtype", [bool, np.int64, np.float32])
def test_rows_are_the_kept_tokens_and_the_index_says_which(
    chunks, opening, everything, side, save, mask_dtype
):
    parts = [
        part(LENGTHS[side], seed=1, mask_dtype=mask_dtype),
        part(LENGTHS[side][:2], seed=2, mask_dtype=mask_dtype),
    ]
    opened = opening(chunks(*parts, save=save))
    assert opened.store.header.positions == 1
    assert np.array_equal(everything(opened, "activations").numpy(), np.stack(kept(*parts)))
    index = opened.extras["index"]
    expected = [
        (example + 3 * i, position, part["token_ids"][example, position])
        for i, part in enumerate(parts)
        for example, position in np.argwhere(part["attention_mask"]).tolist()
    ]
    assert index.read(0, opened.store.header.rows).tolist() == [list(map(int, e)) for e in expected]
    assert index.read(2, 5).tolist() == [list(map(int, e)) for e in expected[2:5]]


def test_without_padding_a_sequence_has_all_its_positions(chunks, opening, everything):
    parts = [part(np.ones((3, 4)), seed=1), part(np.ones((1, 4)), seed=2)]
    opened = opening(chunks(*parts))
    header = opened.store.header
    assert (header.rows, header.positions) == (16, 4)
    assert np.array_equal(everything(opened, "activations").numpy(), np.stack(kept(*parts)))
    for start in range(16):
        for stop in range(start, 17):
            assert len(opened.store.read("activations", start, stop)) == stop - start


def test_chunks_may_be_padded_to_different_lengths(chunks, opening, everything):
    parts = [part([[1, 1, 1], [1, 0, 0]]), part([[1, 1, 1, 1, 1]], seed=1)]
    opened = opening(chunks(*parts))
    assert opened.store.header.positions == 1
    assert np.array_equal(everything(opened, "activations").numpy(), np.stack(kept(*parts)))


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [("<f2", "float16"), ("<f4", "float32"), (">f4", "float32"), ("<f8", "float32")],
)
def test_numbers_are_read_as_they_are(chunks, opening, everything, dtype, stored):
    data = part(LENGTHS["left"], dtype=dtype)
    opened = opening(chunks(data, metadata={"dtype": "whatever"}))
    assert opened.store.header.dtype == stored
    expected = np.stack(kept(data)).astype(stored)
    assert np.array_equal(everything(opened, "activations").numpy(), expected)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("bits", ["<u2", "<i2", ">u2", "V2"])
@pytest.mark.parametrize("mask", ["left", "none"])
def test_bfloat16_is_read_bit_for_bit(chunks, opening, everything, bits, order, mask):
    mask_bt = np.asarray(LENGTHS[mask] if mask in LENGTHS else np.ones((3, 4)), np.int64)
    acts = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)).bfloat16()
    raw = acts.view(torch.uint16).numpy()
    stored = raw.view("V2") if bits == "V2" else raw.astype("u2").view("<u2")
    if bits in ("<i2", ">u2"):
        stored = stored.view("<i2") if bits == "<i2" else stored.astype(">u2")
    data = {"activations": np.asarray(stored, order=order), "attention_mask": mask_bt}
    opened = opening(chunks(data, metadata={"dtype": "torch.bfloat16"}))
    assert opened.store.header.dtype == "bfloat16"
    rows = everything(opened, "activations")
    assert torch.equal(rows, acts[torch.from_numpy(mask_bt == 1)])
    assert opened.extras["index"].read(0, 2)[:, 2].tolist() == [-1, -1]


def test_two_bytes_of_void_are_bfloat16_and_integers_are_nothing_unless_metadata_says_so(
    chunks, opening, everything, tmp_path
):
    ones = np.full((1, 2, 3), 0x3F80, np.uint16)
    mask = np.ones((1, 2))
    void = chunks({"activations": ones.view("V2"), "attention_mask": mask})
    assert everything(opening(void), "activations").tolist() == [[1.0] * 3] * 2
    void.rename(tmp_path / "void")
    with pytest.raises(StoreError, match=r"metadata\.json says dtype None"):
        opening(chunks({"activations": ones, "attention_mask": mask}))


def test_what_metadata_knows_is_kept(chunks, opening):
    facts = {"model": "gemma-2-2b", "layer": 12, "dataset": "pile", "n": [1]}
    header = opening(chunks(part([[1, 1]]), metadata=facts)).store.header
    feature = header.arrays[0].feature
    assert (header.arrays[0].name, feature.layer, feature.backbone) == ("12", "12", "gemma-2-2b")
    assert (header.dataset, feature.position, feature.grid) == ("pile", "token", None)


def test_the_digest_is_that_of_the_contents(chunks, opening, tmp_path):
    first = chunks(part([[1, 1]]))
    digest = opening(first).store.digest
    first.rename(tmp_path / "elsewhere")
    assert opening(tmp_path / "elsewhere").store.digest == digest
    other = part([[1, 1]])
    other["activations"][0, 0, 0] += 1
    assert opening(chunks(other)).store.digest != digest


def test_a_missing_chunk_is_an_error(chunks, opening):
    root = chunks(*[part([[1, 1]], seed=seed) for seed in range(3)])
    (root / "chunks" / "chunk_0001.npz").unlink()
    with pytest.raises(StoreError, match=r"chunk_0001\.npz is missing"):
        opening(root)


def test_a_chunk_of_another_layer_is_an_error(chunks, opening):
    with pytest.raises(StoreError, match="d_model 6; chunk_0000"):
        opening(chunks(part([[1, 1]]), part([[1, 1]], d=6)))


def test_a_flipped_bit_is_an_error(chunks, opening):
    wide = 5000  # longer than what zipfile reads to see the header
    root = chunks(part(np.ones((2, 3)), d=wide), part(np.ones((2, 3)), seed=1, d=wide))
    path = root / "chunks" / "chunk_0001.npz"
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("activations.npy").header_offset + 60_000
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    opened = opening(root)
    assert len(opened.store.read("activations", 0, 6)) == 6
    with pytest.raises(StoreError, match="Bad CRC"):
        opened.store.read("activations", 5, 7)
