"""The core's own storages, formats, probe and tracker, offered through the same hooks as everybody else's."""

from traits_core.probing.ksparse.config import KSparseConfig
from traits_core.probing.logistic.config import LogisticConfig
from traits_core.probing.purity.config import PurityConfig
from traits_core.probing.retrieval_config import RetrievalConfig
from traits_core.registry.hookspecs import hookimpl
from traits_core.specs import FormatSpec, ProbeSpec, StorageSpec, TrackerSpec
from traits_core.stores.backends.raw_config import RawConfig
from traits_core.stores.backends.zarr_config import ZarrConfig
from traits_core.stores.formats.npz_config import NpzConfig
from traits_core.stores.formats.saev_config import SaevConfig
from traits_core.tracking.wandb_config import WandbConfig


@hookimpl
def traits_storages() -> list[StorageSpec]:
    """Offer the default storage, smaller ones and a faster one."""
    return [
        StorageSpec(
            name="zarr",
            summary="zarr v3 arrays in 4096-row chunks with crc32c",
            config=ZarrConfig,
            factory="traits_core.stores.backends.zarr_storage:ZarrStorage",
            example={"chunk_rows": 8, "rows_per_shard": 16},
        ),
        StorageSpec(
            name="zarr-lz4",
            summary="the same, compressed by lz4 and bitshuffle; bfloat16 shrinks by a quarter",
            config=ZarrConfig,
            factory="traits_core.stores.backends.zarr_storage:ZarrLz4Storage",
            example={"chunk_rows": 8, "rows_per_shard": 16},
        ),
        StorageSpec(
            name="zarr-zstd",
            summary="the same, compressed by zstd, where zeros are many and any reader must open it",
            config=ZarrConfig,
            factory="traits_core.stores.backends.zarr_storage:ZarrZstdStorage",
            example={"chunk_rows": 8, "rows_per_shard": 16},
        ),
        StorageSpec(
            name="zarr-sparse",
            summary="the same with zeros left out, for scores that are mostly zeros",
            config=ZarrConfig,
            factory="traits_core.stores.backends.zarr_storage:ZarrSparseStorage",
            example={"chunk_rows": 8, "rows_per_shard": 16},
        ),
        StorageSpec(
            name="raw",
            summary="one file of plain values per shard and array; only verify checks their bits",
            config=RawConfig,
            factory="traits_core.stores.backends.raw_storage:RawStorage",
            example={"chunk_rows": 8, "rows_per_shard": 16},
            tags=frozenset({"unchecked-reads"}),
        ),
    ]


@hookimpl
def traits_formats() -> list[FormatSpec]:
    """Offer the formats that activations often come in."""
    return [
        FormatSpec(
            name="npz",
            summary="token chunks with attention masks, as chunks/chunk_0000.npz and so on",
            config=NpzConfig,
            factory="traits_core.stores.formats.npz_format:NpzFormat",
            example={"sequences_per_chunk": 3},
        ),
        FormatSpec(
            name="saev",
            summary="saev's shards, protocol 2.1: float32, CLS and content tokens, several layers",
            config=SaevConfig,
            factory="traits_core.stores.formats.saev_format:SaevFormat",
            example={"tokens": "all", "max_tokens_per_shard": 20},
        ),
    ]


@hookimpl
def traits_probes() -> list[ProbeSpec]:
    """Offer the default probe."""
    return [
        ProbeSpec(
            name="retrieval",
            summary="best prototype per trait by train AP, its test AP, with nulls",
            config=RetrievalConfig,
            factory="traits_core.probing.retrieval:RetrievalProbe",
            example={"n_permutations": 2, "block": 8},
        ),
        ProbeSpec(
            name="logistic",
            summary="one-feature logistic regression of every trait on every prototype, with nulls",
            config=LogisticConfig,
            factory="traits_core.probing.logistic.probe:LogisticProbe",
            example={"bins": 64, "pairs": 2, "batch_rows": 16},
        ),
        ProbeSpec(
            name="k-sparse",
            summary="linear classifiers on the best k prototypes per trait, with nulls",
            config=KSparseConfig,
            factory="traits_core.probing.ksparse.probe:KSparseProbe",
            example={"k": (1, 3), "block": 8},
        ),
        ProbeSpec(
            name="purity",
            summary="prototypes as clusters: purity, IoU and mutual information, with nulls",
            config=PurityConfig,
            factory="traits_core.probing.purity.probe:PurityProbe",
            example={"n_permutations": 2, "rows": 16},
            tags=frozenset({"assigns-rows"}),
        ),
    ]


@hookimpl
def traits_trackers() -> list[TrackerSpec]:
    """Offer the mirror to Weights & Biases."""
    return [
        TrackerSpec(
            name="wandb",
            summary="mirrors metrics and the report to Weights & Biases, offline unless asked otherwise",
            config=WandbConfig,
            factory="traits_core.tracking.wandb_tracker:WandbTracker",
        )
    ]
