"""The dataset `digits`, checked against scikit-learn."""

import numpy as np
from sklearn.datasets import load_digits

from traits_plugin_datasets.config import DigitsConfig
from traits_plugin_datasets.digits import Digits


def test_pictures_and_labels_are_those_of_scikit_learn():
    digits, published = Digits(DigitsConfig()), load_digits()
    seen = []
    for split in digits.splits:
        labels_nt = digits.traits(split).labels_nt
        for row, example in enumerate(digits.examples(split)):
            n = int(example.id)
            seen.append(n)
            assert labels_nt[row].tolist() == [d == published.target[n] for d in range(10)]
            assert (example.image == example.image[:, :, :1]).all()
            assert np.abs(example.image[:, :, 0] / 255 * 16 - published.images[n]).max() < 0.04
    assert sorted(seen) == list(range(1797))


def test_pictures_are_eight_bit_rgb():
    image = Digits(DigitsConfig(limit=1)).examples("train")[0].image
    assert image.shape == (8, 8, 3)
    assert image.dtype == np.uint8


def test_splits_are_halves_of_every_digit():
    digits = Digits(DigitsConfig())
    train, test = (digits.traits(split).labels_nt.sum(axis=0) for split in digits.splits)
    assert set((train - test).tolist()) <= {0, 1}


def test_limit_changes_the_digest_and_the_size():
    few = Digits(DigitsConfig(limit=40))
    assert [len(few.examples(split)) for split in few.splits] == [40, 40]
    assert len({few.digest, Digits(DigitsConfig()).digest}) == 2
    assert few.digest == Digits(DigitsConfig(limit=40)).digest
