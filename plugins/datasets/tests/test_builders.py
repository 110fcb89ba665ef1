"""The shipped data files are what the committed scripts make of the published packages."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load

from traits_plugin_datasets.efficientnet import SHA256, WEIGHTS
from traits_plugin_datasets.emoji_file import EmojiFile
from traits_plugin_datasets.resources import read_resource

BUILDERS = Path(__file__).parents[1] / "builders"


def run(script, *arguments):
    command = [sys.executable, BUILDERS / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_rebuilt_emoji_equal_the_shipped_ones(sources, emoji_file, tmp_path):
    done = run("build_emoji.py", sources, tmp_path / "emoji.npz")
    assert done.returncode == 0, done.stderr
    rebuilt = EmojiFile.unpack((tmp_path / "emoji.npz").read_bytes())
    assert decoded(rebuilt) == decoded(emoji_file)  # another libwebp may write other bytes
    assert np.array_equal(rebuilt.labels_nt, emoji_file.labels_nt)
    assert np.array_equal(rebuilt.test_n, emoji_file.test_n)
    for field in ("hexcodes", "captions", "bases", "traits", "groups", "sources"):
        assert getattr(rebuilt, field) == getattr(emoji_file, field)


def decoded(file):
    return [Image.open(io.BytesIO(picture)).tobytes() for picture in file.pictures]


def test_rebuilt_weights_equal_the_shipped_ones(sources, tmp_path):
    done = run("build_efficientnet.py", sources, tmp_path / WEIGHTS)
    assert done.returncode == 0, done.stderr
    rebuilt, shipped = load((tmp_path / WEIGHTS).read_bytes()), load(read_resource(WEIGHTS, SHA256))
    assert rebuilt.keys() == shipped.keys()
    assert all(rebuilt[name].equal(shipped[name]) for name in shipped)


@pytest.mark.parametrize("script", ["build_emoji.py", "build_efficientnet.py"])
def test_missing_source_says_how_to_fetch_it(script, tmp_path):
    done = run(script, tmp_path, tmp_path / "out")
    assert done.returncode == 1
    assert "is missing: run `" in done.stderr
    assert not (tmp_path / "out").exists()


def test_another_archive_is_refused(tmp_path):
    (tmp_path / "emoji-datasource-google-16.0.0.tgz").write_bytes(b"something else")
    done = run("build_emoji.py", tmp_path, tmp_path / "out")
    assert done.returncode == 1
    assert "sha256 is" in done.stderr
