"""Fixtures that are shared by the tests of this plugin."""

import os
from pathlib import Path

import pytest

from traits_plugin_datasets.config import EfficientNetLite0Config, EmojiConfig
from traits_plugin_datasets.efficientnet import EfficientNetLite0
from traits_plugin_datasets.emoji import FILE, SHA256, Emoji
from traits_plugin_datasets.emoji_file import EmojiFile
from traits_plugin_datasets.resources import read_resource


@pytest.fixture(scope="session")
def emoji():
    return Emoji(EmojiConfig())


@pytest.fixture(scope="session")
def emoji_file():
    return EmojiFile.unpack(read_resource(FILE, SHA256))


@pytest.fixture(scope="session")
def efficientnet():
    return EfficientNetLite0(EfficientNetLite0Config(), device="cpu")


@pytest.fixture(scope="session")
def sources():
    """The folder with the published archives that the data files are built from."""
    if "TRAITS_EMOJI_SOURCES" not in os.environ:
        pytest.skip("TRAITS_EMOJI_SOURCES names no folder with the source archives (see README)")
    return Path(os.environ["TRAITS_EMOJI_SOURCES"])
