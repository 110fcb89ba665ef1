"""From names and raw values to one run: defaults, requirements, and a digest that means something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traits_core import ConfigError
from traits_core.config.run_config import digest_of, resolve_run, resolve_source
from traits_core.config.structure import unstructure

RAW = {"method": {"name": "centroids"}, "dataset": {"name": "toy"}}
CHANGES = [
    {"run": {"seed": 1}},
    {"run": {"layer": "3"}},
    {"run": {"pooling": "mean"}},
    {"run": {"normalize": "pca"}},
    {"run": {"normalize_epsilon": 0.5}},
    {"run": {"test_split": "val"}},
    {"method": {"name": "centroids", "n_clusters": 9}},
    {"method": {"name": "centroids", "tol": 0.25}},
    {"method": {"name": "centroids", "metric": "euclidean"}},
    {"method": {"name": "directions", "n_clusters": 8}},
    {"dataset": {"name": "folder", "path": "a"}},
    {"dataset": {"name": "folder", "path": "b"}},
    {"backbone": {"name": "wide"}},
]


def problems(raw, registry, resolve=resolve_run):
    with pytest.raises(ConfigError) as error:
        resolve(raw, registry)
    return str(error.value).splitlines()


def test_defaults_are_filled_in_and_the_dataset_brings_its_backbone(registry):
    config = resolve_run(RAW, registry)
    assert config.method.spec.name == "centroids"
    assert unstructure(config.method.options) == {
        "n_clusters": 8,
        "tol": 0.5,
        "metric": "cosine",
    }
    names = [config.backbone.spec.name, config.storage.spec.name, config.probe.spec.name]
    assert names == ["narrow", "zarr", "retrieval"]
    assert config.run.seed == 0


def test_each_dataset_brings_its_own_backbone_unless_another_is_asked_for(registry):
    folder = {**RAW, "dataset": {"name": "folder", "path": "x"}}
    assert resolve_run(folder, registry).backbone.spec.name == "wide"
    asked = {**folder, "backbone": {"name": "narrow"}}
    assert resolve_run(asked, registry).backbone.spec.name == "narrow"


def test_method_and_dataset_are_required_and_the_installed_ones_named(registry):
    assert problems({}, registry) == [
        "--method is required. Installed: centroids, directions",
        "--dataset is required. Installed: folder, toy",
    ]
    assert problems({}, registry, resolve_source) == [
        "--dataset is required. Installed: folder, toy"
    ]


def test_mistakes_of_all_sections_are_reported_at_once(registry):
    raw = {
        "method": {"name": "centroids", "n_clusters": "0", "tol": []},
        "dataset": {"name": "folder"},
        "run": {"sed": 1, "batch_size": 0},
        "metod": {"name": "x"},
    }
    lines = problems(raw, registry)
    assert [line.split(":")[0].split(". ")[0] for line in lines] == [
        "no section 'metod'",
        "no option --sed",
        "--batch-size",
        "--method.n-clusters",
        "--method.tol",
        "--dataset.path is required",
    ]
    assert "Did you mean 'method'?" in lines[0]
    assert "Did you mean '--seed'?" in lines[1]


def test_all_unknown_names_are_reported_at_once(registry):
    raw = {"method": {"name": "centroid"}, "dataset": {"name": "toys"}, "storage": {"name": 3}}
    lines = problems(raw, registry)
    assert lines[0].startswith("no method named 'centroid'. Did you mean 'centroids'?")
    assert lines[1].startswith("no dataset named 'toys'. Did you mean 'toy'?")
    assert lines[2].startswith("no storage named '3'.")
    assert len(lines) == 3


def test_a_source_ignores_what_concerns_the_method(registry):
    raw = {**RAW, "method": {"name": "centroids", "n_clusters": "abc"}}
    assert resolve_source(raw, registry).dataset.spec.name == "toy"


def test_what_is_written_resolves_to_the_same_configuration(registry):
    raw = {**RAW, "run": {"seed": "5", "layer": "x"}, "dataset": {"name": "folder", "path": "a/b"}}
    config = resolve_run(raw, registry)
    again = resolve_run(json.loads(json.dumps(config.to_json())), registry)
    assert again == config
    assert again.digest == config.digest


def test_every_single_change_changes_the_digest(registry):
    digests = [resolve_run({**RAW, **change}, registry).digest for change in [{}, *CHANGES]]
    assert len(set(digests)) == len(digests)
    assert all(len(digest) == 12 and int(digest, 16) >= 0 for digest in digests)


def test_saying_a_default_or_saying_it_as_text_changes_nothing(registry):
    plain = resolve_run(RAW, registry).digest
    for change in (
        {"run": {"seed": "0"}},
        {"method": {"n_clusters": "8", "tol": "0.50", "name": "centroids"}},
        {"backbone": {"name": "narrow"}, "storage": {"name": "zarr"}},
    ):
        assert resolve_run({**RAW, **change}, registry).digest == plain


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), values), st.randoms())
def test_the_digest_does_not_depend_on_the_order_of_keys(value, random):
    shuffled = list(value.items())
    random.shuffle(shuffled)
    assert digest_of(dict(shuffled)) == digest_of(value)


def test_the_digest_is_the_same_in_every_process():
    value = {"b": [1, 2.5, None], "a": {"ü": "x", "path": str(Path("a"))}}
    code = (
        "import json, sys; from traits_core.config.run_config import digest_of;"
        "print(digest_of(json.load(sys.stdin)))"
    )
    for seed in ("0", "1"):
        found = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(value),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert found.stdout.strip() == digest_of(value) == "13f9b2f2814e"


def test_nan_has_no_digest():
    with pytest.raises(ValueError, match="JSON compliant"):
        digest_of({"x": float("nan")})
