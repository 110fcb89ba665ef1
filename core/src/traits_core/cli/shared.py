"""Options and behaviour that several commands have in common."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from traits_core.config.run_config import Choice
from traits_core.interruption import Interrupted, stopping_on_signals
from traits_core.progress import Silent
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
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda",
        help="where tensors are computed",
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="print the result as JSON on stdout; everything else goes to stderr",
    ),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="directory, name or digest of a run; `traits runs` lists them"
    ),
]
DEFAULT_HOME = Path("traits-home")


@contextmanager
def told_when_stopped() -> Iterator[None]:
    """End the command when a signal asks to stop, with one line that says how to go on.

    Of several processes, only the first one speaks.
    """
    from traits_core.training.distributed import is_first

    try:
        with stopping_on_signals():
            yield
    except KeyboardInterrupt as error:
        stopped = error if isinstance(error, Interrupted) else Interrupted(signal.SIGINT)
        if is_first():
            print(f"\n{stopped}: the same command goes on from here", file=sys.stderr)
        raise typer.Exit(stopped.exit_code) from None


@contextmanager
def context(
    home: Path, device: str, registry: Registry, track: Choice | None = None
) -> Iterator[Context]:
    """What the stages need; what they print goes to stderr, an interruption says how to go on.

    Of several processes, only the first one speaks.
    """
    from traits_core.cli.progress import make_progress
    from traits_core.stages.context import Context, pick_device
    from traits_core.tracking.trackers import Trackers
    from traits_core.training.distributed import connected, is_first

    progress = make_progress(sys.stderr) if is_first() else Silent()

    def new_trackers() -> Trackers:
        return Trackers({track.spec.name: track.build()} if track and is_first() else {}, progress)

    with (
        redirect_stdout(sys.stderr),
        told_when_stopped(),
        connected(pick_device(device)) as (comm, own_device),
    ):
        yield Context(
            home=home,
            registry=registry,
            device=own_device,
            progress=progress,
            new_trackers=new_trackers,
            comm=comm,
        )


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, allow_nan=False, default=str))
