"""Options that name files: which they are, that they must be there, and what their contents' digest is."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from traits_core import ConfigError, MethodSpec, option
from traits_core.config.contents import content_digest, contents_of, refuse_missing
from traits_core.config.run_config import Choice, resolve_run


@attrs.frozen
class Pretrained:
    """Options of a method that reads a file."""

    checkpoint: Path | None = option(None, help="weights", contents=True)
    cache: Path = option(Path("cache"), help="where intermediate results are kept")


@pytest.fixture
def config(registry):
    """A run of a method with options of this class."""

    def make(**options):
        config = resolve_run(
            {"method": {"name": "centroids"}, "dataset": {"name": "toy"}}, registry
        )
        spec = MethodSpec(
            name="pretrained", summary="invented", config=Pretrained, factory="a:B", scorer="a:C"
        )
        return attrs.evolve(config, method=Choice(spec, Pretrained(**options)))

    return make


def test_only_what_is_declared_and_set_is_looked_at():
    assert contents_of(Pretrained()) == {}
    assert contents_of(Pretrained(Path("a"))) == {"checkpoint": Path("a")}


def test_what_is_not_there_is_refused_by_the_name_of_its_option(config, tmp_path):
    refuse_missing(config())
    refuse_missing(config(checkpoint=tmp_path))
    with pytest.raises(
        ConfigError, match=r"^--method.checkpoint absent: no such file or directory$"
    ):
        refuse_missing(config(checkpoint=Path("absent")))


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "checkpoint"
    (root / "layer").mkdir(parents=True)
    (root / "weights").write_bytes(b"12")
    (root / "layer" / "config").write_text("{}")
    return root


def test_the_digest_changes_with_contents_and_names_and_not_with_the_place(tree):
    before = content_digest(tree)
    tree = tree.rename(tree.with_name("elsewhere"))
    assert content_digest(tree) == before
    found = {before, content_digest(tree / "weights")}
    (tree / "layer" / "config").write_text("[]")
    found.add(content_digest(tree))
    (tree / "weights").rename(tree / "other")
    found.add(content_digest(tree))
    (tree / "empty").touch()
    found.add(content_digest(tree))
    assert len(found) == 5
