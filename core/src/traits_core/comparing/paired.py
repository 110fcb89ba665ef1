"""By how much one entry is behind another on the same test examples, and how sure that is.

Both mean APs move together when other images are drawn, so their difference is far better known than
their two intervals say: its influence of an image is the difference of the two influences.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.comparing.groups import Entry, Group
from traits_core.comparing.run_facts import RunFacts
from traits_core.config.run_config import RunConfig
from traits_core.errors import StageError
from traits_core.probing.intervals import NORMAL_975, map_and_influence
from traits_core.probing.selection import chosen_scores
from traits_core.protocols import Dataset
from traits_core.records import TraitLabels
from traits_core.registry.plugins import Registry
from traits_core.scoring.matrix import open_scores
from traits_core.stages.probe import read_result, trait_labels
from traits_core.stages.rundir import RunDirectory, open_run
from traits_core.stores.reader import open_store

BLOCK = 512


@attrs.frozen
class Difference:
    """`value` is mAP minus that of the best entry; `interval` covers 95 % of draws of test images."""

    value: float
    interval: tuple[float, float]


def differences_to_best(group: Group, registry: Registry) -> list[Difference]:
    """Compare each entry of a group with its first, by the scores and labels that the runs keep.

    Seeds of an entry are averaged. Needs the dataset for its labels, and the plugins of the runs.
    Raises StageError for results on positions or of another probe than `retrieval`, and when the dataset
    or the scores are not those that the runs were measured with.
    """
    root = group.entries[0].runs[0].root
    if group.measured_on.probe != "retrieval":
        raise StageError(
            f"{root}: measured by the probe {group.measured_on.probe!r}: only results of the probe "
            "`retrieval` can be paired"
        )
    if group.measured_on.rows == "positions":
        raise StageError(
            f"{root}: measured on positions (--pooling none): only results on examples can be paired"
        )
    first = open_run(root, registry)
    labels = _labels(first.config, group)
    best_map, best_n = _map_and_influence(group.entries[0], labels, registry)
    found = []
    for entry in group.entries:
        mean, influence_n = _map_and_influence(entry, labels, registry)
        margin = NORMAL_975 * float(np.sqrt(np.sum((influence_n - best_n) ** 2)))
        value = mean - best_map
        found.append(Difference(value, (value - margin, value + margin)))
    return found


def _labels(config: RunConfig, group: Group) -> TraitLabels:
    dataset: Dataset = config.dataset.build()
    if dataset.digest != group.measured_on.labels:
        raise StageError(
            f"dataset {group.measured_on.dataset!r} has changed since it was measured "
            f"({group.measured_on.labels[:12]} -> {dataset.digest[:12]}): repeat the runs to pair them"
        )
    return trait_labels(dataset, group.measured_on.dataset, group.measured_on.test_split)


def _map_and_influence(
    entry: Entry, labels: TraitLabels, registry: Registry
) -> tuple[float, NDArray[np.float64]]:
    pairs = [_of_run(run, labels, registry) for run in entry.runs]
    maps, influences_n = zip(*pairs, strict=True)
    return float(np.mean(maps)), np.mean(influences_n, axis=0)


def _of_run(
    facts: RunFacts, labels: TraitLabels, registry: Registry
) -> tuple[float, NDArray[np.float64]]:
    run = open_run(facts.root, registry)
    prototypes_t = _chosen(run, labels)
    store = open_store(run.scores / facts.measured_on.test_split, registry)
    scores_nt = chosen_scores(open_scores(store)["method"], prototypes_t, BLOCK)
    measured_t = labels.labels_nt.any(axis=0)
    found, influence_n = map_and_influence(
        scores_nt[:, measured_t], labels.labels_nt[:, measured_t]
    )
    if abs(found - facts.map) > 1e-9:
        raise StageError(
            f"{facts.root}: its scores give a mAP of {found:.6f}, its result says {facts.map:.6f}: "
            "remove its probe/ and run `traits probe` again"
        )
    return found, influence_n


def _chosen(run: RunDirectory, labels: TraitLabels) -> NDArray[np.intp]:
    traits = read_result(run).tables.get("traits", ())
    chosen = {row["trait"]: row["prototype"] for row in traits if row["row"] == "method"}
    missing = [name for name in labels.names if chosen.get(name) is None]
    if missing:
        raise StageError(
            f"{run.root}: no chosen prototype for trait {missing[0]!r}: only results of the probe "
            "`retrieval` can be paired"
        )
    return np.array([chosen[name] for name in labels.names], np.intp)
