import numpy as np
import pytest
import torch
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from traits_core import DataError
from traits_plugin_softcluster.tree import centre_tree, cut_tree


@pytest.fixture
def centres_kd():
    rows = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.normalize(rows, dim=1)


@pytest.mark.parametrize("n_groups", [1, 2, 7, 40])
def test_groups_are_those_of_scikit_learn(centres_kd, n_groups):
    theirs = AgglomerativeClustering(n_groups, metric="cosine", linkage="average")
    expected = theirs.fit_predict(centres_kd.double().numpy())
    found_k = cut_tree(centre_tree(centres_kd), n_groups)
    assert adjusted_rand_score(expected, found_k) == 1.0
    assert sorted(found_k.unique().tolist()) == list(range(n_groups))


def test_the_root_holds_all_centres_and_joins_are_ever_farther(centres_kd):
    tree = centre_tree(centres_kd)
    assert tree.shape == (39, 4)
    assert tree[-1, 3] == 40
    assert (np.diff(tree[:, 2]) >= 0).all()


def test_one_centre_has_no_tree():
    with pytest.raises(DataError, match="two centres"):
        centre_tree(torch.ones(1, 3))
