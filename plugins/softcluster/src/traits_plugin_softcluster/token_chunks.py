"""Chunks of token activations as NPZ files, read a block of sequences at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traits_core import DataError
from traits_plugin_softcluster.npz_members import open_member, open_npz, read_array


@attrs.frozen(eq=False)
class TokenBlock:
    """Some whole sequences of one chunk.

    Parameters
    ----------
    start: index of the first of them in the chunk
    acts_bsd: activations, in the stored dtype
    mask_bs: bool, which positions are tokens
    tokens_bs: their ids
    """

    start: int
    acts_bsd: NDArray[Any]
    mask_bs: NDArray[np.bool_]
    tokens_bs: NDArray[np.int64]

    def rows(self, device: torch.device) -> Tensor:
        """The activations [N, D] of the tokens, float32, in the order of the chunk."""
        return torch.from_numpy(self.acts_bsd[self.mask_bs].astype(np.float32)).to(device)


@attrs.frozen(eq=False)
class TokenChunk:
    """An NPZ file with `activations` [B, S, D], `attention_mask` [B, S] and `token_ids` [B, S].

    Without an attention mask every position is a token. Mask and ids are held; activations never.
    """

    path: Path
    d_model: int
    mask_bs: NDArray[np.bool_]
    tokens_bs: NDArray[np.int64]

    @classmethod
    def open(cls, path: Path) -> TokenChunk:
        """Read all but the activations; raises DataError when the shapes do not fit together."""
        with open_npz(path) as archive:
            with open_member(archive, "activations") as member:
                shape, dtype = member.shape, member.dtype
            if len(shape) != 3 or 0 in shape or dtype.kind != "f":
                raise DataError(
                    f"{path}: activations must be floating-point [batch, sequence, d_model], "
                    f"got {dtype} {shape}"
                )
            tokens = read_array(archive, "token_ids")
            mask = np.ones(shape[:2], np.bool_)
            if "attention_mask.npy" in archive.namelist():
                mask = read_array(archive, "attention_mask")
        for name, array in (("token_ids", tokens), ("attention_mask", mask)):
            if array.shape != shape[:2] or array.dtype.kind not in "biu":
                raise DataError(
                    f"{path}: {name} must be integers {shape[:2]} beside activations {shape}, "
                    f"got {array.dtype} {array.shape}"
                )
        if (tokens[mask.astype(np.bool_)] < 0).any():
            raise DataError(f"{path}: token_ids of tokens are negative: mask these positions")
        return cls(path, shape[2], mask.astype(np.bool_), tokens.astype(np.int64))

    @property
    def n_tokens(self) -> int:
        """How many positions are tokens."""
        return int(self.mask_bs.sum())

    def blocks(self, n_rows: int) -> Iterator[TokenBlock]:
        """All sequences in order, in blocks of at most `n_rows` positions, one sequence at least."""
        n_sequences, length = self.mask_bs.shape
        step = max(1, n_rows // length)
        with open_npz(self.path) as archive, open_member(archive, "activations") as member:
            if member.shape != (n_sequences, length, self.d_model):
                raise DataError(f"{self.path} has changed since it was opened: start again")
            for start in range(0, n_sequences, step):
                stop = min(start + step, n_sequences)
                acts_bsd = member.rows(stop - start)
                part = slice(start, stop)
                yield TokenBlock(start, acts_bsd, self.mask_bs[part], self.tokens_bs[part])


def open_chunks(paths: Sequence[Path]) -> list[TokenChunk]:
    """Open chunks of one model; raises DataError for none, and for different widths."""
    chunks = [TokenChunk.open(path) for path in paths]
    widths = sorted({chunk.d_model for chunk in chunks})
    if len(widths) != 1:
        what = f"have widths {widths}" if widths else "are missing"
        raise DataError(f"the chunks {what}: name NPZ files of activations of one layer")
    return chunks
