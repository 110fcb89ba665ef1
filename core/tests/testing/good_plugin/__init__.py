"""A small plugin that keeps every contract: the mutants differ from it in one point each."""

from __future__ import annotations

from good_plugin.config import (
    GoodBackboneConfig,
    GoodDatasetConfig,
    GoodMethodConfig,
    GoodProbeConfig,
    GoodStorageConfig,
)
from traits_core import (
    BackboneSpec,
    DatasetSpec,
    MethodSpec,
    ProbeSpec,
    StorageSpec,
    hookimpl,
)


@hookimpl
def traits_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="good-method",
            summary="means of the nearest rows",
            config=GoodMethodConfig,
            factory="good_plugin.method:GoodMethod",
            scorer="good_plugin.method:GoodScorer",
            example={"n_prototypes": 6},
        )
    ]


@hookimpl
def traits_datasets() -> list[DatasetSpec]:
    return [
        DatasetSpec(
            name="good-dataset",
            summary="pictures of one colour",
            config=GoodDatasetConfig,
            factory="good_plugin.dataset:GoodDataset",
            backbone="good-backbone",
        )
    ]


@hookimpl
def traits_backbones() -> list[BackboneSpec]:
    return [
        BackboneSpec(
            name="good-backbone",
            summary="mean colours of four quarters",
            config=GoodBackboneConfig,
            factory="good_plugin.backbone:GoodBackbone",
        )
    ]


@hookimpl
def traits_storages() -> list[StorageSpec]:
    return [
        StorageSpec(
            name="good-storage",
            summary="one checksummed file per array and shard",
            config=GoodStorageConfig,
            factory="good_plugin.storage:GoodStorage",
        )
    ]


@hookimpl
def traits_probes() -> list[ProbeSpec]:
    return [
        ProbeSpec(
            name="good-probe",
            summary="best average precision, by scikit-learn",
            config=GoodProbeConfig,
            factory="good_plugin.probe:GoodProbe",
        )
    ]
