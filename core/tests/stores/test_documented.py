"""docs/stores.md shows the format as it is, byte by byte, and names tests that exist."""

import json
import re
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch

from traits_core.records import FeatureSpec
from traits_core.stores.backends.zarr_chunks import write_chunk
from traits_core.stores.backends.zarr_codecs import SPARSE
from traits_core.stores.commit import ArrayStats, Commit
from traits_core.stores.files import StoredFile
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.verifying.findings import Severity

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parents[1] / "docs" / "stores.md"


def _chunks(page):
    """The chunk files that are shown, in hex."""
    shown = re.findall(r"^    ((?:[0-9a-f]{4,8} +){5,}[0-9a-f]{8})$", page, re.MULTILINE)
    return [chunk.replace(" ", "") for chunk in shown]


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text()


@pytest.fixture(scope="module")
def example(tmp_path_factory, write):
    """The store of the page: 10 rows of bfloat16, eight to a shard, four to a chunk."""
    feature = FeatureSpec(
        backbone="vit",
        checkpoint="vit-b16",
        layer="layer4",
        d_model=3,
        position="patch",
        grid=(1, 2),
        preprocessing="none",
    )
    header = StoreHeader(
        kind="activations",
        storage="zarr",
        dtype="bfloat16",
        rows=10,
        positions=2,
        rows_per_shard=8,
        chunk_rows=4,
        chunk_columns=3,
        arrays=(ArraySpec(name="layer4", columns=3, feature=feature),),
        dataset="birds",
        dataset_digest="6f1c",
        split="train",
    )
    root = tmp_path_factory.mktemp("documented") / "store"
    write(root, header, {"layer4": torch.arange(30.0).reshape(10, 3) + 1})
    return root


def test_the_line_of_the_manifest_is_the_one_that_is_shown(page, example):
    (shown,) = re.findall(r"^```json\n(.*)\n```", page, re.MULTILINE)
    assert (example / "manifest.jsonl").read_text().splitlines()[-1] == shown


def test_the_bytes_of_the_chunk_are_those_that_are_shown(page, example):
    assert (example / "arrays/layer4/c/2/0").read_bytes().hex() == _chunks(page)[0]


def test_the_bytes_of_the_chunk_without_zeros_are_those_that_are_shown(page, tmp_path):
    rows_bk = np.array([[0, 0, 1.5], [0, 0, 0], [0.25, 0, 2]], "<f2")
    write_chunk(tmp_path, "chunk", rows_bk, rows_bk.shape, SPARSE.compressor)
    assert (tmp_path / "chunk").read_bytes().hex() == _chunks(page)[1]


@pytest.mark.parametrize("record", [StoreHeader, Commit, StoredFile, ArrayStats, FeatureSpec])
def test_every_field_is_on_the_page(page, record):
    missing = [f.name for f in attrs.fields(record) if not re.search(rf"\b{f.name}\b", page)]
    assert missing == []


def test_every_file_at_the_top_of_a_store_is_on_the_page(page, example):
    for path in example.iterdir():
        assert re.search(rf"\b{re.escape(path.name)}\b", page)


def test_every_severity_is_on_the_page(page):
    assert all(f"`{severity}`" in page for severity in Severity)


def test_every_test_that_is_named_exists(page):
    names = set(re.findall(r"`(test_\w+)`", page))
    assert len(names) > 25
    sources = "".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    assert [name for name in sorted(names) if f"def {name}(" not in sources] == []


def test_the_header_is_json_without_paths_or_times(example):
    header = json.loads((example / "store.json").read_text())
    assert str(example.parent) not in json.dumps(header)
    assert set(header) == {field.name for field in attrs.fields(StoreHeader)}
