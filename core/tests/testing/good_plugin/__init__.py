"""A small plugin that keeps every contract: the mutants differ from it in one point each."""

from __future__ import annotations

from good_plugin.config import (
    GoodBackboneConfig,
    GoodDatasetConfig,
    GoodFormatConfig,
    GoodMethodConfig,
    GoodProbeConfig,
    GoodStorageConfig,
    GoodTrackerConfig,
)
from traits_core import (
    BackboneSpec,
    CommandSpec,
    DatasetSpec,
    FormatSpec,
    MethodSpec,
    ProbeSpec,
    StorageSpec,
    TrackerSpec,
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


@hookimpl
def traits_formats() -> list[FormatSpec]:
    return [
        FormatSpec(
            name="good-format",
            summary="one file of rows beside its description",
            config=GoodFormatConfig,
            factory="good_plugin.format:GoodFormat",
        )
    ]


@hookimpl
def traits_trackers() -> list[TrackerSpec]:
    return [
        TrackerSpec(
            name="good-tracker",
            summary="a text file below the run",
            config=GoodTrackerConfig,
            factory="good_plugin.tracker:GoodTracker",
        )
    ]


@hookimpl
def traits_commands() -> list[CommandSpec]:
    return [CommandSpec(name="good-command", summary="count", factory="good_plugin.commands:app")]
