"""Writing shards that saev reads: protocol 2.1, float32, no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import attrs
import numpy as np
from numpy.typing import NDArray

from traits_core.durable import write_json
from traits_core.errors import ConfigError, StoreError
from traits_core.stores.foreign import INDEX, LABELS, OpenStore
from traits_core.stores.formats.origin import write_origin
from traits_core.stores.formats.publish import publishing, read_encoded
from traits_core.stores.formats.saev_config import SaevConfig
from traits_core.stores.formats.saev_format import CLS_FIRST, LABELS_FILE, layer_number
from traits_core.stores.formats.saev_metadata import (
    METADATA,
    PROTOCOL,
    SHARDS,
    Metadata,
    shard_entries,
)
from traits_core.stores.header import ArraySpec

if TYPE_CHECKING:
    from traits_core.progress import Progress

BLOCK_ROWS: Final = 4096


def write_saev(
    root: Path, source: OpenStore, dtype: str | None, config: SaevConfig, progress: Progress
) -> Path:
    """Write `source` to `root/saev/shards/<digest>`: the path that saev insists on, and its name.

    Files are [example, layer, token, d_model]; the last one is padded with zeros to full length. A
    `root` that ends in `saev/shards` is used as it is. Exports stand beside each other there.
    Memory: 4096 rows of every layer.

    Raises ConfigError for another dtype than float32; StoreError for scores, arrays of different
    length, rows that are no whole examples, a `root` that holds anything but `saev`, a directory of
    the export's name, and when the disk fails.
    """
    if dtype not in (None, "float32"):
        raise ConfigError(f"--dtype {dtype}: saev's shards are float32 only, which loses nothing")
    metadata = describe(source, config)
    shards = _shards_below(root)
    shards.mkdir(parents=True, exist_ok=True)
    target = shards / metadata.digest
    with (
        publishing(target, metadata.n_shards * metadata.shard_bytes) as staging,
        progress.track(f"writing {target}", metadata.n_examples, "examples") as advance,
    ):
        write_json(staging / METADATA, attrs.asdict(metadata))
        entries = shard_entries(metadata)
        write_json(staging / SHARDS, [attrs.asdict(entry) for entry in entries])
        write_origin(staging, source.store.header)
        _write_labels(staging, source, metadata)
        for shard, entry in enumerate(entries):
            with (staging / entry.name).open("wb") as file:
                first = shard * metadata.examples_per_shard
                for start, stop in _blocks(first, first + entry.n_examples, metadata.tokens):
                    _write_examples(file, source, metadata, start, stop)
                    advance(stop - start)
                file.truncate(metadata.shard_bytes)
    return target


def _shards_below(root: Path) -> Path:
    """The directory of all exports; StoreError when `root` belongs to somebody else."""
    if root.parts[-2:] == ("saev", "shards"):
        return root
    strangers = sorted(path.name for path in root.glob("*") if path.name != "saev")
    if strangers:
        raise StoreError(
            f"{root} holds {strangers[0]}: choose a new or an empty directory, or name "
            f"{root / 'saev' / 'shards'} itself"
        )
    return root / "saev" / "shards"


def describe(source: OpenStore, config: SaevConfig) -> Metadata:
    """The metadata of an export; StoreError when the format cannot hold `source`."""
    header = source.store.header
    widths = {array.columns for array in header.arrays}
    if header.kind != "activations" or len(widths) > 1:
        raise StoreError(
            f"{source.store.root}: saev holds activations, of one d_model; these are {header.kind} "
            f"of {', '.join(map(str, sorted(widths)))} columns"
        )
    if INDEX in source.extras and header.positions == 1:
        raise StoreError(
            f"{source.store.root}: saev needs as many tokens in every example; here padding was "
            "dropped, and they differ"
        )
    feature = header.arrays[0].feature
    has_cls = feature.position == CLS_FIRST and header.positions > 1
    n_examples = header.rows // header.positions
    example = header.positions * len(header.arrays)
    return Metadata(
        family=config.family,
        ckpt=f"{feature.backbone}@{feature.checkpoint}",
        layers=_layers(header.arrays),
        content_tokens_per_example=header.positions - has_cls,
        cls_token=has_cls,
        d_model=widths.pop(),
        n_examples=n_examples,
        max_tokens_per_shard=min(max(config.max_tokens_per_shard, example), n_examples * example),
        data="",
        dataset=f"{header.dataset}/{header.split}",
        pixel_agg="majority",
        dtype="float32",
        protocol=PROTOCOL,
    )


def _layers(arrays: tuple[ArraySpec, ...]) -> tuple[int, ...]:
    """Arrays named by numbers keep them; others are numbered in their order."""
    numbers = tuple(layer_number(array.name) for array in arrays)
    known = tuple(number for number in numbers if number is not None)
    return known if len(known) == len(numbers) else tuple(range(len(arrays)))


def _blocks(first: int, last: int, tokens: int) -> list[tuple[int, int]]:
    step = max(1, BLOCK_ROWS // tokens)
    return [(start, min(start + step, last)) for start in range(first, last, step)]


def _write_examples(
    file: BinaryIO, source: OpenStore, metadata: Metadata, start: int, stop: int
) -> None:
    """Append the examples [start, stop), the layers of each one together."""
    tokens, d = metadata.tokens, metadata.d_model
    names = [array.name for array in source.store.header.arrays]
    block_elpd: NDArray[Any] = np.empty((stop - start, len(names), tokens, d), "<f4")
    for i, name in enumerate(names):
        rows_nd = read_encoded(source, name, start * tokens, stop * tokens, "float32")
        block_elpd[:, i] = rows_nd.reshape(-1, tokens, d)
    file.write(block_elpd.data.cast("B"))


def _write_labels(staging: Path, source: OpenStore, metadata: Metadata) -> None:
    labels = source.extras.get(LABELS)
    if labels is None or labels.shape != (
        metadata.n_examples,
        metadata.content_tokens_per_example,
    ):
        return
    with (staging / LABELS_FILE).open("wb") as file:
        for start, stop in _blocks(0, metadata.n_examples, metadata.tokens):
            file.write(labels.read(start, stop).astype(np.uint8).tobytes())
