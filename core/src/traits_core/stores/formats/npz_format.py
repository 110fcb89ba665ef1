"""Token activations in .npz chunks: `chunks/chunk_0000.npz` and so on, beside `metadata.json`.

Rows are the tokens that the masks keep. When nothing is masked, every sequence has T positions;
otherwise every row is an example of its own, and the extra `index` says which token it is.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from traits_core.errors import StoreError
from traits_core.records import FeatureSpec
from traits_core.stores.foreign import INDEX, Extra, ForeignStore, OpenStore
from traits_core.stores.formats.files import read_json
from traits_core.stores.formats.layout import chunked
from traits_core.stores.formats.npz_chunk import Chunk, describe_chunk
from traits_core.stores.formats.npz_config import NpzConfig
from traits_core.stores.formats.npz_reader import NpzReader
from traits_core.stores.formats.origin import ORIGIN_FILE, read_origin
from traits_core.stores.header import ARRAY_NAME, ArraySpec, StoreHeader

if TYPE_CHECKING:
    from traits_core.progress import Progress

CHUNKS: Final = "chunks"
METADATA: Final = "metadata.json"
_CHUNK: Final = re.compile(r"chunk_([0-9]{4,9})\.npz\Z")


@attrs.frozen
class NpzFormat:
    """Folders of token chunks, one layer each."""

    config: NpzConfig

    def recognizes(self, root: Path) -> bool:
        """True for a directory with `chunks/chunk_0000.npz`."""
        return (root / CHUNKS / chunk_name(0)).is_file()

    def open(self, root: Path) -> ForeignStore:
        """Read every chunk's headers and mask. Memory of a reader: two chunks.

        Raises StoreError when a chunk is missing or damaged, or differs from the first.
        """
        metadata = _read_metadata(root)
        declared = metadata.get("dtype")
        chunks = tuple(describe_chunk(path, declared) for path in _chunk_files(root))
        for chunk in chunks:
            if (chunk.shape[2], chunk.dtype) != (chunks[0].shape[2], chunks[0].dtype):
                raise StoreError(
                    f"{chunk.path}: {chunk.dtype} of d_model {chunk.shape[2]}; "
                    f"{chunks[0].path.name} has {chunks[0].dtype} of {chunks[0].shape[2]}"
                )
        _refuse_lost_chunks(root, chunks, metadata)
        if not sum(chunk.kept for chunk in chunks):
            raise StoreError(f"{root}: every token is masked: nothing can be read")
        reader = NpzReader(chunks)
        rows = reader.starts[-1]
        index = Extra(shape=(rows, 3), dtype=np.dtype("<i8"), read=reader.index)
        return ForeignStore(
            header=_header(root, chunks, metadata),
            reader=reader,
            extras={INDEX: index},
            notes=_notes(chunks),
        )

    def write(self, root: Path, source: OpenStore, dtype: str | None, progress: Progress) -> Path:
        """Write `source` as token chunks to `root`; see `write_npz`."""
        from traits_core.stores.formats.npz_export import write_npz

        return write_npz(root, source, dtype, self.config, progress)


def chunk_name(chunk: int) -> str:
    """File name of a chunk."""
    return f"chunk_{chunk:04}.npz"


def _read_metadata(root: Path) -> dict[str, Any]:
    """The texts and numbers of `metadata.json`, as text; nothing when there is none."""
    path = root / METADATA
    if not path.exists() and not path.is_symlink():
        return {}
    facts = read_json(path)
    if not isinstance(facts, dict):
        raise StoreError(f"{path}: must be a JSON object")
    return {key: str(value) for key, value in facts.items() if isinstance(value, (str, int))}


def _chunk_files(root: Path) -> list[Path]:
    """The chunks from 0 on, none missing."""
    if not (root / CHUNKS).is_dir():
        raise StoreError(f"{root / CHUNKS} is missing")
    numbers = {
        int(found[1]): path
        for path in (root / CHUNKS).iterdir()
        if (found := _CHUNK.match(path.name))
    }
    files = [path for _, path in sorted(numbers.items())]
    for i, path in enumerate(files):
        if path.name != chunk_name(i):
            raise StoreError(f"{root / CHUNKS}: {chunk_name(i)} is missing, {path.name} is there")
    return files


def _refuse_lost_chunks(root: Path, chunks: tuple[Chunk, ...], metadata: dict[str, str]) -> None:
    """The last chunk is missed only where we wrote the metadata: others count what they like."""
    found = sum(chunk.shape[0] for chunk in chunks)
    written = metadata.get("n_sequences", str(found))
    if (root / ORIGIN_FILE).exists() and written != str(found):
        raise StoreError(f"{root / CHUNKS}: {found} sequences, {METADATA} says {written}")


def _notes(chunks: tuple[Chunk, ...]) -> dict[str, str]:
    places = sum(chunk.shape[0] * chunk.shape[1] for chunk in chunks)
    masked = places - sum(chunk.kept for chunk in chunks)
    sequences = sum(chunk.shape[0] for chunk in chunks)
    return {
        "chunks": f"{len(chunks)}, {sequences} sequences",
        "masked": f"{masked} of {places} tokens, which are no rows",
    }


def _header(root: Path, chunks: tuple[Chunk, ...], metadata: dict[str, str]) -> StoreHeader:
    length, columns = chunks[0].shape[1:]
    fixed = all(chunk.whole and chunk.shape[1] == length for chunk in chunks)
    positions = length if fixed else 1
    rows = sum(chunk.kept for chunk in chunks)
    text = "\n".join(f"{chunk.path.name} {chunk.shape} {chunk.contents}" for chunk in chunks)
    contents = hashlib.sha256(text.encode()).hexdigest()
    origin = read_origin(root, 1, columns)
    return StoreHeader(
        kind="activations",
        storage="npz",
        dtype=chunks[0].dtype,
        rows=rows,
        positions=positions,
        **attrs.asdict(chunked(rows, positions, columns, max(chunk.kept for chunk in chunks))),
        arrays=origin.arrays if origin else (_array(metadata, columns),),
        dataset=origin.dataset if origin else metadata.get("dataset", "unknown"),
        dataset_digest=origin.dataset_digest if origin else contents,
        split=origin.split if origin else metadata.get("split", "all"),
        source=contents,
    )


def _array(metadata: dict[str, str], columns: int) -> ArraySpec:
    layer = metadata.get("layer", "")
    return ArraySpec(
        name=layer if ARRAY_NAME.match(layer) else "activations",
        columns=columns,
        feature=FeatureSpec(
            backbone=metadata.get("model", "unknown"),
            checkpoint="unknown",
            layer=layer or "unknown",
            d_model=columns,
            position="token",
            grid=None,
            preprocessing="unknown",
        ),
    )
