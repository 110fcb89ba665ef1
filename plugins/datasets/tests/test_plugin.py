"""The light side of the plugin: what it offers, and what it costs to ask."""

import subprocess
import sys
from importlib.resources import files

import pytest

import traits_plugin_datasets
from traits_core import DataError, PluginError
from traits_plugin_datasets.config import (
    DigitsConfig,
    EfficientNetLite0Config,
    EmojiConfig,
    MiniLMConfig,
    PixelsConfig,
    PythonSourceConfig,
)
from traits_plugin_datasets.resources import read_resource

SPECS = [*traits_plugin_datasets.traits_datasets(), *traits_plugin_datasets.traits_backbones()]
MEGABYTE = 1_000_000


def test_listing_imports_nothing_heavy():
    code = (
        "import sys, traits_plugin_datasets as p; p.traits_datasets(); p.traits_backbones();"
        "print(sorted({'torch', 'numpy', 'PIL', 'sklearn', 'safetensors', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.kind}-{spec.name}")
def test_every_spec_builds_its_example(spec):
    config = spec.config(**spec.example)
    arguments = {"device": "cpu"} if spec.kind == "backbone" else {}
    try:
        assert spec.load()(config, **arguments)
    except PluginError as lacking:
        if "[text]" not in str(lacking):
            raise
        pytest.skip(str(lacking))


def test_every_dataset_names_a_backbone_of_this_plugin():
    backbones = {spec.name for spec in SPECS if spec.kind == "backbone"}
    assert {spec.backbone for spec in SPECS if spec.kind == "dataset"} == backbones


def test_data_files_fit_in_six_and_a_half_megabytes():
    data = [file for file in (files(traits_plugin_datasets) / "data").iterdir() if file.is_file()]
    assert {file.name for file in data} == {"emoji.npz", "efficientnet-lite0.safetensors"}
    assert sum(len(file.read_bytes()) for file in data) <= 6.5 * MEGABYTE


def test_changed_data_file_is_refused():
    with pytest.raises(DataError, match=r"emoji\.npz is damaged"):
        read_resource("emoji.npz", "0" * 64)


def test_missing_data_file_is_refused():
    with pytest.raises(DataError, match=r"none\.npz is missing"):
        read_resource("none.npz", "0" * 64)


@pytest.mark.parametrize("size", [0, -16, 100])
def test_image_size_off_the_grid_is_refused(size):
    with pytest.raises(ValueError, match="'image_size' must be a positive multiple of 16"):
        EfficientNetLite0Config(image_size=size)


def test_patch_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match="patch 9 must be at most image_size 8"):
        PixelsConfig(patch=9)


@pytest.mark.parametrize(
    ("config", "option"),
    [
        (EmojiConfig, "limit"),
        (DigitsConfig, "limit"),
        (EfficientNetLite0Config, "image_size"),
        (PixelsConfig, "image_size"),
        (PixelsConfig, "patch"),
        (PixelsConfig, "stride"),
        (PythonSourceConfig, "limit"),
        (PythonSourceConfig, "tokens"),
        (MiniLMConfig, "tokens"),
    ],
)
def test_zero_is_refused(config, option):
    with pytest.raises(ValueError, match=f"'{option}' must be"):
        config(**{option: 0})
