"""`traits sae import` and `traits sae export`: sparse autoencoders from and for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from traits_core import ConfigError

if TYPE_CHECKING:
    from traits_core import ArraySpec

app = typer.Typer(
    help="Sparse autoencoders from and for other programs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

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

    SAELens, dictionary_learning, sparsify, Gemma Scope and saev are known. It becomes a scorer, which `traits run --method sae --method.checkpoint DIR` runs and probes.

    \b
    Examples:
      traits sae import gemma-scope/params.npz --to gemma --activations acts
      traits sae import runs/ab12cd34 --to sae --activations acts --layer 11
    """
    from traits_core import save_scorer
    from traits_plugin_sae.interop.formats import detect, read_checkpoint
    from traits_plugin_sae.scorer import SaeScorer

    if to.exists():
        raise ConfigError(f"{to}: is there already; name a new directory")
    form = form or detect(path)
    checkpoint = read_checkpoint(path, form)
    dictionary, array = checkpoint.dictionary, _array(activations, layer)
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

    directory = path / "scorer" if (path / "run.json").is_file() else path
    scorer, facts = load_scorer(directory, load_registry(), torch.device("cpu"))
    dictionary, notes = dictionary_of(scorer, str(path))
    source = {
        "method": facts.method,
        "feature": attrs.asdict(facts.feature),
        "scorer": facts.digest,
    }
    notes += write_checkpoint(to, form, dictionary, source)
    written = {"path": str(to), "format": form, "method": facts.method, "notes": list(notes)}
    _show(written, "{path}: {method} as {format}", json_)


def _array(root: Path, layer: str | None) -> ArraySpec:
    """The array of a store that is meant; raises ConfigError when that is not clear."""
    from traits_core import load_registry, open_any

    store = open_any(root, load_registry()).store
    arrays = store.header.arrays
    if layer is not None:
        return store.array(layer)
    if len(arrays) != 1:
        names = ", ".join(array.name for array in arrays)
        raise ConfigError(f"{root}: has several arrays: name one with --layer: {names}")
    return arrays[0]


def _show(facts: dict[str, Any], line: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    typer.echo(line.format(**facts))
    for note in facts["notes"]:
        typer.echo(f"  note: {note}", err=True)
