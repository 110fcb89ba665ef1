"""What the prototypes of the best and the worst traits look at: examples with replayed heat-maps.

Only the best examples per prototype are known from the pooled scores; their positions are scored
again from the stored activations, so no map of all positions is ever kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from traits_core.records import ProbeResult
from traits_core.reporting.content import Exemplar, TraitPanel
from traits_core.reporting.exemplars import top_examples
from traits_core.reporting.ranking import TraitResult, best_and_worst, rank_traits
from traits_core.scoring.matrix import open_scores
from traits_core.scoring.positions import one_against_rest
from traits_core.scoring.saved import LoadedScorer, load_scorer
from traits_core.scoring.scored import faults_of
from traits_core.stages.context import Context
from traits_core.stages.extract import Source
from traits_core.stages.probe import class_labels, trait_labels
from traits_core.stages.rundir import RunDirectory
from traits_core.stores.reader import Store, open_store

if TYPE_CHECKING:
    from numpy.typing import NDArray

BEST: Final = 8
WORST: Final = 4
PICTURES: Final = 8


def trait_panels(
    run: RunDirectory, source: Source, test: Store, result: ProbeResult, context: Context
) -> tuple[TraitPanel, ...]:
    """The best and the worst traits, each with the examples that its prototype scores highest."""
    ranked = [r for r in rank_traits(result.tables.get("traits", ())) if r.prototype is not None]
    if not ranked:
        return ()
    best, worst = best_and_worst(ranked, len(ranked))
    chosen = [("best", trait) for trait in _one_per_prototype(best)[:BEST]]
    chosen += [("worst", trait) for trait in _one_per_prototype(worst)[:WORST]]
    scores = open_scores(open_store(run.scores / test.header.split, context.registry))["method"]
    scorer, _ = load_scorer(run.scorer, context.registry, context.device)
    names, has_npt = _labels(run, source, test)
    examples = source.examples(test.header.split)
    panels = []
    for kind, trait in chosen:
        assert trait.prototype is not None
        scores_np = scores.block(trait.prototype, trait.prototype + 1).reshape(len(has_npt), -1)
        rows = top_examples(scores_np.max(1), PICTURES).tolist()
        heats = _heat_maps(scorer, test, rows, trait.prototype, context)
        has_np = has_npt[..., names.index(trait.trait)]
        shown = map(examples.__getitem__, rows)  # which decodes each once
        exemplars = tuple(
            Exemplar(
                image=example.image,
                text=example.text,
                spans=example.spans or (),
                heat_hw=heat,
                caption=example.caption or example.id,
                positive=bool(has_np[row, scores_np[row].argmax()]),
                score=float(scores_np[row].max()),
            )
            for row, example, heat in zip(rows, shown, heats, strict=True)
        )
        panels.append(_panel(kind, trait, exemplars))
    return tuple(panels)


def _labels(
    run: RunDirectory, source: Source, test: Store
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Names of traits, and which positions have them; where scores are pooled, an example is one."""
    dataset, split = source.dataset, test.header.split
    if run.config.run.pooling != "none":
        labels = trait_labels(dataset, test.header.dataset, split)
        return labels.names, labels.labels_nt[:, None]
    classes = class_labels(dataset, test.header.dataset, split)
    labels = one_against_rest(classes, np.arange(classes.labels_np.size))
    return labels.names, labels.labels_nt.reshape(*classes.labels_np.shape, -1)


def _one_per_prototype(traits: Sequence[TraitResult]) -> list[TraitResult]:
    """Keep the first trait of each prototype: its examples are the same for every other."""
    first = {trait.prototype: trait for trait in reversed(traits)}
    return [trait for trait in traits if first[trait.prototype] is trait]


def _panel(kind: str, trait: TraitResult, exemplars: tuple[Exemplar, ...]) -> TraitPanel:
    assert trait.prototype is not None
    return TraitPanel(
        trait=trait.trait,
        group=trait.group,
        prototype=trait.prototype,
        ap=trait.ap,
        lift=trait.lift,
        prevalence=trait.prevalence,
        n_positive=trait.n_positive or 0,
        kind="best" if kind == "best" else "worst",
        exemplars=exemplars,
    )


def _heat_maps(
    scorer: LoadedScorer, store: Store, rows: Sequence[int], prototype: int, context: Context
) -> list[NDArray[np.float32] | None]:
    """Score the stored positions of some examples again; None where they are no grid and no tokens."""
    array, positions = store.header.arrays[0], store.header.positions
    grid = (1, positions) if array.feature.position == "token" else array.feature.grid
    heats: list[NDArray[np.float32] | None] = []
    for row in rows:
        if grid is None:
            heats.append(None)
            continue
        acts_pd = store.read(array.name, row * positions, (row + 1) * positions)
        with faults_of("method"):
            scores_pk = scorer(acts_pd.float().to(context.device))
        heats.append(scores_pk[:, prototype].cpu().numpy().reshape(grid))
    return heats
