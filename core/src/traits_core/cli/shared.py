"""Options and behaviour that several commands have in common."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from traits_core.registry.plugins import Registry
from traits_core.stages.context import Context

Home = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="TRAITS_HOME",
        metavar="DIR",
        help="where activations and runs are kept [default: ./traits-home]",
        show_default=False,
        rich_help_panel="Where and how",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda",
        help="where tensors are computed",
        rich_help_panel="Where and how",
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="print the result as JSON on stdout; everything else goes to stderr",
        rich_help_panel="Where and how",
    ),
]
RunPath = Annotated[
    Path, typer.Argument(metavar="RUN", help="directory of a run; `traits runs` lists them")
]
DEFAULT_HOME = Path("traits-home")


@contextmanager
def context(home: Path, device: str, registry: Registry) -> Iterator[Context]:
    """What the stages need; an interruption ends in one line and exit code 130."""
    from traits_core.cli.progress import make_progress
    from traits_core.stages.context import Context, pick_device

    try:
        yield Context(
            home=home,
            registry=registry,
            device=pick_device(device),
            progress=make_progress(sys.stderr),
        )
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        raise typer.Exit(130) from None


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, allow_nan=False, default=str))
