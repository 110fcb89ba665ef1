"""`traits verify`: is what is on disk what was written?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from traits_core.cli.shared import Json, context, print_json

if TYPE_CHECKING:
    from traits_core.stages.context import Context
    from traits_core.stores.verifying.findings import Finding, Report
    from traits_core.stores.verifying.places import Place
    from traits_core.stores.verifying.store import Depth

SHOWN: Final = 20
"""Findings and repairs of a place that are printed; `--json` has them all."""


def verify(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="a store, a run, or a home with all that it holds"),
    ],
    full: Annotated[
        bool,
        typer.Option("--full", help="compare every checksum, and all values with their statistics"),
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="move what is damaged to quarantine/, so that the same command writes it again",
        ),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", metavar="N", min=1, help="threads [default: up to 4, one per core]"),
    ] = None,
    json: Json = False,
) -> None:
    """Check that stores and scorers are what was written.

    Always: headers, manifests, row ranges, the size of every file, files that belong to nobody, the
    sha256 of scorers, and the checksum of one file in each of 16 shards. With --full also the
    checksum of every file, and dtype, shape, NaN, infinity and extremes of all values.

    Exit code 0: clean; 1: something was found; 2: something cannot be read at all.

    \b
    Examples:
      traits verify traits-home
      traits verify traits-home/activations/emoji-train-0123456789ab --full
      traits verify STORE --full --repair
    """
    from traits_core.registry.loader import load_registry

    with context(path, "cpu", load_registry()) as ctx:
        from traits_core.stores.verifying.places import find_places
        from traits_core.stores.verifying.store import Depth

        depth = Depth(full=full) if jobs is None else Depth(full=full, jobs=jobs)
        reports = [_verify(place, depth, repair, ctx) for place in find_places(path)]
    if json:
        from traits_core.config.structure import unstructure

        print_json([{"clean": report.clean, **unstructure(report)} for report in reports])
    else:
        print("\n".join(line for report in reports for line in _lines(report)))
    if not all(report.clean for report in reports):
        raise typer.Exit(1 if all(report.readable for report in reports) else 2)


def _verify(place: Place, depth: Depth, repair: bool, ctx: Context) -> Report:
    from traits_core.scoring.verify import verify_scorer
    from traits_core.stores.verifying.repair import repair_store
    from traits_core.stores.verifying.store import verify_store

    if place.kind == "scorer":
        return verify_scorer(place.path)
    return (repair_store if repair else verify_store)(place.path, ctx.registry, depth, ctx.progress)


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.path}: {_verdict(report)}"
    yield from _some([f"  {'repaired':10}  {_shown(text)}" for text in report.repaired])
    yield from _some([_line(finding) for finding in report.findings])


def _verdict(report: Report) -> str:
    checked, n = report.checked, len(report.findings)
    verdict = "clean" if report.clean else f"{n} finding{'s' if n > 1 else ''}"
    if report.kind == "scorer" or not report.readable:
        return verdict
    return (
        f"{verdict} ({checked.rows} rows, {checked.bytes / 1e6:,.1f} MB, "
        f"{checked.hashed_bytes / 1e6:,.1f} MB of it by checksum)"
    )


def _line(finding: Finding) -> str:
    shard = None if finding.shard in (None, -1) else f"shard {finding.shard}"
    line = None if finding.line is None else f"line {finding.line}"
    where = ", ".join(part for part in (shard, finding.file, line) if part)
    text = f"{where}: {finding.what}" if where else finding.what
    return f"  {finding.severity:10}  {_shown(text)}; {finding.advice}"


def _some(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"  ... and {len(lines) - SHOWN} more; --json has them all"


def _shown(text: str) -> str:
    """As it is, unless a file name in it would play with the terminal."""
    return text if text.isprintable() else ascii(text)


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(verify)
