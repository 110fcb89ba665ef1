"""saev's `metadata.json` and `shards.json`, protocol 2.1: every field checked, nothing decoded.

`data` holds a base64 pickle in saev's own files. It is kept as text, and never looked into.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

import attrs

from traits_core.errors import StoreError
from traits_core.stores.formats.files import read_json
from traits_core.stores.json_records import structure

METADATA: Final = "metadata.json"
SHARDS: Final = "shards.json"
PROTOCOL: Final = "2.1"


@attrs.frozen(kw_only=True)
class Metadata:
    """The 13 fields of `metadata.json`, in the order of the file: the order decides the digest."""

    family: str
    ckpt: str
    layers: tuple[int, ...]
    content_tokens_per_example: int
    cls_token: bool
    d_model: int
    n_examples: int
    max_tokens_per_shard: int
    data: str
    dataset: str
    pixel_agg: str
    dtype: str
    protocol: str

    def __attrs_post_init__(self) -> None:
        if self.protocol != PROTOCOL or self.dtype != "float32":
            raise ValueError(
                f"protocol {self.protocol!r} with dtype {self.dtype!r}; "
                f"only {PROTOCOL!r} with 'float32' can be read"
            )
        for field in ("content_tokens_per_example", "d_model", "n_examples"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)}: at least 1 is needed")
        if not self.layers or len(set(self.layers)) < len(self.layers):
            raise ValueError(f"layers must be different, and at least one, got {self.layers}")
        if self.examples_per_shard < 1:
            raise ValueError(
                f"max_tokens_per_shard {self.max_tokens_per_shard} is less than one example"
            )

    @property
    def tokens(self) -> int:
        """Tokens per example and layer, CLS included."""
        return self.content_tokens_per_example + self.cls_token

    @property
    def examples_per_shard(self) -> int:
        """Examples that every file has room for, the last one too."""
        return self.max_tokens_per_shard // (self.tokens * len(self.layers))

    @property
    def n_shards(self) -> int:
        """Files that hold examples."""
        return -(-self.n_examples // self.examples_per_shard)

    @property
    def shard_bytes(self) -> int:
        """Length of every file: float32 [examples_per_shard, layers, tokens, d_model]."""
        return self.examples_per_shard * len(self.layers) * self.tokens * self.d_model * 4

    @property
    def digest(self) -> str:
        """How saev names the directory: 8 hex digits of the sha256 of the compact JSON, unsorted."""
        text = json.dumps(attrs.asdict(self), separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@attrs.frozen(kw_only=True)
class ShardEntry:
    """One entry of `shards.json`."""

    name: str
    n_examples: int


def read_metadata(root: Path) -> Metadata:
    """Read `metadata.json`; StoreError when it is not of protocol 2.1, or senseless."""
    try:
        return structure(read_json(root / METADATA), Metadata)
    except ValueError as error:
        raise StoreError(f"{root / METADATA}: {error}") from error


def check_shards(root: Path, metadata: Metadata) -> None:
    """Check that `shards.json` lists just the files that `metadata` asks for.

    saev lists one file more, without examples, when the last one is full. Raises StoreError.
    """
    path = root / SHARDS
    try:
        entries = structure(read_json(path), tuple[ShardEntry, ...])
    except ValueError as error:
        raise StoreError(f"{path}: {error}") from error
    empty = ShardEntry(name=shard_name(metadata.n_shards), n_examples=0)
    listed = entries[:-1] if entries[-1:] == (empty,) else entries
    # The lengths first: metadata may claim more files than fit into memory.
    if len(listed) != metadata.n_shards or listed != shard_entries(metadata):
        raise StoreError(
            f"{path} lists {len(listed)} files with examples; {metadata.n_examples} examples are in "
            f"{metadata.n_shards} of {metadata.examples_per_shard}: {shard_name(0)} and so on"
        )


def shard_entries(metadata: Metadata) -> tuple[ShardEntry, ...]:
    """The entries of all files that hold examples."""
    size = metadata.examples_per_shard
    return tuple(
        ShardEntry(name=shard_name(i), n_examples=min(size, metadata.n_examples - i * size))
        for i in range(metadata.n_shards)
    )


def shard_name(shard: int) -> str:
    """File name of a shard."""
    return f"acts{shard:06}.bin"
