"""Whether a checkpoint is of the method that is asked to go on from it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from traits_core.errors import StoreError


def check_state(mine: Mapping[str, Tensor], state: Mapping[str, Tensor], what: str) -> None:
    """Compare names and shapes of the tensors of a method with those of a checkpoint.

    Parameters
    ----------
    mine: of the method, built with its options
    state: of the checkpoint
    what: the method, as in `k-means with 8 clusters of 3 dimensions`

    Raises StoreError, which names the tensors that differ.
    """
    shapes, theirs = (
        {name: tuple(tensor.shape) for name, tensor in tensors.items()} for tensors in (mine, state)
    )
    if shapes != theirs:
        wrong = sorted({name for name, _ in shapes.items() ^ theirs.items()})
        raise StoreError(
            f"not a checkpoint of {what}: {', '.join(wrong)} differ; "
            "train with the options that it was written with, or start a new run"
        )
