"""`traits convert`: a store, or what others wrote, into another format."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traits_core.cli.shared import Json, print_json
from traits_core.errors import ConfigError

if TYPE_CHECKING:
    from traits_core.config.run_config import Choice
    from traits_core.registry.plugins import Registry
    from traits_core.stores.reader import Store


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="a store, or a directory in a foreign format")
    ],
    target: Annotated[Path, typer.Argument(metavar="DST", help="a new directory")],
    to: Annotated[
        str, typer.Option("--to", metavar="NAME", help="a storage or format: zarr, raw, npz, saev")
    ],
    dtype: Annotated[
        str | None,
        typer.Option(
            "--dtype",
            metavar="float32|float16|bfloat16",
            help="[default: the source's]; float16 is refused when a value reaches 65504",
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option("--layers", metavar="A,B", help="these arrays, in this order [default: all]"),
    ] = None,
    tokens: Annotated[
        str | None,
        typer.Option(
            "--tokens",
            metavar="content|cls|all",
            help="which tokens of saev's shards are read [default: content]",
        ),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="OPTION=VALUE", help="an option of the target; may be repeated"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Copy activations into another format.

    What SRC is, is recognised: `traits inspect SRC` shows it. A conversion into a store of traits
    that was interrupted goes on when the same command is run again.

    \b
    Examples:
      traits convert saev/shards/e8e2578d acts --to zarr --tokens cls
      traits convert activations acts --to raw --dtype bfloat16
      traits convert acts out --to npz --layers 12 --set sequences_per_chunk=64
    """
    from traits_core.registry.loader import load_registry

    registry = load_registry()
    choice = _target(registry, to, options or [])
    _check_dtype(dtype)
    from traits_core.cli.progress import make_progress
    from traits_core.stores.convert import convert
    from traits_core.stores.open_any import open_any, select_layers

    opened = open_any(source, registry, {"tokens": tokens} if tokens else None)
    if layers is not None:
        opened = select_layers(opened, tuple(name.strip() for name in layers.split(",")))
    try:
        root = convert(opened, target, choice, dtype, make_progress(sys.stderr))
    except KeyboardInterrupt:
        print("\ninterrupted: the same command goes on, or begins again", file=sys.stderr)
        raise typer.Exit(130) from None
    _show(opened.store, open_any(root, registry).store, json)


def _target(registry: Registry, name: str, pairs: list[str]) -> Choice:
    """The storage or format that `name` means, with its options."""
    from traits_core.config.run_config import Choice
    from traits_core.config.structure import structure
    from traits_core.registry.plugins import suggest

    specs = {spec.name: spec for kind in ("format", "storage") for spec in registry.specs(kind)}
    if name not in specs:
        known = ", ".join(specs)
        raise ConfigError(f"--to {name}: not installed.{suggest(name, specs)} Installed: {known}")
    if wrong := next((pair for pair in pairs if "=" not in pair), None):
        raise ConfigError(f"--set {wrong}: must read OPTION=VALUE")
    values = dict(pair.split("=", 1) for pair in pairs)
    return Choice(specs[name], structure(specs[name].config, values, "set "))


def _check_dtype(dtype: str | None) -> None:
    from traits_core.stores.header import DTYPES

    if dtype not in (None, *DTYPES):
        raise ConfigError(f"--dtype {dtype}: choose from {', '.join(DTYPES)}")


def _show(source: Store, written: Store, json: bool) -> None:
    header = source.header
    facts: dict[str, Any] = {
        "path": written.root,
        "format": written.header.storage,
        "dtype": written.header.dtype,
        "rows": header.rows,
        "positions": header.positions,
        "arrays": {array.name: array.columns for array in header.arrays},
        "digest": written.digest,
    }
    if json:
        print_json(facts)
    else:
        names = ", ".join(f"{name} ({d})" for name, d in facts["arrays"].items())
        print(f"{written.root}: {header.rows} rows of {names}, {facts['dtype']} {facts['format']}")


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(convert)
