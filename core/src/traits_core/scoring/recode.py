"""Stores of scores in another form: all of a row, those above a threshold, or the largest of these."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import attrs
import torch

from traits_core.config.run_config import Choice, RunOptions
from traits_core.errors import ConfigError, DataError
from traits_core.progress import Progress
from traits_core.protocols import ScoreMatrix
from traits_core.scoring.keeping import PROTOTYPES, VALUES
from traits_core.scoring.largest import largest
from traits_core.scoring.matrix import StoredTopK, open_scores
from traits_core.stores.convert import refuse_overlap, write_rows
from traits_core.stores.extras import WithExtras
from traits_core.stores.foreign import OpenStore
from traits_core.stores.header import ArraySpec, KeptScores
from traits_core.stores.protocols import Storage
from traits_core.stores.reader import Store

if TYPE_CHECKING:
    from torch import Tensor


@attrs.frozen(kw_only=True)
class ScoreForm:
    """Which scores of a row are asked for.

    Parameters
    ----------
    form: `top-k`, `threshold`, or `dense`: what the source has, in rows of full length
    k: of `top-k`; None: the source's, else 32
    tau: of `top-k` and `threshold`; None: the source's, else 0

    Raises ConfigError for an option that the form does not have, and for a value that it cannot have.
    """

    form: str
    k: int | None = None
    tau: float | None = None

    def __attrs_post_init__(self) -> None:
        if self.k is not None and (self.form != "top-k" or self.k < 1):
            raise ConfigError(f"--scores-k {self.k}: at least 1, and only for --scores top-k")
        if self.tau is not None and (self.form == "dense" or not math.isfinite(self.tau)):
            raise ConfigError(
                f"--scores-tau {self.tau:g}: finite, and only for --scores top-k or threshold"
            )


def recode(
    source: OpenStore,
    root: Path,
    target: Choice,
    wanted: ScoreForm,
    dtype: str | None,
    progress: Progress,
) -> Path:
    """Write those scores of `source` that are `wanted` to `root`; return it.

    The header is that of the source but for `kept` and how rows lie. A recoding that was killed goes on
    when called again. Memory: a chunk of rows in full length, and two shards of the target.

    Parameters
    ----------
    source: a store of scores
    root: a new or empty directory, or one that this same recoding has begun
    target: a storage, with its options
    dtype: `float32`, `float16` or `bfloat16`; None keeps the source's, and is float32 for `top-k`

    Raises ConfigError when `target` is a format; DataError when `source` is no store of scores, lacks
    some that are wanted, or would keep none; and what reading and writing raise.
    """
    store, old = source.store, source.store.header
    if old.kind != "scores":
        raise DataError(f"{store.root} holds {old.kind}: --scores is for stores of scores")
    if target.spec.kind == "format":
        raise ConfigError(f"--to {target.spec.name} holds activations: choose a storage for scores")
    refuse_overlap(store.root, root)
    recoding = _Recoding.of(store, wanted)
    storage: Storage = target.build()
    arrays = recoding.arrays()
    layout = storage.plan(old.kind, old.rows, old.positions, arrays)
    header = attrs.evolve(
        old,
        storage=target.spec.name,
        dtype=dtype or ("float32" if wanted.form == "top-k" else old.dtype),
        arrays=arrays,
        kept=recoding.kept,
        **attrs.asdict(layout),
    )
    step = min(old.chunk_rows, header.chunk_rows)
    write_rows(root, header, WithExtras(storage, source.extras), recoding.read, step, progress)
    return root


@attrs.frozen(kw_only=True, eq=False)
class _Recoding:
    """The rows of a store of scores, as another store keeps them.

    Parameters
    ----------
    scores: by scorer
    kept: for the header of the other store
    k: scores of a row in it; None when its rows have full length
    rise: how much larger its tau is
    """

    store: Store
    scores: Mapping[str, ScoreMatrix]
    kept: KeptScores | None
    k: int | None
    rise: float

    @classmethod
    def of(cls, store: Store, wanted: ScoreForm) -> Self:
        """Raises DataError when `store` lacks scores that are wanted, or none is large enough."""
        had, scores = store.header.kept, open_scores(store)
        if wanted.form == "dense":
            kept = attrs.evolve(had, form="dense") if had and had.form == "top-k" else had
            return cls(store=store, scores=scores, kept=kept, k=None, rise=0.0)
        numbers = {matrix.n_prototypes for matrix in scores.values()}
        if len(numbers) > 1:
            raise DataError(
                f"{store.root} has scores of {sorted(numbers)} prototypes: a store that keeps some of "
                "the scores needs as many of each. Choose arrays with --layers"
            )
        n, old_k = numbers.pop(), _width(store)
        old_tau = had.tau if had else 0.0
        tau = old_tau if wanted.tau is None else wanted.tau
        k = min(wanted.k or old_k or RunOptions().scores_k, n) if wanted.form == "top-k" else None
        if had:
            _refuse_lost(store, had, tau, k)
        if had is None or tau > old_tau:
            _refuse_nothing(store, tau, old_tau)
        kept = KeptScores(form=wanted.form, tau=tau, n_prototypes=n)
        return cls(store=store, scores=scores, kept=kept, k=k, rise=tau - old_tau)

    def arrays(self) -> tuple[ArraySpec, ...]:
        """What the other store has of each scorer."""
        arrays = []
        for name, matrix in self.scores.items():
            old = self.store.array(name + VALUES if isinstance(matrix, StoredTopK) else name)
            if self.k is None:
                arrays.append(attrs.evolve(old, name=name, columns=matrix.n_prototypes))
            else:
                arrays += [
                    attrs.evolve(old, name=name + part, columns=self.k)
                    for part in (VALUES, PROTOTYPES)
                ]
        return tuple(arrays)

    def read(self, start: int, stop: int) -> dict[str, Tensor]:
        """Rows [start, stop) of each of its arrays."""
        rows: dict[str, Tensor] = {}
        for name, matrix in self.scores.items():
            if self.k is None:
                rows[name] = self._above(torch.from_numpy(matrix.rows(start, stop)))
                continue
            values_bj, prototypes_bj = self._largest(name, matrix, start, stop, self.k)
            values_bj = self._above(values_bj)
            rows[name + VALUES] = values_bj
            rows[name + PROTOTYPES] = prototypes_bj.masked_fill(values_bj == 0, 0).float()
        return rows

    def _largest(
        self, name: str, matrix: ScoreMatrix, start: int, stop: int, k: int
    ) -> tuple[Tensor, Tensor]:
        """The k largest scores of each row and whose they are; a top-k row has them first."""
        if isinstance(matrix, StoredTopK):
            values_bj, prototypes_bj = (
                self.store.read(name + part, start, stop, slice(0, k))
                for part in (VALUES, PROTOTYPES)
            )
            return values_bj, prototypes_bj
        return largest(torch.from_numpy(matrix.rows(start, stop)), k)

    def _above(self, scores_bk: Tensor) -> Tensor:
        return (scores_bk - self.rise).clamp_(min=0) if self.kept else scores_bk


def _width(store: Store) -> int | None:
    """How many scores of a row a store of the largest keeps; None of any other."""
    kept = store.header.kept
    return store.header.arrays[0].columns if kept and kept.form == "top-k" else None


def _refuse_lost(store: Store, had: KeptScores, tau: float, k: int | None) -> None:
    """Raise DataError when the scores above `tau`, or the k largest of these, are not all there."""
    old_k = _width(store)
    if had.form == "dense":
        lost = "was filled up with zeros, and does not say where: convert the store that it was made of"
    elif tau < had.tau:
        lost = f"has no scores below tau = {had.tau:g}: choose --scores-tau {had.tau:g} or more"
    elif old_k and k is None:
        lost = f"has the {old_k} largest scores of a row alone: choose --scores top-k or dense"
    elif old_k and k and k > old_k:
        lost = f"has the {old_k} largest scores of a row alone: choose --scores-k {old_k} or fewer"
    else:
        return
    raise DataError(f"{store.root} {lost}")


def _refuse_nothing(store: Store, tau: float, old_tau: float) -> None:
    """Raise DataError when a scorer has no score above `tau`, by what the manifest says of them."""
    for name in open_scores(store):
        array = name + VALUES if _width(store) else name
        highest = old_tau + max(commit.arrays[array].max for commit in store.shards)
        if highest <= tau:
            raise DataError(
                f"no score of {name!r} in {store.root} is above --scores-tau {tau:g}: they reach "
                f"{highest:g}. Choose a lower tau"
            )
