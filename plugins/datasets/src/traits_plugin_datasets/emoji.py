"""The dataset `emoji`: Noto Emoji drawings with the attributes that Unicode CLDR publishes for them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traits_core import Example, PositionLabels, TraitLabels
from traits_plugin_datasets.config import EmojiConfig
from traits_plugin_datasets.emoji_file import EmojiFile
from traits_plugin_datasets.resources import read_resource
from traits_plugin_datasets.selection import SPLITS, content_digest, known_split, split_rows

FILE: Final = "emoji.npz"
SHA256: Final = "ac8dac08453765caa363734f42d8d9fb89b82365729895ba6a5408afc72bf097"


class Emoji:
    """1,911 drawings of 64x64 pixels on white, in CLDR order, with 128 binary traits.

    Variants of one drawing (genders, skin, hair, directions, pictures that are identical) are in the
    same split.
    """

    def __init__(self, config: EmojiConfig) -> None:
        self._limit = config.limit
        self._file = EmojiFile.unpack(read_resource(FILE, SHA256))

    @property
    def digest(self) -> str:
        """Made from the data file's SHA-256 and the limit."""
        return content_digest(SHA256, self._limit)

    @property
    def splits(self) -> Sequence[str]:
        """`train` (956 examples) and `test` (955)."""
        return SPLITS

    def examples(self, split: str) -> Sequence[Example]:
        """The drawings of a split, decoded on access; an id is the emoji's code points in hex."""
        return _Examples(self._file, self._rows(split))

    def traits(self, split: str) -> TraitLabels:
        """The traits in the order of `examples(split)`; a group is `group`, `subgroup` or `tag`."""
        return TraitLabels(
            labels_nt=self._file.labels_nt[self._rows(split)],
            names=self._file.traits,
            groups=self._file.groups,
        )

    def position_labels(self, split: str) -> PositionLabels | None:
        """None: there are no labels of positions."""
        known_split("emoji", split)
        return None

    def _rows(self, split: str) -> NDArray[np.intp]:
        return split_rows("emoji", split, self._file.test_n, self._limit)


class _Examples(Sequence[Example]):
    """Some rows of the file as examples."""

    def __init__(self, file: EmojiFile, rows: NDArray[np.intp]) -> None:
        self._file, self._rows = file, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        if isinstance(index, slice):
            return _Examples(self._file, self._rows[index])
        row = self._rows[index]
        with Image.open(io.BytesIO(self._file.pictures[row])) as picture:
            image = np.array(picture.convert("RGB"))
        return Example(id=self._file.hexcodes[row], image=image, caption=self._file.captions[row])
