"""A synthetic CUB-200-2011: what random prototypes reach there, and what misread labels do.

The published example is a table of random prototypes that showed a mean AP of 0.86, because labels said
`certain` where they should have said `present`; constant scores reached 0.83. Read rightly, attributes have
a mean prevalence of about 0.10, constant scores reach just that, and random prototypes 0.10 to 0.24: more
with more prototypes, more with more labelled images, nothing with 16 of these.
"""

import attrs
import numpy as np
import pytest

from traits_core import DataError
from traits_core.probing.retrieval import RetrievalProbe
from traits_core.probing.retrieval_config import RetrievalConfig

CLASSES, TRAITS, IMAGES, POSITIONS, D, K = 200, 312, 2400, 4, 48, 2048
HALF = IMAGES // 2


@attrs.frozen
class Birds:
    """Images of 200 species: what they show, and how sure the annotators were of it."""

    present_nt: np.ndarray
    certainty_nt: np.ndarray
    scores_nk: np.ndarray


@pytest.fixture(scope="module")
def birds():
    """Each attribute that is present moves one position of the image along a direction of its own."""
    rng = np.random.default_rng(0)
    shares_t = rng.beta(0.55, 5.0, TRAITS)
    of_species_ct = rng.random((CLASSES, TRAITS)) < shares_t
    species_n = rng.permutation(np.arange(IMAGES) % CLASSES)
    present_nt = of_species_ct[species_n] ^ (rng.random((IMAGES, TRAITS)) < 0.01)
    directions_td = rng.normal(size=(TRAITS, D)) / np.sqrt(D)
    place_nt = rng.integers(POSITIONS, size=(IMAGES, TRAITS))
    random_kd = rng.normal(size=(K, D))
    scores_nk = np.full((IMAGES, K), -np.inf, np.float32)
    for position in range(POSITIONS):
        shown_nt = present_nt & (place_nt == position)
        acts_nd = 2.0 * shown_nt @ directions_td + 0.5 * rng.normal(size=(IMAGES, D))
        np.maximum(scores_nk, acts_nd @ random_kd.T, out=scores_nk, casting="same_kind")
    certainty_nt = rng.choice([1, 2, 3, 4], size=present_nt.shape, p=[0.07, 0.10, 0.33, 0.50])
    return Birds(present_nt, certainty_nt, scores_nk)


def halves(split, birds, labels_nt):
    return [
        split(labels_nt[rows], method=birds.scores_nk[rows, :8], gaussian=birds.scores_nk[rows])
        for rows in (slice(None, HALF), slice(HALF, None))
    ]


@pytest.fixture(scope="module")
def result(birds, split):
    config = RetrievalConfig(n_permutations=1, grid_prototypes=(128, 512), grid_train=(16, 64, 256))
    return RetrievalProbe(config)(*halves(split, birds, birds.present_nt), seed=0)


def cells(result):
    """`map` of random prototypes by (prototypes, labelled images)."""
    return {
        (cell["n_prototypes"], cell["n_train"]): cell["map"]
        for cell in result.tables["grid"]
        if cell["row"] == "gaussian"
    }


def test_constant_scores_reach_the_prevalence_of_cub(birds, result):
    (constant,) = [row for row in result.headline if row["row"] == "constant"]
    assert 0.08 < constant["map"] < 0.12
    assert constant["map"] == pytest.approx(birds.present_nt[HALF:].mean(), abs=0.002)


def test_random_prototypes_pass_chance_as_far_as_the_corrected_table_says(result):
    (gaussian,) = [row for row in result.headline if row["row"] == "gaussian"]
    assert 0.15 < gaussian["map"] < 0.35
    assert gaussian["ap_p05_traits"] < 0.02 < 0.4 < gaussian["ap_p95_traits"]


def test_more_prototypes_help_only_with_many_labelled_images(result):
    found = cells(result)
    assert found[128, HALF] < found[512, HALF] < found[K, HALF]
    assert found[K, 16] < found[K, 64] < found[K, 256] < found[K, HALF]
    assert found[K, HALF] - found[128, HALF] > 2 * abs(found[K, 16] - found[128, 16])


def test_sixteen_labelled_images_are_close_to_chance(result):
    (constant,) = [row for row in result.headline if row["row"] == "constant"]
    found = cells(result)
    assert found[K, 16] - constant["map"] < 0.35 * (found[K, HALF] - constant["map"])


def test_labels_that_say_certain_instead_of_present_are_refused(split, birds):
    certain_nt = birds.certainty_nt >= 3
    assert certain_nt.mean() == pytest.approx(0.83, abs=0.01)
    with pytest.raises(DataError, match=r"mean prevalence of 0\.83.*`annotated`"):
        RetrievalProbe(RetrievalConfig())(*halves(split, birds, certain_nt), seed=0)
