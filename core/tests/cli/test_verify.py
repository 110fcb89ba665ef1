"""`traits verify`: a store, a run or a home; its exit codes; its output for people and programs."""

import json
import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A home with two stores of activations and one run, copied for each test."""
    from traits_core.cli.app import _run

    home = tmp_path_factory.mktemp("verify") / "home"
    command = (
        "run --method random --dataset digits --method.n-prototypes 4 --storage.rows-per-shard"
    )
    with pytest.raises(SystemExit) as ended:
        _run([*command.split(), "6400", "--storage.chunk-rows", "640", "--home", str(home)])
    assert not ended.value.code
    return home


@pytest.fixture
def home(made, tmp_path):
    return shutil.copytree(made, tmp_path / "home")


@pytest.fixture
def store(home):
    return next(iter((home / "activations").glob("digits-train-*")))


def shard_file(store, shard):
    lines = map(json.loads, (store / "manifest.jsonl").read_bytes().splitlines())
    return next(line["files"][2]["name"] for line in lines if line["shard"] == shard)


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[5] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("options", [(), ("--full",), ("--full", "--jobs", "1"), ("--repair",)])
def test_a_home_that_is_whole_is_clean(traits, home, options):
    ended = traits("verify", str(home), *options)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert len(lines) == 5  # two stores of activations, two of scores, one scorer
    assert all(": clean" in line for line in lines)


def test_a_run_and_a_store_are_verified_alone(traits, home, store):
    run = next((home / "runs").iterdir())
    assert len(traits("verify", str(run)).out.splitlines()) == 3
    assert len(traits("verify", str(store)).out.splitlines()) == 1


def test_a_finding_names_shard_file_and_what_to_do_and_exits_1(traits, store):
    name = shard_file(store, 1)
    (store / name).unlink()
    ended = traits("verify", str(store))
    assert ended.code == 1
    head, line = ended.out.splitlines()
    assert head.startswith(f"{store}: 1 finding (")
    assert line.split()[:5] == ["damaged", "shard", "1,", f"{name}:", "is"]
    assert "`--repair` drops it" in line


def test_a_flipped_bit_needs_full(traits, store):
    flip(store / shard_file(store, 1))
    codes = [traits("verify", str(store), *options).code for options in ((), ("--full",))]
    assert codes == [0, 1]


def test_json_has_everything(traits, store):
    name = shard_file(store, 1)
    flip(store / name)
    ended = traits("verify", str(store), "--full", "--json")
    assert ended.code == 1
    (report,) = json.loads(ended.out)
    assert (report["clean"], report["path"], report["kind"]) == (False, str(store), "store")
    (finding,) = report["findings"]
    assert (finding["severity"], finding["shard"], finding["file"]) == ("damaged", 1, name)
    assert report["checked"]["hashed_bytes"] == report["checked"]["bytes"] > 0
    assert report["checked"]["measured_rows"] == report["checked"]["rows"]


def test_repair_and_the_same_run_make_the_store_whole(traits, home, store):
    """The run keeps its digests: what is written again is, to the byte, what was lost."""
    before = {p: p.read_bytes() for p in store.rglob("*") if p.is_file() and p.name[:4] != "mani"}
    name = shard_file(store, 1)
    flip(store / name)
    ended = traits("verify", str(home), "--full", "--repair")
    assert ended.code == 1
    assert "repaired" in ended.out
    assert "shard 1 is missing: rows " in ended.out
    run = next((home / "runs").iterdir())
    ended = traits("run", "--config", str(run / "run.json"), "--home", str(home))
    assert ended.code == 0, ended.err
    assert "train: complete" in ended.err
    assert traits("verify", str(home), "--full").code == 0
    after = {p: p.read_bytes() for p in before if p.name != "LOCK"}
    assert after == {p: content for p, content in before.items() if p.name != "LOCK"}
    assert (store / "quarantine/1" / name).exists()


def test_a_scorer_that_changed_is_found(traits, home):
    scorer = next(home.glob("runs/*/scorer/*.safetensors"))
    flip(scorer)
    ended = traits("verify", str(home))
    assert ended.code == 1
    assert "changed since it was written" in ended.out


@pytest.mark.parametrize("plant", [lambda f: f.unlink(), lambda f: f.write_text("{")])
def test_a_store_that_cannot_be_read_exits_2_and_others_are_still_verified(
    traits, home, store, plant
):
    plant(store / "store.json")
    ended = traits("verify", str(home))
    assert ended.code == 2
    assert "unreadable" in ended.out
    assert ended.out.count(": clean") == 4


def test_a_place_without_stores_is_refused(traits, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nowhere"):
        ended = traits("verify", str(path))
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(f"traits: error: {path}: nothing to verify")


def test_a_file_name_cannot_play_with_the_terminal(traits, store):
    (store / "x\x1b[2Jy").write_text("x")
    (store / os.fsdecode(b"not-utf8-\xff")).write_text("x")
    ended = traits("verify", str(store))
    assert ended.code == 1
    assert "\x1b" not in ended.out
    assert "x\\x1b[2Jy" in ended.out


def test_many_findings_are_cut_for_people_and_not_for_programs(traits, store):
    for number in range(30):
        Path(store / f"stray-{number}").write_text("x")
    ended = traits("verify", str(store))
    assert "... and 10 more; --json has them all" in ended.out
    assert len(json.loads(traits("verify", str(store), "--json").out)[0]["findings"]) == 30


def test_jobs_must_be_positive(traits, store):
    ended = traits("verify", str(store), "--jobs", "0")
    assert ended.code == 2
