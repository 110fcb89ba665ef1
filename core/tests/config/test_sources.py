"""Files, `--set` pairs and their order; no file can do worse than be refused in one line."""

from __future__ import annotations

import json

import pytest

from traits_core import ConfigError
from traits_core.config.sources import merge, parse_set, read_config


@pytest.fixture
def write(tmp_path):
    def write(text, name="config.toml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_toml_file_is_tables_of_typed_values(write):
    path = write('dataset = "emoji"\n[method]\nname = "kmeans"\nn-clusters = 3\n[run]\nseed = 1\n')
    assert read_config(path) == {
        "dataset": {"name": "emoji"},
        "method": {"name": "kmeans", "n_clusters": 3},
        "run": {"seed": 1},
    }


def test_of_a_run_json_the_configuration_is_read(write):
    config = {"method": {"name": "kmeans", "layer": None}}
    path = write(json.dumps({"format": 1, "config": config}), "run.json")
    assert read_config(path) == config


def test_an_empty_toml_file_asks_for_nothing(write):
    assert read_config(write("")) == {}


HOSTILE = {
    "broken.toml": "[method",
    "binary.toml": bytes(range(256)),
    "latin1.toml": 'x = "ü"'.encode("latin-1"),
    "scalar.toml": "method = 3",
    "list.toml": 'method = ["kmeans"]',
    "tables.toml": "[[method]]\nname = 'a'",
    "nested.toml": "x = " + "[" * 50_000,
    "huge.toml": "method = " + "[" + "1," * 100_000 + "]",
    "broken.json": "{",
    "empty.json": "",
    "null.json": "null",
    "list.json": "[1, 2]",
    "text.json": '"config"',
    "no-config.json": '{"method": {}}',
    "wrong-config.json": '{"config": [1]}',
    "wrong-table.json": '{"config": {"method": 3}}',
    "nested.json": "[" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_configuration_is_refused_in_one_short_line(write, name):
    path = write(HOSTILE[name], name)
    with pytest.raises(ConfigError) as error:
        read_config(path)
    assert str(error.value).startswith(f"--config {path}: ")
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 500


def test_a_path_that_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "absent.toml", tmp_path / "absent.json"):
        with pytest.raises(ConfigError, match=rf"^--config {path}: "):
            read_config(path)


def test_set_pairs_make_tables_of_text():
    pairs = ["method.n-clusters=64", "method.name=kmeans", "run.seed=", "dataset.path=a=b.c"]
    assert parse_set(pairs) == {
        "method": {"n_clusters": "64", "name": "kmeans"},
        "run": {"seed": ""},
        "dataset": {"path": "a=b.c"},
    }


def test_of_two_set_pairs_the_later_wins():
    assert parse_set(["run.seed=1", "run.seed=2"]) == {"run": {"seed": "2"}}


@pytest.mark.parametrize("pair", ["", "=", "a", "a=b", "a.=b", ".a=b", ".=", "method.x", "a b"])
def test_a_pair_without_section_option_and_value_is_refused(pair):
    with pytest.raises(ConfigError, match=r"expected SECTION.OPTION=VALUE, e.g. run.seed=1$"):
        parse_set([pair])


def test_later_layers_win_option_by_option():
    file = {"method": {"name": "kmeans", "a": 1, "b": 1}, "run": {"seed": 1}}
    assert merge(file, {"method": {"b": 2}}, {"run": {"layer": "3"}, "dataset": {"name": "d"}}) == {
        "method": {"name": "kmeans", "a": 1, "b": 2},
        "run": {"seed": 1, "layer": "3"},
        "dataset": {"name": "d"},
    }


def test_another_name_drops_the_options_of_the_earlier_one():
    file = {"method": {"name": "kmeans", "n_clusters": 9}}
    assert merge(file, {"method": {"name": "random", "kind": "x"}}) == {
        "method": {"name": "random", "kind": "x"}
    }


def test_the_same_name_or_a_first_name_keeps_the_options():
    for file in ({"n_clusters": 9}, {"name": "kmeans", "n_clusters": 9}):
        assert merge({"method": file}, {"method": {"name": "kmeans"}}) == {
            "method": {"name": "kmeans", "n_clusters": 9}
        }


def test_another_dataset_drops_the_backbone_that_came_with_the_earlier_one():
    file = {"dataset": {"name": "emoji"}, "backbone": {"name": "vit", "size": 3}}
    assert merge(file, {"dataset": {"name": "digits"}}) == {"dataset": {"name": "digits"}}
    for named in ({"name": "vit"}, {"name": "vit", "size": 4}, {"name": "pixels"}):
        layer = {"dataset": {"name": "digits"}, "backbone": named}
        assert merge(file, layer) == layer
    same = {"dataset": {"name": "emoji", "limit": 3}}
    assert merge(file, same)["backbone"] == {"name": "vit", "size": 3}
    assert merge({"backbone": file["backbone"]}, same)["backbone"] == file["backbone"]


def test_merging_changes_none_of_its_layers():
    file = {"method": {"name": "kmeans", "a": 1}}
    merge(file, {"method": {"name": "random"}}, {"method": {"b": 2}})
    assert file == {"method": {"name": "kmeans", "a": 1}}
