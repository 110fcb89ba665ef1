"""`traits convert` and `traits inspect` as a user sees them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from traits_core.stores.json_records import load_header
from traits_core.stores.writer import StoreWriter


def test_convert_says_what_it_made(traits, native, opening, everything, tmp_path):
    root, data = native()
    ended = traits(
        "convert", root, tmp_path / "out", "--to", "raw", "--layers", "high,low", "--json"
    )
    assert ended.code == 0
    made = json.loads(ended.out)
    assert made["arrays"] == {"high": 4, "low": 4}
    assert (made["format"], made["dtype"], made["rows"]) == ("raw", "float32", 21)
    assert "21 rows" in ended.err
    opened = opening(tmp_path / "out")
    assert opened.store.digest == made["digest"]
    assert torch.equal(everything(opened, "high"), data["high"])
    again = traits(
        "convert", root, tmp_path / "out", "--to", "raw", "--layers", "high,low", "--json"
    )
    assert json.loads(again.out) == made


def test_convert_names_the_directory_that_an_export_chose(traits, native, tmp_path):
    root, _ = native(position="cls+patch")
    ended = traits("convert", root, tmp_path / "out", "--to", "saev", "--set", "family=siglip")
    path, _, rest = ended.out.partition(": ")
    assert rest == "21 rows of low (4), high (4), float32 saev\n"
    assert json.loads(Path(path, "metadata.json").read_text())["family"] == "siglip"
    ended = traits("convert", path, tmp_path / "cls", "--to", "zarr", "--tokens", "cls", "--json")
    assert json.loads(ended.out)["rows"] == 7


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--to", "zar"], "Did you mean 'zarr'? Installed: npz, saev, raw, zarr"),
        (["--to", "zarr", "--dtype", "float64"], "choose from float32, float16, bfloat16"),
        (["--to", "zarr", "--layers", "mid"], "no array named 'mid'; there are: low, high"),
        (["--to", "zarr", "--tokens", "cls"], "which has no option tokens"),
        (["--to", "npz"], "choose one with --layers"),
        (["--to", "saev", "--set", "family"], "must read OPTION=VALUE"),
        (["--to", "saev", "--set", "family=gemma"], "must be in"),
        (["--to", "saev", "--set", "tokns=cls"], "tokens"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(traits, native, tmp_path, arguments, told):
    root, _ = native()
    ended = traits("convert", root, tmp_path / "out", *arguments)
    assert ended.code == 2
    assert told in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()


def inspected(traits, path):
    """What `inspect --json` says, which must agree with what it shows."""
    ended = traits("inspect", path, "--json")
    assert ended.code == 0, ended.err
    facts = json.loads(ended.out)
    shown = traits("inspect", path).out
    assert shown.startswith(f"{path}: {facts['summary']}\n")
    assert len(shown.splitlines()) < 25
    return facts


def test_a_store_is_inspected_whole_half_done_and_damaged(traits, native, storage, tmp_path):
    root, data = native()
    facts = inspected(traits, root)
    assert (facts["kind"], facts["state"], facts["shards"]) == ("store", "complete", "4 of 4")
    assert facts["arrays"] == ["low (4)", "high (4)"]
    assert (facts["rows"], facts["examples"], facts["dtype"]) == (21, 7, "float32")
    with StoreWriter(tmp_path / "half", load_header(root), storage) as writer:
        writer.append({name: rows[:12] for name, rows in data.items()})
    half = inspected(traits, tmp_path / "half")
    assert half["state"] == "incomplete: 12 of 21 rows are committed"
    assert (half["shards"], half["digest"]) == ("2 of 4", None)
    next(root.glob("arrays/low/c/0/0")).write_bytes(b"")
    assert "is 0 bytes" in inspected(traits, root)["state"]


def test_foreign_directories_are_inspected(traits, native, opening, converted, tmp_path, chunks):
    source = opening(native(position="cls+patch")[0])
    facts = inspected(traits, converted(source, tmp_path / "out", "saev", max_tokens_per_shard=20))
    assert facts["kind"] == "saev"
    assert facts["tokens"].startswith("CLS and 2 content tokens")
    assert facts["shards"] == "3 of 3 examples"
    assert "warning" not in facts
    acts = np.ones((2, 3, 4), np.float32)
    facts = inspected(traits, chunks({"activations": acts, "attention_mask": [[1, 1, 0]] * 2}))
    assert (facts["kind"], facts["rows"]) == ("npz", 4)
    assert facts["masked"] == "2 of 6 tokens, which are no rows"


def test_layers_that_saev_may_have_swapped_are_pointed_out(
    traits, native, opening, converted, tmp_path
):
    root = converted(opening(native()[0]), tmp_path / "out", "saev")
    (root / "traits.json").unlink()
    facts = json.loads((root / "metadata.json").read_text())
    for layers, warned in ([3, 1], True), ([1, 3], False), ([0, -1], True), ([-2, -1], False):
        (root / "metadata.json").write_text(json.dumps(facts | {"layers": layers}))
        assert ("warning" in inspected(traits, root)) is warned


def test_plain_arrays_are_inspected(traits, native, tmp_path):
    np.save(tmp_path / "a.npy", np.ones((3, 4), np.float16))
    assert inspected(traits, tmp_path / "a.npy")["array"] == "float16 [3, 4]"
    np.savez(tmp_path / "b.npz", x=np.ones(3), y=np.ones((1, 2), np.int8))
    assert inspected(traits, tmp_path / "b.npz")["arrays"] == ["x: float64 [3]", "y: int8 [1, 2]"]
    save_file({"w": np.ones((2, 2), np.float32)}, tmp_path / "c.safetensors")
    assert inspected(traits, tmp_path / "c.safetensors")["arrays"] == ["w: F32 [2, 2]"]
    root, _ = native()
    facts = inspected(traits, root / "arrays" / "low")
    assert (facts["kind"], facts["arrays"]) == ("zarr", ["low: float32 [21, 4]"])


def test_runs_and_scorers_are_inspected(traits, tmp_path, monkeypatch):
    (tmp_path / "run" / "scores").mkdir(parents=True)
    config = {"method": {"name": "kmeans"}, "dataset": {"name": "emoji"}, "run": {"seed": 3}}
    (tmp_path / "run" / "run.json").write_text(json.dumps({"config": config, "created": "today"}))
    facts = inspected(traits, tmp_path / "run")
    assert (facts["kind"], facts["method"], facts["seed"]) == ("run", "kmeans", 3)
    assert facts["holds"] == ["scores"]


@pytest.mark.parametrize("name", ["nowhere", "empty", "notes.txt"])
def test_what_nobody_recognises_ends_with_2_and_says_what_was_looked_for(traits, tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    ended = traits("inspect", tmp_path / name)
    assert ended.code == 2
    assert ended.out == ""
    if name != "nowhere":
        assert "Looked for: a store (store.json)" in ended.err
        assert "(npz, saev)" in ended.err


@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors"])
def test_a_file_that_is_not_what_its_name_says_is_one_line(traits, tmp_path, suffix):
    (tmp_path / f"x.{suffix}").write_bytes(b"\x80\x04no array")
    ended = traits("inspect", tmp_path / f"x.{suffix}")
    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_stats_describe_a_foreign_directory_and_keep_nothing(traits, native, tmp_path):
    root, data = native()
    traits("convert", root, tmp_path / "out", "--to", "npz", "--layers", "high")
    home = tmp_path / "home"
    ended = traits("stats", tmp_path / "out", "--home", home, "--json")
    assert ended.code == 0
    (described,) = json.loads(ended.out).values()
    np.testing.assert_allclose(described["mean"], data["high"].double().mean(0), rtol=1e-6)
    assert not (home / "statistics").exists()
    shown = traits("stats", tmp_path / "out", "--home", home)
    assert shown.code == 0
    assert "kept in" not in shown.out


def test_an_export_without_its_last_chunk_is_refused(traits, native, tmp_path):
    root, _ = native()
    options = ("--layers", "high", "--set", "sequences_per_chunk=1")
    traits("convert", root, tmp_path / "out", "--to", "npz", *options)
    max((tmp_path / "out" / "chunks").iterdir()).unlink()
    ended = traits("stats", tmp_path / "out", "--home", tmp_path / "home")
    assert ended.code != 0
    assert "metadata.json says" in ended.err
