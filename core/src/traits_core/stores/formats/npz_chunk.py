"""One token chunk: activations [B, T, D], attention_mask [B, T], token_ids [B, T]."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import StoreError
from traits_core.stores.formats.npz_file import Member, NpzFile, open_npz

ACTIVATIONS: Final = "activations"
MASK: Final = "attention_mask"
TOKENS: Final = "token_ids"
BFLOAT16: Final = "bfloat16"
_FLOATS: Final = {2: "float16", 4: "float32", 8: "float32"}


@attrs.frozen(kw_only=True)
class Chunk:
    """What the headers of one file say, and how many tokens its mask keeps.

    Parameters
    ----------
    path: the file
    shape: of `activations`
    dtype: what its values are stored as when read: float64 becomes float32
    kept: tokens whose mask is not 0
    contents: the CRC-32 of each array
    """

    path: Path
    shape: tuple[int, int, int]
    dtype: str
    kept: int
    contents: str

    @property
    def whole(self) -> bool:
        """True when nothing is masked."""
        return self.kept == self.shape[0] * self.shape[1]


def describe_chunk(path: Path, declared: str | None) -> Chunk:
    """Read headers and mask of a chunk.

    Parameters
    ----------
    declared: `dtype` in metadata.json: integers are bfloat16 only when it says so

    Raises StoreError when an array is missing or damaged, or shapes or dtypes make no chunk.
    """
    with open_npz(path) as npz:
        activations, mask, tokens = _members(npz)
        kept = int(_load_mask(npz, mask).sum())
    b, t, d = activations.header.shape
    present = [member for member in (activations, mask, tokens) if member]
    return Chunk(
        path=path,
        shape=(b, t, d),
        dtype=_stored_dtype(path, activations.header.dtype, declared),
        kept=kept,
        contents=" ".join(f"{member.name}:{member.crc:08x}" for member in present),
    )


def load_rows(chunk: Chunk) -> NDArray[Any]:
    """The kept tokens [kept, D] of a chunk in order, in the stored dtype (bfloat16 as uint16)."""
    with open_npz(chunk.path) as npz:
        activations, mask, _ = _members(npz)
        acts_btd = npz.load(activations)
        keep_bt = _load_mask(npz, mask)
    if activations.header.shape != chunk.shape or int(keep_bt.sum()) != chunk.kept:
        raise StoreError(f"{chunk.path} has changed since it was opened")
    if chunk.dtype == BFLOAT16:
        bits_btd = acts_btd.view(">u2" if activations.header.dtype.byteorder == ">" else "<u2")
        return _kept(bits_btd, keep_bt).astype("<u2", copy=False)
    rows_nd = _kept(acts_btd, keep_bt)
    try:
        with np.errstate(over="raise"):
            return rows_nd.astype("<f2" if chunk.dtype == "float16" else "<f4", copy=False)
    except FloatingPointError as error:
        raise StoreError(f"{chunk.path}: a float64 is too large for float32") from error


def load_index(chunk: Chunk) -> NDArray[np.int64]:
    """Sequence within the chunk, position in it, token id (-1 when unknown) of the kept tokens: [kept, 3]."""
    with open_npz(chunk.path) as npz:
        _, mask, tokens = _members(npz)
        keep_bt = _load_mask(npz, mask)
        ids_bt = npz.load(tokens) if tokens else np.full(keep_bt.shape, -1)
    sequence_n, position_n = np.nonzero(keep_bt)
    columns = (sequence_n, position_n, ids_bt[keep_bt].astype(np.int64))
    return np.stack(columns, axis=1).astype(np.int64)


def _members(npz: NpzFile) -> tuple[Member, Member, Member | None]:
    """The three arrays, whose sizes are in proportion: nothing else of the file is ever read."""
    activations, mask, tokens = (npz.member(name) for name in (ACTIVATIONS, MASK, TOKENS))
    if activations is None or mask is None:
        missing = ACTIVATIONS if activations is None else MASK
        raise StoreError(f"{npz.path}: array {missing!r} is missing")
    if len(activations.header.shape) != 3 or 0 in activations.header.shape:
        raise StoreError(
            f"{npz.path}: {ACTIVATIONS} must be [B, T, D], got {activations.header.shape}"
        )
    activations.refuse_bomb(npz.path)
    for member in (mask, tokens):
        if member and member.header.shape != activations.header.shape[:2]:
            raise StoreError(
                f"{npz.path}: {member.name} must be {activations.header.shape[:2]}, got {member.header.shape}"
            )
        if member and (member.header.dtype.kind not in "biuf" or member.header.dtype.itemsize > 8):
            raise StoreError(
                f"{npz.path}: {member.name} must be numbers, got {member.header.dtype}"
            )
    if tokens and tokens.header.dtype.kind not in "iu":
        raise StoreError(f"{npz.path}: {TOKENS} must be integers, got {tokens.header.dtype}")
    return activations, mask, tokens


def _load_mask(npz: NpzFile, member: Member) -> NDArray[np.bool_]:
    mask_bt = npz.load(member)
    keep_bt: NDArray[np.bool_] = mask_bt == 1
    if not np.all(keep_bt | (mask_bt == 0)):
        raise StoreError(f"{npz.path}: {MASK} must be 0 or 1 everywhere")
    return keep_bt


def _kept(acts_btd: NDArray[Any], keep_bt: NDArray[np.bool_]) -> NDArray[Any]:
    """Kept rows; without a copy when all are."""
    if keep_bt.all():
        return acts_btd.reshape(-1, acts_btd.shape[2])
    return acts_btd[keep_bt]


def _stored_dtype(path: Path, dtype: np.dtype[Any], declared: str | None) -> str:
    """numpy has no bfloat16: it is void of two bytes, or an integer that metadata must explain."""
    says_bfloat16 = (declared or "").removeprefix("torch.") == BFLOAT16
    if dtype.kind == "f" and dtype.itemsize in _FLOATS:
        return _FLOATS[dtype.itemsize]
    if dtype.itemsize == 2 and dtype.names is None:
        if dtype.kind == "V" and (says_bfloat16 or declared is None):
            return BFLOAT16
        if dtype.kind in "iu" and says_bfloat16:
            return BFLOAT16
    raise StoreError(
        f"{path}: activations are {dtype}, and metadata.json says dtype {declared!r}: float16, "
        'float32, float64, two bytes of void, or 16-bit integers with "dtype": "bfloat16" can be read'
    )
