"""A plugin with an option of every type, whose code nobody may import to show them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs

from traits_core import BackboneSpec, CommandSpec, DatasetSpec, MethodSpec, hookimpl, option

print("an import that prints")


@attrs.frozen(kw_only=True)
class ToyConfig:
    """Options of the method `toy`."""

    n_prototypes: int = option(3, help="number of prototypes")
    tol: float = option(0.5, help="when to stop")
    normalize: bool = option(True, help="scale each row to length one")
    metric: Literal["cosine", "euclidean"] = option("cosine", help="which distance")
    sizes: tuple[int, ...] = option((1, 2), help="sizes to try")
    start: Path | None = option(None, help="where to start from")


@attrs.frozen(kw_only=True)
class FolderConfig:
    """Options of the dataset `toy-folder`."""

    path: Path = option(help="folder of pictures")  # attrs, which makes a field of it


@attrs.frozen
class Empty:
    """No options."""


@hookimpl
def traits_methods() -> list[MethodSpec]:
    """Offer `toy`."""
    return [
        MethodSpec(
            name="toy",
            summary="a method",
            config=ToyConfig,
            factory="traits_plugin_toy.absent:Toy",
            scorer="traits_plugin_toy.absent:Scorer",
        )
    ]


@hookimpl
def traits_datasets() -> list[DatasetSpec]:
    """Offer `toy-folder`."""
    return [
        DatasetSpec(
            name="toy-folder",
            summary="a dataset",
            config=FolderConfig,
            factory="traits_plugin_toy.absent:Folder",
            backbone="toy-backbone",
        )
    ]


@hookimpl
def traits_backbones() -> list[BackboneSpec]:
    """Offer `toy-backbone`."""
    return [
        BackboneSpec(
            name="toy-backbone",
            summary="a backbone",
            config=Empty,
            factory="traits_plugin_toy.absent:Backbone",
        )
    ]


@hookimpl
def traits_commands() -> list[CommandSpec]:
    """Offer `toys`, and two whose code is wrong."""
    return [
        CommandSpec(
            name="toys", summary="play with toys", factory="traits_plugin_toy.commands:app"
        ),
        CommandSpec(
            name="toys-absent", summary="lost toys", factory="traits_plugin_toy.absent:app"
        ),
        CommandSpec(
            name="toys-other", summary="no toys", factory="traits_plugin_toy.commands:play"
        ),
    ]
