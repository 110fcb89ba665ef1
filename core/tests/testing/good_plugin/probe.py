"""Best prototype per trait on train, its average precision on test, by scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score

from traits_core import DataError, ProbeResult

ROWS = ("constant", "permuted", "gaussian", "activations", "method")


class GoodProbe:
    def __init__(self, config):
        self.config = config

    def ap(self, labels_n, scores_n):
        return float(average_precision_score(labels_n, scores_n))

    def blocks(self, matrix):
        for start in range(0, matrix.n_prototypes, self.config.block):
            stop = min(start + self.config.block, matrix.n_prototypes)
            yield from matrix.block(start, stop).T

    def select(self, train, test, labels_n, test_labels_n):
        """The prototype that is best on train."""
        aps_k = [self.ap(labels_n, scores_n) for scores_n in self.blocks(train)]
        return int(np.argmax(aps_k))

    def measured(self, train, test, labels_nt, test_labels_nt):
        """Average precision on test, per trait."""
        self.check(train, labels_nt)
        self.check(test, test_labels_nt)
        aps_t = []
        for t in range(labels_nt.shape[1]):
            best = self.select(train, test, labels_nt[:, t], test_labels_nt[:, t])
            aps_t.append(self.ap(test_labels_nt[:, t], test.block(best, best + 1)[:, 0]))
        return aps_t

    def check(self, matrix, labels_nt):
        if matrix.n_examples != len(labels_nt):
            raise DataError("scores and labels are of other examples")
        if any(np.isnan(scores_n).any() for scores_n in self.blocks(matrix)):
            raise DataError("scores are NaN")

    def permuted(self, labels_nt, rng):
        return rng.permutation(labels_nt)

    def generator(self, seed):
        return np.random.default_rng(seed)

    def row(self, name, aps_t):
        return {"row": name, "map": float(np.mean(aps_t)), "n_traits": len(aps_t)}

    def __call__(self, train, test, seed):
        if train.traits.names != test.traits.names:
            raise DataError("train and test have other traits")
        rng = self.generator(seed)
        labels = train.traits.labels_nt, test.traits.labels_nt
        found = {
            name: self.measured(train.scores[name], test.scores[name], *labels)
            for name in train.scores
        }
        found["constant"] = list(labels[1].mean(axis=0))
        shuffled = [self.permuted(labels_nt, rng) for labels_nt in labels]
        found["permuted"] = self.measured(train.scores["method"], test.scores["method"], *shuffled)
        headline = tuple(self.row(name, found[name]) for name in ROWS)
        traits = tuple(
            {"row": name, "trait": trait, "ap": ap}
            for name in ("method", "permuted")
            for trait, ap in zip(test.traits.names, found[name], strict=True)
        )
        return ProbeResult(headline=headline, tables={"traits": traits})
