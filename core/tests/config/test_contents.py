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


def test_what_cannot_be_read_is_refused_by_the_name_of_its_option(config, tmp_path, monkeypatch):
    refuse_missing(config())
    refuse_missing(config(checkpoint=tmp_path))
    (tmp_path / "loop").symlink_to("loop")
    for name, why in (("absent", "No such file"), ("loop", "Too many levels of symbolic links")):
        with pytest.raises(ConfigError, match=rf"^--method\.checkpoint .*{name}: {why}"):
            refuse_missing(config(checkpoint=tmp_path / name))
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may read everything
    with pytest.raises(ConfigError, match=r"^--method\.checkpoint .*: Permission denied$"):
        refuse_missing(config(checkpoint=tmp_path))


def test_a_file_that_cannot_be_read_has_no_digest(tree, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match=r"/weights: Permission denied$"):
        content_digest(tree / "weights")


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
