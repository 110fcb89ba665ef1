"""The one file that `emoji` is packed in: WebP pictures, bit-packed labels, names; no pickle."""

from __future__ import annotations

import io
import json
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray


@attrs.frozen(kw_only=True, eq=False)
class EmojiFile:
    """All emoji in CLDR order.

    Parameters
    ----------
    pictures: a lossless WebP file per emoji, 64x64 RGB on white
    labels_nt: bool [emoji, traits]
    test_n: bool [emoji], True for the test split
    hexcodes: code points in upper-case hex, joined by `-`
    captions: CLDR short names
    bases: name of the group of variants that an emoji belongs to; no group is in both splits
    traits: name per trait, `<group>::<published value>`
    groups: `group`, `subgroup` or `tag` per trait
    sources: source package to SHA-256 of its archive
    """

    pictures: tuple[bytes, ...]
    labels_nt: NDArray[np.bool_]
    test_n: NDArray[np.bool_]
    hexcodes: tuple[str, ...]
    captions: tuple[str, ...]
    bases: tuple[str, ...]
    traits: tuple[str, ...]
    groups: tuple[str, ...]
    sources: dict[str, str]

    def pack(self) -> bytes:
        """Return the contents of an .npz file with five plain arrays."""
        names = {field: getattr(self, field) for field in NAMES}
        arrays: dict[str, Any] = {
            "pictures": np.frombuffer(b"".join(self.pictures), np.uint8),
            "ends": np.cumsum([len(picture) for picture in self.pictures]),
            "labels": np.packbits(self.labels_nt, axis=1),
            "test": self.test_n,
            "names": np.frombuffer(json.dumps(names, ensure_ascii=False).encode(), np.uint8),
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def unpack(cls, content: bytes) -> EmojiFile:
        """Read what `pack` returned."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            names = json.loads(arrays["names"].tobytes())
            pictures, ends = arrays["pictures"].tobytes(), arrays["ends"].tolist()
            labels_nt = np.unpackbits(arrays["labels"], axis=1, count=len(names["traits"]))
            return cls(
                pictures=tuple(
                    pictures[start:end] for start, end in zip([0, *ends], ends, strict=False)
                ),
                labels_nt=labels_nt.astype(bool),
                test_n=arrays["test"],
                sources=names.pop("sources"),
                **{field: tuple(values) for field, values in names.items()},
            )


NAMES = ("hexcodes", "captions", "bases", "traits", "groups", "sources")
