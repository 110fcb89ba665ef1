"""Texts whose tokens are shaded by the scores of a prototype."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@attrs.frozen(kw_only=True)
class Piece:
    """A part of a text: a token with its heat in [0, 1], or what is between tokens, without any."""

    text: str
    heat: float | None = None
    hottest: bool = False


def pieces(
    text: str,
    spans: tuple[tuple[int, int], ...],
    heat_p: NDArray[np.float32],
    low: float,
    high: float,
) -> tuple[Piece, ...]:
    """Cut `text` into its tokens and what is between them; all pieces together are the text.

    Parameters
    ----------
    spans: (start, end) characters of each token, rising
    heat_p: the score of each token; one that is not finite has no heat
    low, high: scores whose heat is 0 and 1
    """
    unit_p = (heat_p.clip(low, high) - low) / (high - low or 1.0)
    finite_p = np.isfinite(heat_p)
    hottest = int(np.argmax(np.where(finite_p, heat_p, -np.inf))) if finite_p.any() else None
    found, place = [], 0
    for position, (start, end) in enumerate(spans[: len(heat_p)]):
        found.append(Piece(text=text[place:start]))
        heat = round(float(unit_p[position]), 3) if finite_p[position] else None
        found.append(
            Piece(text=text[max(start, place) : end], heat=heat, hottest=position == hottest)
        )
        place = max(end, place)
    return tuple(piece for piece in (*found, Piece(text=text[place:])) if piece.text)
