"""`traits materialize`, `probe` and `report`: the later stages, each on an existing run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from traits_core.cli.shared import DEFAULT_HOME, Device, Home, Json, RunName, context, print_json

if TYPE_CHECKING:
    from traits_core.stages.context import Context
    from traits_core.stages.extract import Source
    from traits_core.stages.rundir import RunDirectory


def materialize(
    name: RunName, home: Home = DEFAULT_HOME, device: Device = "auto", json: Json = False
) -> None:
    """Score every position with the run's scorer and its nulls.

    \b
    Examples:
      traits materialize traits-home/runs/kmeans-emoji-0123456789ab
    """
    from traits_core.registry.loader import load_registry

    with context(home, device, load_registry()) as ctx:
        from traits_core.stages.compose import extracted, splits
        from traits_core.stages.materialize import materialize_scores
        from traits_core.stores.lock import locked

        run, source = _open(name, ctx)
        activations = {split: extracted(source, split, ctx) for split in splits(run.config)}
        with locked(run.root):
            materialize_scores(run, activations, ctx)
    print_json({"scores": run.scores}) if json else print(run.scores)


def probe(
    name: RunName, home: Home = DEFAULT_HOME, device: Device = "auto", json: Json = False
) -> None:
    """Measure what the prototypes of a run know about the labels.

    \b
    Examples:
      traits probe traits-home/runs/kmeans-emoji-0123456789ab
    """
    from traits_core.registry.loader import load_registry

    with context(home, device, load_registry()) as ctx:
        from traits_core.stages.probe import probe
        from traits_core.stores.lock import locked

        run, source = _open(name, ctx)
        with locked(run.root):
            probe(run, source.dataset, ctx)
    from traits_core.cli.results import print_result

    print_result(run, json)


def report(
    name: RunName, home: Home = DEFAULT_HOME, device: Device = "auto", json: Json = False
) -> None:
    """Write the report of a probed run: one self-contained page.

    \b
    Examples:
      traits report traits-home/runs/kmeans-emoji-0123456789ab
    """
    from traits_core.registry.loader import load_registry

    with context(home, device, load_registry()) as ctx:
        from traits_core.stages.compose import extracted, splits
        from traits_core.stages.report import report
        from traits_core.stores.lock import locked

        run, source = _open(name, ctx)
        activations = {split: extracted(source, split, ctx) for split in splits(run.config)}
        with locked(run.root):
            report(run, source, activations, ctx)
    print_json({"report": run.report}) if json else print(run.report)


def _open(name: str, ctx: Context) -> tuple[RunDirectory, Source]:
    from traits_core.comparing.find import named_run
    from traits_core.stages.extract import open_source
    from traits_core.stages.rundir import open_run

    run = open_run(named_run(name, ctx.home), ctx.registry)
    return run, open_source(run.config, ctx)


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for function in (materialize, probe, report):
        app.command()(function)
