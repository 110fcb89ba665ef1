"""`traits stats`: what the activations in a store are like, on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from traits_core.cli.shared import DEFAULT_HOME, Device, Home, Json, context, print_json

if TYPE_CHECKING:
    from traits_core.statistics.summary import Summary

SHOWN: Final = 3
"""Oddities of a kind that are named; `--json` has them all."""


def stats(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="a store, or a foreign directory")],
    array: Annotated[
        str | None, typer.Option("--array", metavar="NAME", help="one array [default: all]")
    ] = None,
    covariance: Annotated[
        bool, typer.Option("--covariance", help="collect the covariance too, as whitening needs")
    ] = False,
    home: Home = DEFAULT_HOME,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Describe the activations in a store, and their oddities.

    One pass over the rows; the result is kept in the home directory, and the store is not touched.
    Of a directory in a foreign format nothing is kept: no checksums say that it is still the same.

    \b
    Examples:
      traits stats traits-home/activations/emoji-train-0123456789ab
      traits stats STORE --array layer4 --json
    """
    from traits_core.registry.loader import load_registry

    with context(home, device, load_registry()) as ctx:
        from traits_core.statistics.collect import collect
        from traits_core.statistics.saved import statistics_of, statistics_path
        from traits_core.statistics.summary import summarize
        from traits_core.stores.open_any import open_any

        store = open_any(path, ctx.registry).store
        names = [array] if array else [spec.name for spec in store.header.arrays]
        if store.shards:
            found = [
                statistics_of(store, name, home, covariance, ctx.device, ctx.progress)
                for name in names
            ]
            files = [statistics_path(home, store, name) for name in names]
        else:  # foreign: its digest is of the header, and does not name all of the contents
            found = [
                collect(
                    store, name, covariance=covariance, device=ctx.device, progress=ctx.progress
                )
                for name in names
            ]
            files = []
        summaries = [summarize(each) for each in found]
    if json:
        from traits_core.config.structure import unstructure

        print_json({summary.array: unstructure(summary) for summary in summaries})
        return
    for summary, file in zip_longest(summaries, files):
        print("\n".join(_lines(summary)))
        print(f"kept in     {file}\n" if file else "")


def _lines(summary: Summary) -> list[str]:
    shape = f"{summary.rows // summary.positions:,} examples x {summary.positions} positions"
    return [
        f"{summary.dataset}/{summary.split} {summary.array}: {shape}, {summary.d_model} dimensions",
        f"norms       {_quantiles(summary)}",
        f"mean        {_spread(summary.mean)}",
        f"std         {_spread(summary.std)}",
        f"dimensions  {_dimensions(summary)}",
        f"rows        {_rows(summary)}",
        f"positions   {_positions(summary)}",
    ]


def _quantiles(summary: Summary) -> str:
    shown = {0.0: "min", 0.01: "1%", 0.5: "median", 0.99: "99%", 1.0: "max"}
    values = ", ".join(f"{shown[q]} {x:.4g}" for q, x in summary.norm_quantiles if q in shown)
    return values + (f" (to {summary.norm_error:.1%})" if summary.norm_error else "")


def _spread(values: Sequence[float]) -> str:
    """Of one number per dimension."""
    ordered = sorted(values)
    middle = ordered[len(ordered) // 2]
    return f"{ordered[0]:.4g} to {ordered[-1]:.4g} over dimensions, median {middle:.4g}"


def _dimensions(summary: Summary) -> str:
    constant, outliers = summary.constant_dimensions, summary.outlier_dimensions
    found = [f"{len(constant)} constant{_some([str(d) for d in constant])}"]
    named = [f"{o.dimension}: mean {o.mean:.4g}, std {o.std:.4g}" for o in outliers]
    found.append(f"{len(outliers)} far larger than most{_some(named)}")
    if summary.effective_dimensions is not None:
        found.append(f"{summary.effective_dimensions:.1f} effective")
    return ", ".join(found)


def _rows(summary: Summary) -> str:
    about = "" if summary.duplicates_exact else "about "
    repeated = f"{about}{summary.duplicate_rows:,} equal an earlier one"
    if summary.duplicate_rows:
        repeated += f" (one occurs {summary.most_repeated:,} times)"
    return f"{summary.zero_rows:,} zero, {repeated}"


def _positions(summary: Summary) -> str:
    sinks = summary.sink_positions
    if not sinks:
        return "no attention sink"
    named = [f"{s.position}: {s.ratio:.0f} times the median norm" for s in sinks]
    return f"{len(sinks)} like attention sinks{_some(named)}"


def _some(names: Sequence[str]) -> str:
    """The first few, in parentheses."""
    if not names:
        return ""
    rest = ["..."] if len(names) > SHOWN else []
    return f" ({'; '.join([*names[:SHOWN], *rest])})"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(stats)
