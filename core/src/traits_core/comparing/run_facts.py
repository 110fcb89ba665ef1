"""What one run reached and what it cost, read from its files alone: no plugin is needed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from traits_core.config.run_config import RawConfig, digest_of
from traits_core.config.sweep import OWN
from traits_core.errors import StageError
from traits_core.stages.measure import read_figures
from traits_core.stages.rundir import read_run_json
from traits_core.stages.status import read_status
from traits_core.tracking.metrics import read_metrics

NULLS = ("constant", "permuted", "gaussian", "activations")


@attrs.frozen(kw_only=True)
class MeasuredOn:
    """What results must have in common before one can be called better than another.

    Parameters
    ----------
    dataset: its name
    labels: its digest
    train_split, test_split: where prototypes are chosen, and where they are measured
    rows: `examples`, or `positions` of them
    probe: its name
    probe_options: all of its options: some of them change what a number means
    n_traits: traits that are measured
    """

    dataset: str
    labels: str
    train_split: str
    test_split: str
    rows: str
    probe: str
    probe_options: Mapping[str, Any] = attrs.field(hash=False)
    n_traits: int | None


@attrs.frozen(kw_only=True)
class RunFacts:
    """One finished run; what was not recorded is None.

    Parameters
    ----------
    root: its directory
    config: its configuration, as `run.json` has it
    digest: of its configuration
    family: of its configuration without the seed and the order of batches
    measured_on: see `MeasuredOn`
    method, layer, seed: what was run
    n_prototypes, map, interval, lift: the method's row of the headline
    nulls: mAP of each null
    seconds, epochs: of training
    rows_per_second: median over training steps
    peak_bytes: most memory that training took
    scored_per_second, l0, explained_variance, silhouette, davies_bouldin: of the scorer on a sample of
        the test split
    """

    root: Path
    config: RawConfig
    digest: str
    family: str
    measured_on: MeasuredOn
    method: str
    layer: str | None
    seed: int
    n_prototypes: int | None
    map: float
    interval: tuple[float, float] | None
    lift: float | None
    nulls: Mapping[str, float]
    seconds: float | None
    epochs: int | None
    rows_per_second: float | None
    peak_bytes: float | None
    scored_per_second: float | None
    l0: float | None
    explained_variance: float | None
    silhouette: float | None
    davies_bouldin: float | None


def read_facts_of_run(root: Path) -> RunFacts:
    """Read one run. Raises StageError when it is damaged, or has no result with a `map` of the method."""
    facts = read_run_json(root)
    try:
        config: RawConfig = facts["config"]
        result = json.loads((root / "probe" / "results.json").read_text(encoding="utf-8"))
        rows = {row["row"]: row for row in result["headline"]}
        method, options = rows["method"], config["run"]
        low, high = method.get("map_ci95_low"), method.get("map_ci95_high")
        return RunFacts(
            root=root,
            config=config,
            digest=digest_of(config),
            family=_family(config),
            measured_on=MeasuredOn(
                dataset=config["dataset"]["name"],
                labels=read_status(root)["probe"].inputs["labels"],
                train_split=options["train_split"],
                test_split=options["test_split"],
                rows="positions" if options["pooling"] == "none" else "examples",
                probe=result["probe"],
                probe_options={k: v for k, v in config["probe"].items() if k != "name"},
                n_traits=method.get("n_traits"),
            ),
            method=config["method"]["name"],
            layer=learned_layer(root) or options["layer"],
            seed=options["seed"],
            n_prototypes=method.get("n_prototypes"),
            map=float(method["map"]),
            interval=None if low is None or high is None else (low, high),
            lift=method.get("lift"),
            nulls={name: rows[name]["map"] for name in NULLS if name in rows},
            **_cost(root / "metrics.jsonl"),
            **_figures(root),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StageError(
            f"{root}: no readable result ({type(error).__name__}: {error}): remove {root / 'probe'} and "
            f"run `traits probe {root}`"
        ) from error


def _family(config: RawConfig) -> str:
    shared = {name: value for name, value in config["run"].items() if f"run.{name}" not in OWN}
    return digest_of({**config, "run": shared})


def learned_layer(root: Path) -> str | None:
    """The layer that the scorer of the run at `root` is of; None when there is no readable scorer."""
    try:
        facts = json.loads((root / "scorer" / "scorer.json").read_text(encoding="utf-8"))
        return str(facts["feature"]["layer"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _figures(root: Path) -> dict[str, Any]:
    """The scorer as `figures.json` tells of it."""
    found = read_figures(root)
    return {
        "scored_per_second": found.get("rows_per_second"),
        "l0": found.get("l0"),
        "explained_variance": (found.get("reconstruction") or {}).get("explained_variance"),
        "silhouette": (found.get("clusters") or {}).get("silhouette"),
        "davies_bouldin": (found.get("clusters") or {}).get("davies_bouldin"),
    }


def _cost(path: Path) -> dict[str, Any]:
    """Training as `metrics.jsonl` tells of it; a method that needs no training has no epochs."""
    lines = list(read_metrics(path))
    epochs = [line for line in lines if line.get("kind") == "epoch"]
    last = epochs[-1] if epochs else {}
    speeds = [line["rows_per_second"] for line in lines if "rows_per_second" in line]
    peaks = [line["peak_bytes"] for line in lines if "peak_bytes" in line]
    return {
        "seconds": last.get("seconds"),
        "epochs": last.get("epoch"),
        "rows_per_second": statistics.median(speeds) if speeds else None,
        "peak_bytes": max(peaks, default=None),
    }
