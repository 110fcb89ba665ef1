"""The dataset `python-source`, with tokens that are words, numbers and punctuation."""

import re
import shutil
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from traits_core import DataError
from traits_plugin_datasets.config import PythonSourceConfig
from traits_plugin_datasets.python_source import MODULES, PER_MODULE, PythonSource
from traits_plugin_datasets.python_syntax import TRAITS
from traits_plugin_datasets.python_tokens import CLASSES

LIBRARY = Path(sysconfig.get_path("stdlib"))


def words(text):
    return tuple(match.span() for match in re.finditer(r"\w+|[^\w\s]", text))


@pytest.fixture(scope="module")
def dataset():
    return PythonSource(PythonSourceConfig(tokens=48), words)


@pytest.fixture(scope="module")
def tokens(dataset):
    """(text, class) of all tokens of both splits, and the excerpts they are from."""
    found = []
    for split in dataset.splits:
        labels_np = dataset.position_labels(split).labels_np
        for example, classes in zip(dataset.examples(split), labels_np.tolist(), strict=True):
            for (start, end), kind in zip(example.spans, classes, strict=True):
                found.append((example.text[start:end], CLASSES[kind]))
    return found


def test_every_example_has_exactly_as_many_tokens_as_positions(dataset):
    for split in dataset.splits:
        examples = dataset.examples(split)
        assert dataset.position_labels(split).labels_np.shape == (len(examples), 48)
        assert all(words(example.text) == example.spans for example in examples)


def test_ids_name_the_line_where_the_text_is(dataset):
    for example in dataset.examples("test")[::37]:
        file, line = example.id.split(":")
        lines = (LIBRARY / file).read_text(encoding="utf-8").split("\n")
        assert "\n".join(lines[int(line) - 1 :]).startswith(example.text)


def test_no_module_is_in_both_splits(dataset):
    seen = {
        split: {example.id.split(":")[0] for example in dataset.examples(split)}
        for split in dataset.splits
    }
    assert not seen["train"] & seen["test"]
    assert {f"{name}.py" for name in MODULES["train"]} == seen["train"]
    assert {f"{name}.py" for name in MODULES["test"]} == seen["test"]


def test_modules_weigh_alike(dataset):
    for split in dataset.splits:
        files = [example.id.split(":")[0] for example in dataset.examples(split)]
        counts = [files.count(file) for file in set(files)]
        assert max(counts) == PER_MODULE
        assert min(counts) >= PER_MODULE / 2


def test_classes_of_tokens_are_right(tokens):
    by_class = {name: {text for text, kind in tokens if kind == name} for name in CLASSES}
    assert by_class["keyword"] >= {"def", "if", "return", "None", "not", "in"}
    assert all(text.isidentifier() for text in by_class["keyword"] | by_class["name"])
    assert not by_class["keyword"] & by_class["name"]
    assert all(not text[0].isalpha() or text == "_" for text in by_class["operator"])
    assert all(text[0].isalnum() or text in "._+-" for text in by_class["number"])
    assert by_class["other"] <= {*"\\{}"}  # Python 3.12 misplaces escaped braces of f-strings
    assert "#" in by_class["comment"]
    assert {'"', "'"} & by_class["string"]
    assert not {'"', "'", "#"} & (by_class["operator"] | by_class["other"])


def test_all_classes_are_in_both_splits(dataset):
    for split in dataset.splits:
        shares = np.bincount(dataset.position_labels(split).labels_np.ravel(), minlength=7)
        assert (shares[1:] > 100).all()
        assert shares[0] < 0.001 * shares.sum()


def test_traits_are_in_the_text(dataset):
    shown = {
        "decorator": "@",
        "regex": "re.",
        "class": "class ",
        "lambda": "lambda",
        "raise": "raise",
    }
    for split in dataset.splits:
        labels = dataset.traits(split)
        assert labels.names == TRAITS
        assert labels.labels_nt.any(axis=0).all()
        assert labels.labels_nt.mean() < 0.5
        for trait, text in shown.items():
            has_n = labels.labels_nt[:, TRAITS.index(trait)]
            with_text = [text in example.text + "." for example in dataset.examples(split)]
            assert np.array(with_text)[has_n].mean() > 0.9


@pytest.mark.slow
def test_digest_knows_contents_and_options(dataset, tmp_path):
    library = tmp_path / "another place"
    library.mkdir()
    for names in MODULES.values():
        for name in names:
            shutil.copy(LIBRARY / f"{name}.py", library)
    config = PythonSourceConfig(tokens=48)
    assert PythonSource(config, words, library).digest == dataset.digest
    assert PythonSource(PythonSourceConfig(tokens=47), words).digest != dataset.digest
    limited = PythonSourceConfig(tokens=48, limit=5)
    assert PythonSource(limited, words).digest != dataset.digest
    file = library / "ast.py"
    file.write_text(file.read_text(encoding="utf-8").replace("parse", "parsed"))
    assert PythonSource(config, words, library).digest != dataset.digest


def test_limit_keeps_modules_of_all_kinds():
    few = PythonSource(PythonSourceConfig(tokens=48, limit=24), words)
    for split in few.splits:
        examples = few.examples(split)
        assert len(examples) == len(few.traits(split).labels_nt) == 24
        assert len({example.id.split(":")[0] for example in examples}) > 20


def test_a_library_without_source_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"argparse\.py of the standard library cannot be read"):
        PythonSource(PythonSourceConfig(), words, tmp_path)


@pytest.mark.parametrize("source", [b"x = '\xff'\n", b"x = 1\0\n", b"x = (\n", b"x = = 1\n"])
def test_a_damaged_module_is_refused(tmp_path, source):
    (tmp_path / "argparse.py").write_bytes(source)
    with pytest.raises(DataError, match=r"argparse\.py of the standard library cannot be read"):
        PythonSource(PythonSourceConfig(), words, tmp_path)


@pytest.mark.parametrize("part", ["examples", "traits", "position_labels"])
def test_unknown_split_is_refused(dataset, part):
    with pytest.raises(DataError, match="python-source has no split 'val'"):
        getattr(dataset, part)("val")


@pytest.mark.parametrize("tokens", [0, 511])
def test_tokens_that_no_window_holds_are_refused(tokens):
    with pytest.raises(ValueError, match="'tokens' must be"):
        PythonSourceConfig(tokens=tokens)
