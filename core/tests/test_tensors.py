"""Tensors and facts in one file."""

import os
import stat

import pytest
import torch

from traits_core import StoreError, load_tensors, save_tensors


def test_tensors_and_facts_come_back(tmp_path):
    tensors = {"a_nd": torch.randn(3, 4).T, "b": torch.tensor(7), "c": torch.zeros(0, 2)}
    save_tensors(tmp_path / "x.safetensors", tensors, {"k": [1, "ü", None]})
    loaded, facts = load_tensors(tmp_path / "x.safetensors")
    assert facts == {"k": [1, "ü", None]}
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]


def test_colleagues_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o027)
    try:
        save_tensors(tmp_path / "x.safetensors", {"a": torch.zeros(1)})
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.safetensors").stat().st_mode) == 0o640


@pytest.mark.parametrize("damage", [b"", b"\x80\x04K\x01.", b"\xff" * 64])
def test_anything_else_is_refused(tmp_path, damage):
    path = tmp_path / "x.safetensors"
    with pytest.raises(StoreError, match="not a readable"):
        load_tensors(path)
    path.write_bytes(damage)
    with pytest.raises(StoreError, match="not a readable"):
        load_tensors(path)


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="not a readable"):
        load_tensors(path)
