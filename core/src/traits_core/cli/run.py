"""`traits run`, `traits extract` and `traits train`: what composes plugins by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from traits_core.cli.shared import DEFAULT_HOME, Device, Home, Json, context, print_json
from traits_core.config.run_config import RawConfig, resolve_source, resolve_track
from traits_core.config.sweep import SEED, parse_seeds, parse_vary, sweep

if TYPE_CHECKING:
    from traits_core.config.sweep import Axes
    from traits_core.stages.compose import FailedRunsError
    from traits_core.stages.rundir import RunDirectory

DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="print the merged configuration and the plan of stages, and do nothing",
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        "--seeds",
        metavar="0..3|0,2,5",
        help="one run per seed, trained in one pass over the data in the order of the first seed",
    ),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="SECTION.OPTION=VALUE,...",
        help="one run per value of an option of method or probe, trained in one pass over the data; "
        "may be repeated, and combined with --seeds: one run per combination",
    ),
]


def run(
    raw: RawConfig,
    home: Home = DEFAULT_HOME,
    device: Device = "auto",
    seeds: Seeds = None,
    vary: Vary = None,
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
      traits run --method kmeans --dataset emoji --seeds 0..3
      traits run --method kmeans --dataset emoji --vary method.n-clusters=16,32
      traits run --method kmeans --dataset emoji --help
      traits run --config RUN/run.json --set run.seed=1
    """
    from traits_core.registry.loader import load_registry

    registry = load_registry()
    axes = _axes(seeds, vary)
    configs = sweep(raw, axes, registry)
    from traits_core.cli.results import print_plan, print_plans, print_result, print_results
    from traits_core.stages.compose import run_several
    from traits_core.stages.plan import plan

    with context(home, device, registry, resolve_track(raw, registry)) as ctx:
        plans = plan(configs, ctx) if dry_run else []
        runs, failed = ([], None) if dry_run else _finished(partial(run_several, configs, ctx))
    if not ctx.comm.rank:
        if dry_run and axes:
            print_plans(configs, plans, json)
        elif dry_run:
            print_plan(configs[0], plans[0], json)
        elif axes:
            print_results(runs, configs, json)
        else:
            print_result(runs[0], json)
    if failed is not None:
        raise failed


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
    seeds: Seeds = None,
    vary: Vary = None,
    json: Json = False,
) -> None:
    """Learn prototypes from extracted activations.

    \b
    Examples:
      traits train --method kmeans --dataset emoji --method.n-clusters 256
      traits train --method kmeans --dataset emoji --vary method.n-clusters=64,256
    """
    from traits_core.registry.loader import load_registry

    registry = load_registry()
    axes = _axes(seeds, vary)
    configs = sweep(raw, axes, registry)
    with context(home, device, registry, resolve_track(raw, registry)) as ctx:
        from traits_core.stages.compose import train_several

        runs, failed = _finished(partial(train_several, configs, ctx))
    if not ctx.comm.rank:
        if json:
            print_json([{"run": run.root} for run in runs] if axes else {"run": runs[0].root})
        else:
            print("".join(f"{run.root}\n" for run in runs), end="")
    if failed is not None:
        raise failed


def _finished(
    work: Callable[[], list[RunDirectory]],
) -> tuple[list[RunDirectory], FailedRunsError | None]:
    """The runs that came to their end: they are shown, before the error of the others is raised."""
    from traits_core.stages.compose import FailedRunsError

    try:
        return work(), None
    except FailedRunsError as failed:
        return failed.finished, failed


def _axes(seeds: str | None, vary: list[str] | None) -> Axes:
    """What varies between the runs, the seed fastest; empty when a single run is asked for."""
    return parse_vary(vary or []) | ({} if seeds is None else {SEED: parse_seeds(seeds)})


COMMANDS: Final[Mapping[str, tuple[Callable[..., None], tuple[str, ...]]]] = {
    "run": (run, ("method", "dataset", "backbone", "storage", "probe", "track")),
    "extract": (extract, ("dataset", "backbone", "storage")),
    "train": (train, ("method", "dataset", "backbone", "storage", "probe", "track")),
}
"""The commands whose options depend on the plugins that are named, and the kinds that they name."""
