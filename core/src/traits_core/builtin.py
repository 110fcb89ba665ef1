"""The core's own storage and probe, offered through the same hooks as everybody else's."""

from traits_core.probing.retrieval_config import RetrievalConfig
from traits_core.registry.hookspecs import hookimpl
from traits_core.specs import ProbeSpec, StorageSpec
from traits_core.stores.zarr_config import ZarrConfig


@hookimpl
def traits_storages() -> list[StorageSpec]:
    """Offer the default storage."""
    return [
        StorageSpec(
            name="zarr",
            summary="zarr v3 arrays in 4096-row chunks with crc32c",
            config=ZarrConfig,
            factory="traits_core.stores.zarr_storage:ZarrStorage",
            example={"chunk_rows": 8, "rows_per_shard": 16},
        )
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
        )
    ]
