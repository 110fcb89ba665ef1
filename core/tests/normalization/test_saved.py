"""A scorer takes its normaliser with it, and is not loaded without it."""

import hashlib
import json

import attrs
import pytest
import torch

from traits_core.config.structure import unstructure
from traits_core.errors import DataError, StoreError
from traits_core.normalization.normalizer import MAPS, load_normalizer, save_normalizer
from traits_core.probing.nulls import DirectionScorer, gaussian_scorer
from traits_core.scoring.saved import NORMALIZER_FILE, load_scorer, save_scorer
from traits_core.tensors import save_tensors

KINDS = tuple(MAPS)
CPU = torch.device("cpu")
ROWS_ND = torch.randn(200, 6, generator=torch.Generator().manual_seed(0)) * 3 + 5


@attrs.frozen
class OneMethod:
    """A registry whose only method has the scorer of the nulls."""

    def get(self, kind, name):
        from traits_core.specs import MethodSpec

        @attrs.frozen
        class Nothing:
            pass

        return MethodSpec(
            name=name,
            summary="directions",
            config=Nothing,
            factory="traits_core.probing.nulls:DirectionScorer",
            scorer="traits_core.probing.nulls:DirectionScorer",
        )


@pytest.fixture
def saved(fitted, feature, tmp_path):
    """Save a scorer of rows that `kind` has normalised; the directory, and both parts."""

    def save(kind):
        normalizer = fitted(kind, ROWS_ND, 1e-3)
        scorer = gaussian_scorer(normalizer(ROWS_ND), 7, seed=0)
        save_scorer(tmp_path / "scorer", scorer, "directions", feature, normalizer)
        return tmp_path / "scorer", normalizer, scorer

    return save


@pytest.mark.parametrize("kind", KINDS)
def test_a_normaliser_is_loaded_as_it_was_saved(fitted, tmp_path, kind):
    made = fitted(kind, ROWS_ND, 1e-3)
    save_normalizer(tmp_path / "n.safetensors", made)
    loaded = load_normalizer(tmp_path / "n.safetensors", CPU)
    assert loaded.facts == made.facts
    assert torch.equal(loaded(ROWS_ND), made(ROWS_ND))


@pytest.mark.parametrize("kind", KINDS)
def test_the_loaded_scorer_takes_raw_activations(saved, kind):
    directory, normalizer, scorer = saved(kind)
    loaded, facts = load_scorer(directory, OneMethod(), CPU)
    assert loaded.n_prototypes == 7
    assert torch.equal(loaded(ROWS_ND), scorer(normalizer(ROWS_ND)))
    assert not torch.allclose(loaded(ROWS_ND), scorer(ROWS_ND))
    assert facts.normalizer == normalizer.facts
    assert facts.normalizer.statistics == normalizer.facts.statistics
    assert NORMALIZER_FILE in dict(facts.files)


def test_the_digest_of_a_scorer_changes_with_its_normaliser(saved):
    digests = {load_scorer(saved(kind)[0], OneMethod(), CPU)[1].digest for kind in KINDS}
    assert len(digests) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_other_features_are_refused_as_without_a_normaliser(saved, feature, kind):
    _, facts = load_scorer(saved(kind)[0], OneMethod(), CPU)
    facts.check_feature(feature)
    with pytest.raises(DataError, match="trained on other activations: layer 'l', not 'm'"):
        facts.check_feature(attrs.evolve(feature, layer="m"))


def test_a_scorer_without_its_normaliser_is_not_loaded(saved):
    directory, *_ = saved("standardize")
    (directory / NORMALIZER_FILE).unlink()
    with pytest.raises(StoreError, match=r"normalizer\.safetensors is missing"):
        load_scorer(directory, OneMethod(), CPU)


def test_a_changed_normaliser_is_refused(saved, fitted):
    directory, *_ = saved("standardize")
    save_normalizer(directory / NORMALIZER_FILE, fitted("center", ROWS_ND))
    with pytest.raises(StoreError, match="changed since it was written"):
        load_scorer(directory, OneMethod(), CPU)


def test_another_normaliser_than_scorer_json_names_is_refused(saved, fitted):
    """Even when somebody has put the other's checksum into scorer.json."""
    directory, *_ = saved("standardize")
    path = directory / NORMALIZER_FILE
    save_normalizer(path, fitted("center", ROWS_ND))
    facts = json.loads((directory / "scorer.json").read_text())
    for entry in facts["files"]:
        entry[1] = hashlib.sha256((directory / entry[0]).read_bytes()).hexdigest()
    (directory / "scorer.json").write_text(json.dumps(facts))
    with pytest.raises(StoreError, match=r"kind='center'.*scorer\.json says .*kind='standardize'"):
        load_scorer(directory, OneMethod(), CPU)


def test_a_scorer_may_not_write_where_its_normaliser_goes(fitted, feature, tmp_path):
    class Greedy(DirectionScorer):
        def save(self, directory):
            save_tensors(directory / NORMALIZER_FILE, {})

    scorer = Greedy(mean_d=torch.zeros(6), scale_d=torch.ones(6), directions_kd=torch.eye(6))
    with pytest.raises(StoreError, match="where its normaliser is kept"):
        save_scorer(tmp_path / "s", scorer, "greedy", feature, fitted("center", ROWS_ND))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_normaliser_is_refused(fitted, tmp_path):
    path = tmp_path / "n.safetensors"
    facts = unstructure(fitted("center", ROWS_ND).facts)
    wrong = [({}, facts), ({"shift_d": torch.ones(6)}, {**facts, "kind": "unit-norm"})]
    wrong += [({}, {**facts, "kind": "magic"}), ({}, {**facts, "extra": 1})]
    for tensors, written in wrong:
        save_tensors(path, tensors, written)
        with pytest.raises(StoreError, match="no readable normaliser"):
            load_normalizer(path, CPU)
