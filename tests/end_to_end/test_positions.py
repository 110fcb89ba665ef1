"""Runs that keep a score of every position, in each of the forms that scores are kept in."""

import attrs
import numpy as np
import pytest
import torch

from traits_core import DatasetSpec, PositionLabels
from traits_core.comparing.groups import grouped
from traits_core.comparing.paired import differences_to_best
from traits_core.comparing.run_facts import read_facts_of_run
from traits_core.config.fields import option
from traits_core.config.run_config import resolve_run
from traits_core.errors import DataError, StageError
from traits_core.progress import Silent
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


class Blot(Ink):
    """Labels fewer positions than the backbone has."""

    def position_labels(self, split):
        labels = super().position_labels(split)
        return attrs.evolve(labels, labels_np=labels.labels_np[:, :7])


@pytest.fixture(scope="module")
def registry(registry_with):
    """What is installed, and the datasets `ink` and `blot`."""
    specs = tuple(
        DatasetSpec(
            name=made.__name__.lower(),
            summary="digits with a class per position",
            config=InkConfig,
            factory=f"{__name__}:{made.__name__}",
            backbone="pixels",
        )
        for made in (Ink, Blot)
    )
    return registry_with("ink", __name__, *specs)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(registry, home):
    """Finish a run with the given core options."""
    context = Context(home=home, registry=registry, device=torch.device("cpu"), progress=Silent())

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


@pytest.mark.parametrize("scores", ["dense", "top-k", "threshold"])
def test_scores_are_rounded_as_asked_where_a_store_holds_nothing_else(run, registry, scores):
    exact, rounded = (
        open_store(run(scores=scores, scores_dtype=dtype).scores / "test", registry)
        for dtype in ("float32", "float16")
    )
    assert rounded.header.dtype == ("float32" if scores == "top-k" else "float16")
    for name, matrix in open_scores(exact).items():
        expected_bk = torch.from_numpy(matrix.rows(0, 64)).to(
            torch.float32 if scores == "top-k" else torch.float16
        )
        found_bk = torch.from_numpy(open_scores(rounded)[name].rows(0, 64))
        assert torch.equal(found_bk, expected_bk.float())


def test_a_dataset_without_classes_of_positions_is_refused_before_anything_is_done(run):
    with pytest.raises(DataError, match=r"'digits' has no classes of positions.*--pooling max"):
        run(dataset="digits")


def test_classes_of_other_positions_are_refused_before_anything_is_done(run, home):
    before = set(home.rglob("*blot*"))
    with pytest.raises(StageError, match=r"'blot' has classes of 7 positions.*'pixels' has 25:"):
        run(dataset="blot")
    assert set(home.rglob("*blot*")) == before == set()


def test_results_on_positions_are_not_paired_and_it_is_said_why(run, registry):
    (group,) = grouped([read_facts_of_run(run().root)], pool_seeds=True)
    with pytest.raises(StageError, match=r"--pooling none.*only results on examples can be"):
        differences_to_best(group, registry)


def test_results_of_another_probe_are_not_paired_and_it_is_said_why(run, registry):
    (group,) = grouped([read_facts_of_run(run().root)], pool_seeds=True)
    other = attrs.evolve(group, measured_on=attrs.evolve(group.measured_on, probe="logistic"))
    with pytest.raises(StageError, match=r"'logistic'.*`retrieval` can be paired"):
        differences_to_best(other, registry)
