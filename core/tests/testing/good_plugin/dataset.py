"""Pictures of one colour; the traits say which."""

from __future__ import annotations

import hashlib

import numpy as np

from traits_core import DataError, Example, PositionLabels, TraitLabels

SPLITS = ("train", "test")


class GoodDataset:
    splits = SPLITS

    def __init__(self, config):
        self.config = config

    @property
    def digest(self):
        return hashlib.sha256(f"good {self.config.n}".encode()).hexdigest()

    def colours(self, split):
        if split not in SPLITS:
            raise DataError(f"no split {split!r}: choose from {', '.join(SPLITS)}")
        rng = np.random.default_rng(SPLITS.index(split))
        return rng.integers(0, 256, (self.config.n, 3), np.uint8)

    def examples(self, split):
        return [
            Example(id=f"{split}-{i}", image=np.tile(colour, (8, 8, 1)))
            for i, colour in enumerate(self.colours(split))
        ]

    def traits(self, split):
        labels_nt = self.colours(split) > 127
        return TraitLabels(
            labels_nt=labels_nt, names=("red", "green", "blue"), groups=("colour",) * 3
        )

    def position_labels(self, split):
        brightest_n = self.colours(split).argmax(axis=1)
        return PositionLabels(
            labels_np=np.repeat(brightest_n[:, None], 4, axis=1),
            class_names=("red", "green", "blue"),
        )
