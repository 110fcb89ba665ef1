"""Runs that keep a score of every position, in each of the forms that scores are kept in."""

import attrs
import numpy as np
import pytest
import torch

from traits_core import DatasetSpec, PositionLabels
from traits_core.config.fields import option
from traits_core.config.run_config import resolve_run
from traits_core.errors import DataError
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.registry.plugins import Plugin, Registry, Status
from traits_core.scoring.matrix import open_scores
from traits_core.stages.compose import run_all
from traits_core.stages.context import Context
from traits_core.stages.probe import read_result, split_scores
from traits_core.stores.reader import open_store
from traits_plugin_datasets.config import DigitsConfig
from traits_plugin_datasets.digits import Digits


@attrs.frozen(kw_only=True)
class InkConfig:
    """Options of the dataset below."""

    limit: int = option(40, help="examples of each split")


class Ink(Digits):
    """Digits whose patches of 4x4 pixels are `ink` or `paper` by their brightness, or else unclear."""

    def __init__(self, config):
        super().__init__(DigitsConfig(limit=config.limit))

    def position_labels(self, split):
        ink_nhw = np.stack([example.image for example in self.examples(split)]).mean(-1)
        patches_nyxhw = np.lib.stride_tricks.sliding_window_view(ink_nhw, (4, 4), axis=(1, 2))
        ink_np = patches_nyxhw.mean(axis=(-2, -1)).reshape(len(ink_nhw), -1)
        labels_np = np.digitize(ink_np, [60, 120])
        return PositionLabels(
            labels_np=labels_np, class_names=("paper", "unclear", "ink"), ignore=(1,)
        )


@pytest.fixture(scope="module")
def registry():
    """What is installed, and the dataset `ink`."""
    spec = DatasetSpec(
        name="ink",
        summary="digits with a class per position",
        config=InkConfig,
        factory=f"{__name__}:Ink",
        backbone="pixels",
    )
    plugin = Plugin(
        name="ink",
        distribution="ink",
        version="0",
        module=__name__,
        status=Status.OK,
        specs=(spec,),
    )
    return Registry((*load_registry().plugins, plugin))


@pytest.fixture(scope="module")
def run(registry, tmp_path_factory):
    """Finish a run with the given core options."""
    context = Context(
        home=tmp_path_factory.mktemp("home"),
        registry=registry,
        device=torch.device("cpu"),
        progress=Silent(),
    )

    def make(dataset="ink", **options):
        raw = {
            "method": {"name": "random", "n_prototypes": 16},
            "dataset": {"name": dataset, "limit": 40},
            "run": {"pooling": "none", **options},
        }
        return run_all(resolve_run(raw, registry), context)

    return make


@pytest.mark.parametrize("scores", ["dense", "top-k", "threshold"])
def test_classes_of_positions_are_probed_from_scores_of_positions(run, registry, scores):
    finished = run(scores=scores, scores_k=8)
    dataset = Ink(InkConfig())
    store = open_store(finished.scores / "test", registry)
    positions = store.header.positions
    assert store.header.rows == 40 * positions
    seen = split_scores(finished.config, dataset, "test", store)
    labels_np = dataset.position_labels("test").labels_np
    assert seen.traits.names == ("paper", "ink")
    assert len(seen.traits.labels_nt) == (labels_np != 1).sum() < labels_np.size
    assert all(m.n_examples == len(seen.traits.labels_nt) for m in seen.scores.values())
    for matrix in open_scores(store).values():
        assert (matrix.rows(0, 64) != 0).sum(axis=1).max() <= (8 if scores == "top-k" else 16)
    found = {row["row"]: row for row in read_result(finished).headline}
    share = seen.traits.labels_nt.mean(axis=0)
    assert found["constant"]["map"] == pytest.approx(share.mean())
    assert found["method"]["map"] > found["constant"]["map"]
    assert finished.report.is_file()


def test_a_dataset_without_classes_of_positions_is_refused_before_anything_is_done(run):
    with pytest.raises(DataError, match=r"'digits' has no classes of positions.*--pooling max"):
        run(dataset="digits")
