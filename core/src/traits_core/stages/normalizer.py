"""The normaliser of a run: fitted when training begins, and kept where training is."""

from __future__ import annotations

from traits_core.normalization.fit import fit
from traits_core.normalization.normalizer import Normalizer, load_normalizer, save_normalizer
from traits_core.stages.context import Context
from traits_core.stages.rundir import RunDirectory
from traits_core.statistics.saved import statistics_of
from traits_core.statistics.statistics import Statistics
from traits_core.stores.reader import Store


def run_normalizer(run: RunDirectory, activations: Store, context: Context) -> Normalizer | None:
    """What the run's activations go through; None for `--normalize none`.

    It is kept beside the checkpoints, whose tensors are in its space: another machine may decompose
    the same covariance into other vectors, so training that goes on must not fit it again.
    """
    options, (array,) = run.config.run, activations.header.arrays
    if options.normalize == "none":
        return None
    path = run.checkpoints / "normalizer.safetensors"
    if not path.exists():

        def statistics(covariance: bool) -> Statistics:
            return statistics_of(
                activations, array.name, context.home, covariance, context.device, context.progress
            )

        fitted = fit(options.normalize, array.columns, options.normalize_epsilon, statistics)
        path.parent.mkdir(exist_ok=True)
        save_normalizer(path, fitted)
    return load_normalizer(path, context.device)
