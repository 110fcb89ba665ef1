"""Which emoji are variants of one drawing, and which of the two splits each such group goes to."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MODIFIERS = {
    *("FE0F", "200D"),  # presentation, joiner
    *("2640", "2642", "27A1"),  # woman, man, facing right
    *("1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"),  # skin
    *("1F9B0", "1F9B1", "1F9B2", "1F9B3"),  # hair
}
ADULT, CHILD, ELDER = "1F9D1", "1F9D2", "1F9D3"
NEUTRAL = {
    **dict.fromkeys(("1F468", "1F469"), ADULT),
    **dict.fromkeys(("1F466", "1F467"), CHILD),
    **dict.fromkeys(("1F474", "1F475"), ELDER),
}
"""Man and woman, boy and girl, old man and old woman have code points of their own."""

TWINS = {
    "1F46A": "1F9D1-1F9D1-1F9D2",  # family
    "1F46B": "1F9D1-1F91D-1F9D1",  # woman and man, men, women: holding hands
    "1F46C": "1F9D1-1F91D-1F9D1",
    "1F46D": "1F9D1-1F91D-1F9D1",
    "1F48F": "1F9D1-2764-1F48B-1F9D1",  # kiss
    "1F491": "1F9D1-2764-1F9D1",  # couple with heart
    "1F385": "1F9D1-1F384",  # Santa Claus, Mrs. Claus, Mx Claus
    "1F936": "1F9D1-1F384",
    "1F478": "1FAC5",  # princess, prince, person with crown
    "1F934": "1FAC5",
    "1F57A": "1F483",  # man dancing, woman dancing
    "1FAC3": "1F930",  # pregnant man, person, woman
    "1FAC4": "1F930",
    "1F931": "1F9D1-1F37C",  # breast-feeding, feeding a baby
}
"""The same person or people under code points that do not show it."""


def base_of(hexcode: str) -> str:
    """Return the code points that an emoji shares with its variants, joined by `-`.

    A person is what he or she does, whatever the gender, skin, hair or direction; anything else is
    its first code point, but for flags of regions, which are spelt with two letters.
    """
    points = [NEUTRAL.get(point, point) for point in hexcode.split("-") if point not in MODIFIERS]
    if not points:  # a skin tone or a gender sign by itself
        return hexcode
    is_person = points[0] == ADULT
    is_region = points[0].startswith("1F1")
    base = "-".join(points) if is_person or is_region else points[0]
    return TWINS.get(base, base)


def merge_identical(bases: Sequence[str], pictures: Sequence[bytes]) -> tuple[str, ...]:
    """Give bases that share a picture, such as the flags of Norway and Svalbard, one name."""
    parent = {base: base for base in bases}

    def root(base: str) -> str:
        while parent[base] != base:
            base = parent[base]
        return base

    first: dict[bytes, str] = {}
    for base, picture in zip(bases, pictures, strict=True):
        low, high = sorted((root(base), root(first.setdefault(picture, base))))
        parent[high] = low
    return tuple(root(base) for base in bases)


def test_half(bases: Sequence[str], labels_nt: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Halve the emoji by base so that every trait is halved too; return True for the test half.

    Greedy stratification: the largest bases first, equal ones in the order of their SHA-256, each
    to the side that has less of the base's traits, rare traits counting more, and of its size.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for row, base in enumerate(bases):
        members[base].append(row)
    everyone_nt = np.column_stack([labels_nt, np.ones(len(bases), bool)])
    totals = everyone_nt.sum(axis=0).tolist()
    surplus = [0] * len(totals)  # positives in train minus positives in test, per column
    test_n = np.zeros(len(bases), bool)

    def order(base: str) -> tuple[int, str]:
        return -len(members[base]), hashlib.sha256(base.encode()).hexdigest()

    for base in sorted(members, key=order):
        counts = everyone_nt[members[base]].sum(axis=0).tolist()
        columns = zip(counts, surplus, totals, strict=True)
        lean = math.fsum(count * extra / total for count, extra, total in columns)
        to_test = lean > 0
        test_n[members[base]] = to_test
        sign = -1 if to_test else 1
        surplus = [extra + sign * count for extra, count in zip(surplus, counts, strict=True)]
    return test_n
