"""`traits run`, `traits extract` and `traits train`: what composes plugins by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from traits_core.cli.shared import DEFAULT_HOME, Device, Home, Json, context, print_json
from traits_core.config.run_config import RawConfig, resolve_run, resolve_source, resolve_track

if TYPE_CHECKING:
    from traits_core.config.run_config import RunConfig
    from traits_core.stages.context import Context
    from traits_core.stages.rundir import RunDirectory

DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="print the merged configuration and the plan of stages, and do nothing",
    ),
]


def run(
    raw: RawConfig,
    home: Home = DEFAULT_HOME,
    device: Device = "auto",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Run one method on one dataset, start to end.

    The stages are extract, train, materialize, probe, report. Complete ones are skipped, an
    interrupted one goes on where it was. Name a method and a dataset to see their options here.

    \b
    Examples:
      traits run --method kmeans --dataset emoji
      traits run --method kmeans --dataset digits --method.n-clusters 32
      traits run --method kmeans --dataset emoji --help
      traits run --config RUN/run.json --set run.seed=1
    """
    from traits_core.registry.loader import load_registry

    registry = load_registry()
    config = resolve_run(raw, registry)
    from traits_core.cli.results import print_plan, print_result
    from traits_core.stages.compose import plan, run_all

    with context(home, device, registry, resolve_track(raw, registry)) as ctx:
        if dry_run:
            stages = plan(config, ctx)
        else:
            finished = run_all(config, ctx)
    print_plan(config, stages, json) if dry_run else print_result(finished, json)


def extract(
    raw: RawConfig,
    home: Home = DEFAULT_HOME,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Run a backbone over a dataset and keep its activations.

    \b
    Examples:
      traits extract --dataset emoji
      traits extract --dataset emoji --storage.dtype float32
    """
    from traits_core.registry.loader import load_registry

    registry = load_registry()
    config = resolve_source(raw, registry)
    with context(home, device, registry) as ctx:
        from traits_core.stages.extract import extract, open_source

        source = open_source(config, ctx)
        splits = dict.fromkeys((config.run.train_split, config.run.test_split))
        stores = {split: extract(source, split, ctx) for split in splits}
    if json:
        print_json({split: store.root for split, store in stores.items()})
    else:
        for split, store in stores.items():
            print(f"{split}: {store.header.rows} rows in {store.root}")


def train(
    raw: RawConfig,
    home: Home = DEFAULT_HOME,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Learn prototypes from extracted activations.

    \b
    Examples:
      traits train --method kmeans --dataset emoji --method.n-clusters 256
    """
    from traits_core.registry.loader import load_registry

    registry = load_registry()
    config = resolve_run(raw, registry)
    with context(home, device, registry, resolve_track(raw, registry)) as ctx:
        directory = _train(config, ctx)
    print_json({"run": directory.root}) if json else print(directory.root)


def _train(config: RunConfig, ctx: Context) -> RunDirectory:
    from traits_core.stages.compose import extracted
    from traits_core.stages.extract import open_source
    from traits_core.stages.rundir import create_run
    from traits_core.stages.train import train
    from traits_core.stages.watched import watched
    from traits_core.stores.lock import locked

    activations = extracted(open_source(config, ctx), config.run.train_split, ctx)
    directory = create_run(ctx.home, config, ctx.registry)
    with locked(directory.root), watched(directory, ctx):
        train(directory, activations, ctx)
    return directory


COMMANDS: Final[Mapping[str, tuple[Callable[..., None], tuple[str, ...]]]] = {
    "run": (run, ("method", "dataset", "backbone", "storage", "probe", "track")),
    "extract": (extract, ("dataset", "backbone", "storage")),
    "train": (train, ("method", "dataset", "backbone", "storage", "probe", "track")),
}
"""The commands whose options depend on the plugins that are named, and the kinds that they name."""
