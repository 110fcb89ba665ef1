"""`traits inspect`: what is this, on one screen?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from traits_core.cli.shared import Json, print_json


def inspect(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="a directory or a file")],
    json: Json = False,
) -> None:
    """Say what a directory or file is.

    Stores, runs, scorers, saev's shards, token chunks and plain arrays are known. Reads headers
    only: `traits verify` says whether a store is whole.

    \b
    Examples:
      traits inspect traits-home/activations/emoji-train-0123456789ab
      traits inspect saev/shards/e8e2578d --json
    """
    from traits_core.inspecting.look import inspect
    from traits_core.registry.loader import load_registry

    finding = inspect(path, load_registry())
    if json:
        print_json(finding.to_json())
        return
    print(f"{finding.path}: {finding.summary}")
    shown = {label: _text(label, value) for label, value in finding.facts.items()}
    width = max((len(label) for label in shown), default=0)
    for label, text in shown.items():
        if text:
            print(f"  {label:{width}}  {text}")


def _text(label: str, value: Any) -> str:
    """A value as people write it; nothing for what is not known."""
    if value is None or value in ([], {}):
        return ""
    if label == "bytes":
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(inspect)
