"""`traits convert`: a store, or what others wrote, into another format; scores into another form."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traits_core.cli.shared import Json, print_json, told_when_stopped
from traits_core.errors import ConfigError
from traits_core.stores.header import DTYPES, FORMS

if TYPE_CHECKING:
    from traits_core.config.run_config import Choice
    from traits_core.registry.plugins import Registry
    from traits_core.scoring.recode import ScoreForm
    from traits_core.stores.reader import Store


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="a store, or a directory in a foreign format")
    ],
    target: Annotated[Path, typer.Argument(metavar="DST", help="a new directory")],
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="NAME",
            help="a storage or format: zarr, zarr-lz4, zarr-zstd, zarr-sparse, raw, npz, saev [with "
            "--scores: zarr-sparse for threshold, else zarr]",
        ),
    ] = None,
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
    scores: Annotated[
        str | None,
        typer.Option(
            "--scores",
            metavar="dense|top-k|threshold",
            help="of a store of scores: all that it has in full rows, the largest of a row, or those "
            "above a threshold [default: as they are]",
        ),
    ] = None,
    scores_k: Annotated[
        int | None,
        typer.Option(
            "--scores-k",
            metavar="INT",
            help="top-k: how many scores of a row are kept [default: the source's, else 32]",
        ),
    ] = None,
    scores_tau: Annotated[
        float | None,
        typer.Option(
            "--scores-tau",
            metavar="FLOAT",
            help="top-k and threshold: scores are kept as how far they are above this "
            "[default: the source's, else 0]",
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
    """Copy activations or scores into another format or form.

    What SRC is, is recognised: `traits inspect SRC` shows it. A conversion into a store of traits
    that was interrupted goes on when the same command is run again.

    \b
    Examples:
      traits convert saev/shards/e8e2578d acts --to zarr --tokens cls
      traits convert activations acts --to raw --dtype bfloat16
      traits convert acts out --to npz --layers 12 --set sequences_per_chunk=64
      traits convert RUN/scores/test few --scores top-k --scores-k 16
    """
    from traits_core.registry.loader import load_registry

    registry = load_registry()
    if dtype is not None:
        _check_choice("--dtype", dtype, DTYPES)
    form = _form(scores, scores_k, scores_tau)
    choice = _target(registry, to or _storage_of(form), options or [])
    from traits_core.cli.progress import make_progress
    from traits_core.scoring.recode import recode
    from traits_core.stores.convert import convert
    from traits_core.stores.open_any import open_any, select_layers

    progress = make_progress(sys.stderr)
    with told_when_stopped():
        opened = open_any(source, registry, {"tokens": tokens} if tokens else None)
        if layers is not None:
            opened = select_layers(opened, tuple(name.strip() for name in layers.split(",")))
        if form:
            root = recode(opened, target, choice, form, dtype, progress)
        else:
            root = convert(opened, target, choice, dtype, progress)
        written = open_any(root, registry)
    _show(opened.store, written.store, json)


def _form(scores: str | None, k: int | None, tau: float | None) -> ScoreForm | None:
    """What is asked for of scores; None when nothing is."""
    from traits_core.scoring.recode import ScoreForm

    if scores is None:
        if k is not None or tau is not None:
            raise ConfigError("--scores-k and --scores-tau need --scores top-k or threshold")
        return None
    _check_choice("--scores", scores, FORMS)
    return ScoreForm(form=scores, k=k, tau=tau)


def _storage_of(form: ScoreForm | None) -> str:
    """The storage for scores of a form when none is named: the one that `materialize` takes."""
    from traits_core.stages.materialize import storage_of_form

    if form is None:
        raise ConfigError("--to NAME is required, or --scores FORM for a store of scores")
    return storage_of_form(form.form) or "zarr"


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


def _check_choice(flag: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{flag} {value}: choose from {', '.join(allowed)}")


def _show(source: Store, written: Store, json: bool) -> None:
    from traits_core.inspecting.stores import kept_scores

    header = written.header if written.shards else source.header
    before, after = _bytes(source), _bytes(written)
    facts: dict[str, Any] = {
        "path": written.root,
        "format": written.header.storage,
        "dtype": written.header.dtype,
        "rows": header.rows,
        "positions": header.positions,
        "arrays": {array.name: array.columns for array in header.arrays},
        "digest": written.digest,
        "bytes": after,
        "source_bytes": before,
    }
    if header.kind == "scores":
        facts["kept"] = kept_scores(header)
    if json:
        print_json(facts)
        return
    names = ", ".join(f"{name} ({d})" for name, d in facts["arrays"].items())
    print(f"{written.root}: {header.rows} rows of {names}, {facts['dtype']} {facts['format']}")
    if "kept" in facts:
        print(f"kept: {facts['kept']}")
    if before and after:
        print(f"{after:,} bytes, {after / before:.1%} of the {before:,} that {source.root} has")


def _bytes(store: Store) -> int | None:
    """What the rows of a store of ours take; None of a directory in a foreign format."""
    return sum(file.bytes for commit in store.shards for file in commit.files) or None


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(convert)
