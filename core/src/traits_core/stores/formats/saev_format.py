"""Activations in saev's shards, protocol 2.1: any layers, and CLS, content or all tokens.

https://github.com/OSU-NLP-Group/saev
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.errors import ConfigError, StoreError
from traits_core.records import FeatureSpec
from traits_core.stores.foreign import LABELS, Extra, ForeignStore, OpenStore
from traits_core.stores.formats.files import fingerprint, open_plain, plain_size
from traits_core.stores.formats.layout import chunked
from traits_core.stores.formats.origin import Origin, read_origin
from traits_core.stores.formats.saev_config import SaevConfig
from traits_core.stores.formats.saev_metadata import (
    METADATA,
    SHARDS,
    Metadata,
    check_shards,
    read_metadata,
    shard_entries,
)
from traits_core.stores.formats.saev_reader import SaevReader
from traits_core.stores.header import ArraySpec, StoreHeader

if TYPE_CHECKING:
    from traits_core.progress import Progress

LABELS_FILE: Final = "labels.bin"
_NUMBER: Final = re.compile(r"(minus(?!0))?(0|[1-9][0-9]{0,8})\Z")
CLS: Final = "cls"
CLS_FIRST: Final = "cls+patch"
"""`FeatureSpec.position` of a store whose examples begin with their CLS token."""


@attrs.frozen
class SaevFormat:
    """saev's shards. Rows are example-major; an array per layer, named by its number."""

    config: SaevConfig

    def recognizes(self, root: Path) -> bool:
        """True for a directory with `metadata.json` and `shards.json`."""
        return (root / METADATA).is_file() and (root / SHARDS).is_file()

    def open(self, root: Path) -> ForeignStore:
        """Check metadata, the list of files and their lengths. Reading an example is one read.

        Raises StoreError when they disagree; ConfigError for CLS tokens where none were kept.
        """
        metadata = read_metadata(root)
        check_shards(root, metadata)
        files = [root / entry.name for entry in shard_entries(metadata)]
        for path in files:
            if plain_size(path) != metadata.shard_bytes:
                raise StoreError(f"{path} must be {metadata.shard_bytes} bytes by {METADATA}")
        if self.config.tokens == "cls" and not metadata.cls_token:
            raise ConfigError(f"{root} has no CLS tokens: --tokens must be content or all")
        origin = read_origin(root, len(metadata.layers), metadata.d_model)
        names = _names(metadata, origin)
        first = int(metadata.cls_token and self.config.tokens == "content")
        positions = 1 if self.config.tokens == "cls" else metadata.tokens - first
        header = _header(metadata, origin, names, positions, self.config.tokens, fingerprint(files))
        reader = SaevReader(root, metadata, names, first, positions)
        return ForeignStore(
            header=header, reader=reader, extras=_labels(root, metadata), notes=_notes(metadata)
        )

    def write(self, root: Path, source: OpenStore, dtype: str | None, progress: Progress) -> Path:
        """Write `root/saev/shards/<digest>`, where saev looks for it; see `write_saev`."""
        from traits_core.stores.formats.saev_export import write_saev

        return write_saev(root, source, dtype, self.config, progress)


def array_name(layer: int) -> str:
    """saev's layer as the name of an array: `-2`, which counts from the end, is `minus2`."""
    return str(layer) if layer >= 0 else f"minus{-layer}"


def layer_number(name: str) -> int | None:
    """The layer that `array_name` calls `name`; None when it is no number."""
    found = _NUMBER.match(name)
    return int(found[2]) * (-1 if found[1] else 1) if found else None


def _names(metadata: Metadata, origin: Origin | None) -> tuple[str, ...]:
    if origin is None:
        return tuple(array_name(layer) for layer in metadata.layers)
    return tuple(array.name for array in origin.arrays)


def _header(
    metadata: Metadata,
    origin: Origin | None,
    names: tuple[str, ...],
    positions: int,
    tokens: str,
    contents: str,
) -> StoreHeader:
    rows = metadata.n_examples * positions
    known = [array.feature for array in origin.arrays] if origin else [None] * len(names)
    return StoreHeader(
        kind="activations",
        storage="saev",
        dtype="float32",
        rows=rows,
        positions=positions,
        **attrs.asdict(chunked(rows, positions, metadata.d_model)),
        arrays=tuple(
            ArraySpec(
                name=name,
                columns=metadata.d_model,
                feature=_feature(metadata, name, tokens, feature),
            )
            for name, feature in zip(names, known, strict=True)
        ),
        dataset=origin.dataset if origin else Path(metadata.dataset).name or "unknown",
        dataset_digest=origin.dataset_digest if origin else contents,
        split=origin.split if origin else "all",
        source=contents,
    )


def _feature(metadata: Metadata, name: str, tokens: str, known: FeatureSpec | None) -> FeatureSpec:
    """What saev's metadata says, or what we once exported; a grid is never guessed."""
    feature = known or FeatureSpec(
        backbone=metadata.family,
        checkpoint=metadata.ckpt,
        layer=name,
        d_model=metadata.d_model,
        position=CLS_FIRST if metadata.cls_token else "patch",
        grid=None,
        preprocessing="unknown",
    )
    if tokens == "cls":
        return attrs.evolve(feature, position=CLS, grid=None)
    if tokens == "content" and metadata.cls_token:
        return attrs.evolve(feature, position="patch")
    return feature


def _notes(metadata: Metadata) -> dict[str, str]:
    content = metadata.content_tokens_per_example
    notes = {
        "tokens": f"{'CLS and ' * metadata.cls_token}{content} content tokens: --tokens chooses",
        "shards": f"{metadata.n_shards} of {metadata.examples_per_shard} examples",
    }
    mixed = min(metadata.layers) < 0 <= max(metadata.layers)
    if mixed or list(metadata.layers) != sorted(metadata.layers):
        notes["warning"] = (
            f"layers {list(metadata.layers)} are read as listed; saev itself wrote them in the order "
            "of the model, whatever the list says"
        )
    return notes


def _labels(root: Path, metadata: Metadata) -> dict[str, Extra]:
    """`labels.bin`, uint8 [examples, content tokens], where there is one."""
    path = root / LABELS_FILE
    if not path.exists() and not path.is_symlink():
        return {}
    content = metadata.content_tokens_per_example
    if plain_size(path) != metadata.n_examples * content:
        raise StoreError(
            f"{path} must be {metadata.n_examples} x {content} bytes, a label per content token"
        )

    def read(start: int, stop: int) -> NDArray[Any]:
        with open_plain(path) as file:
            file.seek(start * content)
            labels = np.frombuffer(file.read((stop - start) * content), np.uint8)
        return labels.reshape(stop - start, content)

    shape = (metadata.n_examples, content)
    return {LABELS: Extra(shape=shape, dtype=np.dtype(np.uint8), read=read)}
