"""`traits sae import`, `export` and `evaluate`: sparse autoencoders from and for other programs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import attrs
import typer

from traits_core import ConfigError, StageError

if TYPE_CHECKING:
    from traits_core import ArraySpec, OpenStore

app = typer.Typer(
    help="Sparse autoencoders from and for other programs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

BATCH: Final = 2048
Json = Annotated[bool, typer.Option("--json", help="print the result as JSON on stdout")]


@app.command("import")
def import_(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="a checkpoint: its directory or its weights")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="a new directory for the scorer")],
    activations: Annotated[
        Path,
        typer.Option("--activations", metavar="STORE", help="what it scores: any store of these"),
    ],
    layer: Annotated[
        str | None,
        typer.Option("--layer", metavar="NAME", help="which array of the store [default: the one]"),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="[default: recognised by its files]"),
    ] = None,
    json_: Json = False,
) -> None:
    """Read a checkpoint of another program.

    SAELens, dictionary_learning, sparsify, Gemma Scope and saev are known. It becomes a scorer,
    which `traits run --method sae --method.checkpoint DIR` runs and probes.

    \b
    Examples:
      traits sae import gemma-scope/params.npz --to gemma --activations acts
      traits sae import runs/ab12cd34 --to sae --activations acts --layer 11
    """
    from traits_core import save_scorer
    from traits_plugin_sae.interop.formats import detect, read_checkpoint
    from traits_plugin_sae.scorer import SaeScorer

    if os.path.lexists(to):
        raise ConfigError(f"{to}: is there already; name a new directory")
    form = form or detect(path)
    checkpoint = read_checkpoint(path, form)
    dictionary, (_, array) = checkpoint.dictionary, _array(activations, layer)
    if array.columns != dictionary.d_model:
        raise ConfigError(
            f"{path}: an autoencoder of {dictionary.d_model} dimensions; {array.name!r} of "
            f"{activations} has {array.columns}: name another --layer or store"
        )
    save_scorer(to, SaeScorer(dictionary), "sae", array.feature)
    facts = {
        "path": str(to),
        "format": form,
        "activation": dictionary.activation.name,
        "d_model": dictionary.d_model,
        "n_latents": dictionary.n_latents,
        "notes": list(checkpoint.notes),
    }
    _show(facts, "{path}: {n_latents} latents of {d_model} dimensions, {activation}", json_)


@app.command("export")
def export(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="a run, or the directory of a scorer")
    ],
    to: Annotated[Path, typer.Argument(metavar="DEST", help="a new directory")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="saelens, dictionary-learning, sparsify, gemma-scope or saev",
        ),
    ],
    json_: Json = False,
) -> None:
    """Write a scorer as a checkpoint of another program.

    Sparse autoencoders and whatever is an affine map: k-means, PCA, random prototypes.

    \b
    Examples:
      traits sae export traits-home/runs/sae-emoji-0123456789ab out --format saelens
      traits sae export traits-home/runs/kmeans-emoji-0123456789ab out --format saelens
    """
    import torch

    from traits_core import load_registry, load_scorer
    from traits_plugin_sae.interop.formats import write_checkpoint
    from traits_plugin_sae.interop.scorers import dictionary_of

    scorer, facts = load_scorer(_scorer_of(path), load_registry(), torch.device("cpu"))
    dictionary, notes = dictionary_of(scorer, str(path))
    source = {
        "method": facts.method,
        "feature": attrs.asdict(facts.feature),
        "scorer": facts.digest,
    }
    notes += write_checkpoint(to, form, dictionary, source)
    written = {"path": str(to), "format": form, "method": facts.method, "notes": list(notes)}
    _show(written, "{path}: {method} as {format}", json_)


@app.command("evaluate")
def evaluate(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="a run, or the directory of a scorer")
    ],
    activations: Annotated[
        Path,
        typer.Option("--activations", metavar="STORE", help="what it is measured on: best unseen"),
    ],
    layer: Annotated[
        str | None,
        typer.Option("--layer", metavar="NAME", help="which array of the store [default: the one]"),
    ] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="the first so many [default: all]")
    ] = None,
    json_: Json = False,
) -> None:
    """Measure reconstruction, sparsity and redundancy.

    docs/sae-metrics.md says what each number means.

    \b
    Examples:
      traits sae evaluate traits-home/runs/sae-emoji-0123456789ab --activations traits-home/activations/emoji-test-0123
    """
    import torch

    from traits_core import load_registry, load_scorer
    from traits_plugin_sae.interop.scorers import dictionary_of
    from traits_plugin_sae.metrics.evaluation import evaluate as measured
    from traits_plugin_sae.scorer import SaeScorer

    scorer, facts = load_scorer(_scorer_of(path), load_registry(), torch.device("cpu"))
    dictionary, notes = dictionary_of(scorer, str(path))
    opened, array = _array(activations, layer)
    facts.check_feature(array.feature)
    n_rows = min(rows or opened.store.header.rows, opened.store.header.rows)
    batches = (
        opened.store.read(array.name, start, min(start + BATCH, n_rows)).float()
        for start in range(0, n_rows, BATCH)
    )
    found = measured(SaeScorer(dictionary), dictionary.decoder_sd, batches).to_json()
    line = "\n".join(f"{name:30} {{{name}}}" for name in found if name != "log_frequencies")
    shown = {name: _short(value) if not json_ else value for name, value in found.items()}
    _show({**shown, "notes": list(notes)}, line, json_)


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _scorer_of(path: Path) -> Path:
    """The directory of the scorer that is at `path`, or of the run there.

    Raises ConfigError when neither is there, StageError when the run has no scorer yet.
    """
    if (path / "scorer.json").is_file():
        return path
    if not (path / "run.json").is_file():
        raise ConfigError(
            f"{path}: no run (run.json) and no scorer (scorer.json) is here; `traits runs` lists runs"
        )
    if not (path / "scorer").exists():
        raise StageError(f"{path} has no scorer yet: run `traits train` with its options first")
    return path / "scorer"


def _array(root: Path, layer: str | None) -> tuple[OpenStore, ArraySpec]:
    """A store and the array of it that is meant; raises ConfigError when that is not clear."""
    from traits_core import load_registry, open_any

    opened = open_any(root, load_registry())
    header = opened.store.header
    if header.kind != "activations":
        raise ConfigError(
            f"{root} holds {header.kind}: name activations, such as a store in HOME/activations"
        )
    arrays = header.arrays
    if layer is not None:
        return opened, opened.store.array(layer)
    if len(arrays) != 1:
        names = ", ".join(array.name for array in arrays)
        raise ConfigError(f"{root}: has several arrays: name one with --layer: {names}")
    return opened, arrays[0]


def _show(facts: dict[str, Any], line: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    typer.echo(line.format(**facts))
    for note in facts["notes"]:
        typer.echo(f"  note: {note}", err=True)
