"""A registry of invented plugins: nothing of it needs to be importable."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs
import pytest

from traits_core import BackboneSpec, DatasetSpec, MethodSpec, ProbeSpec, StorageSpec, option
from traits_core.registry.plugins import Plugin, Registry, Status


@attrs.frozen
class Empty:
    """No options."""


@attrs.frozen
class Centroids:
    """Options of a method."""

    n_clusters: int = option(8, help="how many", validator=attrs.validators.ge(1))
    tol: float = option(0.5, help="how close")
    metric: Literal["cosine", "euclidean"] = option("cosine", help="which distance")


@attrs.frozen
class Directions:
    """Options of another method."""

    n_clusters: int = option(3, help="how many")


@attrs.frozen
class Folder:
    """Options of a dataset, one of them required."""

    path: Path = option(help="where it is")  # attrs, which makes a field of it


def spec(cls, name, config=Empty, **more):
    return cls(name=name, summary="invented", config=config, factory="absent:Absent", **more)


@pytest.fixture
def registry() -> Registry:
    """Two methods, two datasets with a backbone each, and what is chosen by default."""
    specs = (
        spec(MethodSpec, "centroids", Centroids, scorer="absent:Scorer"),
        spec(MethodSpec, "directions", Directions, scorer="absent:Scorer"),
        spec(DatasetSpec, "folder", Folder, backbone="wide"),
        spec(DatasetSpec, "toy", backbone="narrow"),
        spec(BackboneSpec, "narrow"),
        spec(BackboneSpec, "wide"),
        spec(StorageSpec, "zarr"),
        spec(ProbeSpec, "retrieval"),
    )
    plugin = Plugin(
        name="p", distribution="d", version="1", module="m", status=Status.OK, specs=specs
    )
    return Registry((plugin,))
