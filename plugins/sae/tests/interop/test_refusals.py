"""What is damaged, hostile, or has no place in a format ends in one line, and nothing of it is executed."""

from __future__ import annotations

import os
import pickle
import re
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from traits_core import ConfigError, StoreError
from traits_plugin_sae.activations import TopK
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.formats import FORMATS, read_checkpoint, write_checkpoint
from traits_plugin_sae.interop.torch_zip import read_torch_zip
from traits_plugin_sae.row_norms import RowNorm

Make = Callable[..., Dictionary]

PLACES = {
    "relu": {"saelens", "dictionary-learning", "gemma-scope", "saev"},
    "topk": {"saelens", "dictionary-learning", "sparsify", "saev"},
    "jumprelu": {"saelens", "dictionary-learning", "gemma-scope"},
    "one threshold": {"saelens", "dictionary-learning", "gemma-scope", "saev"},
    "gated": {"saelens", "dictionary-learning"},
    "groupmax": {"sparsify"},
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("subtracts", [True, False])
def test_a_format_holds_an_autoencoder_exactly_or_refuses_it_by_name(
    tmp_path: Path, make: Make, acts_bd: torch.Tensor, name: str, kind: str, subtracts: bool
) -> None:
    dictionary = make(kind, subtracts_bias=subtracts)
    if name not in PLACES[kind]:
        with pytest.raises(ConfigError, match=f"^{name}: a {dictionary.activation.name} "):
            write_checkpoint(tmp_path / "out", name, dictionary, {})
        assert list(tmp_path.iterdir()) == []
        return
    write_checkpoint(tmp_path / "out", name, dictionary, {})
    again = read_checkpoint(tmp_path / "out", name).dictionary
    if (kind, name) == ("topk", "saev"):  # which keeps negative values among the k
        dictionary = make(activation=TopK(3, signed=True), subtracts_bias=subtracts)
    torch.testing.assert_close(again.reconstruct(acts_bd), dictionary.reconstruct(acts_bd))
    torch.testing.assert_close(again.encode(acts_bd), dictionary.encode(acts_bd))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("change", ["row_norm", "skip_dd"])
def test_row_norms_and_skips_are_kept_or_refused(
    tmp_path: Path, make: Make, acts_bd: torch.Tensor, name: str, change: str
) -> None:
    kind = "topk" if name == "sparsify" else "relu"
    value = RowNorm.LAYER if change == "row_norm" else torch.eye(6)
    dictionary = make(kind, **{change: value})
    if (name, change) not in {("saelens", "row_norm"), ("sparsify", "skip_dd")}:
        with pytest.raises(ConfigError, match=f"^{name}: "):
            write_checkpoint(tmp_path / "out", name, dictionary, {})
        return
    write_checkpoint(tmp_path / "out", name, dictionary, {})
    again = read_checkpoint(tmp_path / "out").dictionary
    torch.testing.assert_close(again.reconstruct(acts_bd), dictionary.reconstruct(acts_bd))


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self._command,)


class EvilDict(dict):  # type: ignore[type-arg]
    """Looks like a dict of tensors, and is made by a call."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("open('executed', 'w')",)


def _zip(path: Path, pickled: bytes, prefix: bytes = b"", compression: int = 0) -> Path:
    """A file like those of torch.save, with this pickle and one storage of 64 bytes."""
    with path.open("wb") as file:
        file.write(prefix)
        with zipfile.ZipFile(file, "w", compression) as archive:
            archive.writestr("ae/data.pkl", pickled)
            archive.writestr("ae/data/0", bytes(64))
    return path


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("what", ["value", "whole"])
def test_a_pickle_that_calls_something_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    held: Any = {"bias": Evil("touch executed")} if what == "value" else EvilDict()
    path = _zip(tmp_path / "ae.pt", pickle.dumps(held, protocol))
    for read in (read_torch_zip, read_checkpoint):
        with pytest.raises(StoreError, match=r"refused") as raised:
            read(path)
        assert "\n" not in str(raised.value)
    assert not (tmp_path / "executed").exists()


def test_a_pickle_behind_a_header_of_saev_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    header = b'{"d_vit": 6, "exp_factor": 2}\n'
    path = _zip(tmp_path / "sae.pt", pickle.dumps({"W_dec": Evil("touch executed")}, 2), header)
    with pytest.raises(StoreError, match="refused"):
        read_checkpoint(path)
    assert not (tmp_path / "executed").exists()


class View:
    """A tensor described as one pleases: pickled, it says what torch would say of it."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments


class Storage:
    """The storage `0` of 16 floats, or as many as it claims."""

    def __init__(self, claimed: int = 16) -> None:
        self.claimed = claimed


class Pickler(pickle._Pickler):
    """Writes `View` and `Storage` as torch writes tensors."""

    def persistent_id(self, one: object) -> object:
        if isinstance(one, Storage):
            return ("storage", torch.FloatStorage, "0", "cpu", one.claimed)
        return None

    def reducer_override(self, one: object) -> Any:
        if isinstance(one, View):
            return torch._utils._rebuild_tensor_v2, one.arguments
        return NotImplemented


HOSTILE = {
    "larger than its storage": View(Storage(), 0, (10**6, 10**6), (10**6, 1), False, {}),
    "the same value a trillion times": View(Storage(), 0, (10**6, 10**6), (0, 0), False, {}),
    "beyond its storage": View(Storage(), 8, (4, 4), (4, 1), False, {}),
    "a storage that claims more": View(Storage(10**12), 0, (10**6,), (1,), False, {}),
    "backwards": View(Storage(), 15, (16,), (-1,), False, {}),
    "of negative length": View(Storage(), 0, (-1,), (1,), False, {}),
    "of no shape": View(Storage(), 0, "ab", (1,), False, {}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_tensor_that_is_not_there_is_refused_before_memory_is_asked_for(
    tmp_path: Path, name: str
) -> None:
    import io

    buffer = io.BytesIO()
    Pickler(buffer, 2).dump({"bias": HOSTILE[name]})
    path = _zip(tmp_path / "ae.pt", buffer.getvalue())
    with pytest.raises(StoreError, match="not a file of tensors"):
        read_torch_zip(path)


def test_a_compressed_member_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "ae.pt", pickle.dumps({}, 2), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(StoreError, match="compressed"):
        read_torch_zip(path)


def test_a_member_that_claims_more_than_the_file_has_asks_for_no_memory(tmp_path: Path) -> None:
    path = _zip(tmp_path / "ae.pt", pickle.dumps({}, 2))
    whole = bytearray(path.read_bytes())
    directory = whole.find(b"PK\x01\x02")
    whole[directory + 20 : directory + 28] = struct.pack("<II", 2**31, 2**31)  # both its lengths
    path.write_bytes(whole)
    tracemalloc.start()
    try:
        with pytest.raises(StoreError, match="claims 2147483648 bytes"):
            read_torch_zip(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_one_pickle_is_needed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ae.pt", "w") as archive:
        archive.writestr("one/data.pkl", b"")
        archive.writestr("two/data.pkl", b"")
    with pytest.raises(StoreError, match=r"has 2 members data\.pkl, and needs one"):
        read_torch_zip(tmp_path / "ae.pt")


@pytest.mark.parametrize("part", [0.0, 0.001, 0.02, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("name", FORMATS)
def test_a_truncated_file_is_refused_in_one_line(
    tmp_path: Path, make: Make, name: str, part: float
) -> None:
    write_checkpoint(tmp_path / "out", name, make("topk" if name == "sparsify" else "relu"), {})
    weights = max((tmp_path / "out").iterdir(), key=lambda path: path.stat().st_size)
    whole = weights.read_bytes()
    weights.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(StoreError) as raised:
        read_checkpoint(tmp_path / "out", name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", FORMATS)
def test_nan_in_the_weights_is_refused(tmp_path: Path, make: Make, name: str) -> None:
    dictionary = make("topk" if name == "sparsify" else "relu")
    dictionary.encoder_ds[2, 3] = torch.nan
    write_checkpoint(tmp_path / "out", name, dictionary, {})
    with pytest.raises(StoreError, match="NaN or infinity"):
        read_checkpoint(tmp_path / "out")


@pytest.mark.parametrize("name", ["ae.pt", "sae.pt", "params.npz", "sae.safetensors"])
def test_a_device_is_no_checkpoint(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(StoreError, match="no checkpoint of saelens"):
        read_checkpoint(tmp_path / name)


ODD = {
    "a vector": (
        {"encoder.weight": torch.zeros(6)},
        r"encoder\.weight must be a matrix, not \[6\]",
    ),
    "k of two": ({"k": torch.tensor([1, 2])}, r"k must be one value, not \[2\]"),
    "k of 2.5": ({"k": torch.tensor(2.5)}, "k must be a whole number from 1, not 2.5"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_tensor_is_named(tmp_path: Path, make: Make, name: str) -> None:
    odd, says = ODD[name]
    write_checkpoint(tmp_path / "out", "dictionary-learning", make("topk"), {})
    path = tmp_path / "out" / "ae.pt"
    tensors = read_torch_zip(path)
    tensors["bias"] = tensors.pop("b_dec")
    torch.save(tensors | odd, path)
    with pytest.raises(StoreError, match=says) as raised:
        read_checkpoint(tmp_path / "out")
    assert "\n" not in str(raised.value)


def test_an_npz_with_a_pickle_or_a_bomb_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "params.npz", W_enc=np.array([{}], dtype=object))
    with pytest.raises(StoreError, match="refused"):
        read_checkpoint(tmp_path)
    np.savez(tmp_path / "params.npz", W_enc=np.full((2, 2), 1e300))
    with pytest.raises(StoreError, match="W_enc holds NaN or infinity"):
        read_checkpoint(tmp_path)
    np.savez_compressed(tmp_path / "params.npz", W_enc=np.zeros((3000, 3000), np.float32))
    with pytest.raises(StoreError, match="bomb"):
        read_checkpoint(tmp_path)


def test_what_is_no_checkpoint_is_told_what_would_be(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no checkpoint of saelens, dictionary-learning"):
        read_checkpoint(tmp_path)
    for name in (None, *FORMATS):
        with pytest.raises(StoreError, match=r"absent\.pt: No such file or directory$"):
            read_checkpoint(tmp_path / "absent.pt", name)
    with pytest.raises(ConfigError, match="choose from saelens"):
        read_checkpoint(tmp_path, "keras")


@pytest.mark.parametrize("name", FORMATS)
def test_another_format_is_told_what_was_looked_for_and_what_is_there(
    tmp_path: Path, make: Make, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    kind = "topk" if name == "sparsify" else "relu"
    write_checkpoint(tmp_path / "out", name, make(kind), {})
    for other in FORMATS.keys() - {name}:
        looked_for = " or ".join(FORMATS[other].PLACES)
        for place, there in (("out", f"it looks like {name}"), ("empty", "name its directory")):
            told = f"{place}: no checkpoint of {other} is there: no {looked_for}; {there}"
            with pytest.raises(StoreError, match=re.escape(told)):
                read_checkpoint(tmp_path / place, other)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_to_the_file_later_does_not_change_what_was_read(
    tmp_path: Path, make: Make, name: str
) -> None:
    write_checkpoint(tmp_path / "out", name, make("topk" if name == "sparsify" else "relu"), {})
    weights = max((tmp_path / "out").iterdir(), key=lambda path: path.stat().st_size)
    found = read_checkpoint(tmp_path / "out").dictionary.tensors()
    before = {key: tensor.clone() for key, tensor in found.items()}
    with weights.open("r+b") as file:
        file.write(b"\xff" * weights.stat().st_size)
    assert all(torch.equal(found[key], tensor) for key, tensor in before.items())


def test_what_is_there_is_not_written_over(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").write_text("precious")
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path, tmp_path / "mine", Path()):
        with pytest.raises(ConfigError, match="is there already"):
            write_checkpoint(place, "saelens", make(), {})
    assert (tmp_path / "mine").read_text() == "precious"


def test_what_cannot_be_made_is_named_as_it_was_asked_for(tmp_path: Path, make: Make) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to("nowhere")
    for place, says in (("file/out", "cannot make .*file/out: Not a dir"), ("link", "is there")):
        with pytest.raises(ConfigError, match=says):
            write_checkpoint(tmp_path / place, "saelens", make(), {})
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}


def test_tensors_of_one_row_are_written_though_they_share_memory(
    tmp_path: Path, make: Make
) -> None:
    row_1d = torch.linspace(1, 2, 6)[None]
    one = Dictionary(
        encoder_ds=row_1d.T,
        encoder_bias_s=torch.zeros(1),
        decoder_sd=row_1d,
        decoder_bias_d=torch.zeros(6),
        activation=make().activation,
    )
    write_checkpoint(tmp_path / "out", "saelens", one, {})
    assert torch.equal(read_checkpoint(tmp_path / "out").dictionary.decoder_sd, row_1d)


def test_complex_weights_are_refused(tmp_path: Path, make: Make) -> None:
    write_checkpoint(tmp_path / "out", "saelens", make(), {})
    tensors = {"W_enc": make().encoder_ds, "b_enc": torch.zeros(12, dtype=torch.complex64)}
    save_file(tensors, tmp_path / "out" / "sae_weights.safetensors")
    with pytest.raises(StoreError, match="b_enc holds complex numbers"):
        read_checkpoint(tmp_path / "out")


def test_a_scaling_factor_of_one_is_nothing_and_another_is_refused(
    tmp_path: Path, make: Make
) -> None:
    write_checkpoint(tmp_path / "out", "saelens", make(), {})
    path = tmp_path / "out" / "sae_weights.safetensors"
    tensors = {
        "W_enc": make().encoder_ds,
        "b_enc": make().encoder_bias_s,
        "W_dec": make().decoder_sd,
        "b_dec": make().decoder_bias_d,
    }
    save_file(tensors | {"scaling_factor": torch.ones(12)}, path)
    read_checkpoint(tmp_path / "out")
    save_file(tensors | {"scaling_factor": torch.full((12,), 2.0)}, path)
    with pytest.raises(StoreError, match="scaling_factor is not 1"):
        read_checkpoint(tmp_path / "out")
