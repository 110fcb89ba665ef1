"""traits: discover traits in neural-network activations. What plugin authors and notebooks import."""

from traits_core.config.fields import option
from traits_core.errors import (
    BusyError,
    ConfigError,
    DataError,
    PluginError,
    StageError,
    StoreError,
    TraitsError,
)
from traits_core.protocols import (
    Backbone,
    Comm,
    Dataset,
    Format,
    Method,
    Probe,
    ProbeSplit,
    ScoreMatrix,
    Scorer,
    Storage,
    StorageReader,
    Tracker,
)
from traits_core.records import (
    Example,
    FeatureSpec,
    PositionLabels,
    ProbeResult,
    Table,
    TraitLabels,
)
from traits_core.registry.hookspecs import hookimpl
from traits_core.specs import (
    BackboneSpec,
    DatasetSpec,
    FormatSpec,
    MethodSpec,
    ProbeSpec,
    StorageSpec,
    TrackerSpec,
)
from traits_core.stores.foreign import Extra, ForeignStore, OpenStore
from traits_core.stores.header import ArraySpec, Layout, StoreHeader
from traits_core.tensors import load_tensors, save_tensors

__all__ = [
    "ArraySpec",
    "Backbone",
    "BackboneSpec",
    "BusyError",
    "Comm",
    "ConfigError",
    "DataError",
    "Dataset",
    "DatasetSpec",
    "Example",
    "Extra",
    "FeatureSpec",
    "ForeignStore",
    "Format",
    "FormatSpec",
    "Layout",
    "Method",
    "MethodSpec",
    "OpenStore",
    "PluginError",
    "PositionLabels",
    "Probe",
    "ProbeResult",
    "ProbeSpec",
    "ProbeSplit",
    "ScoreMatrix",
    "Scorer",
    "StageError",
    "Storage",
    "StorageReader",
    "StorageSpec",
    "StoreError",
    "StoreHeader",
    "Table",
    "Tracker",
    "TrackerSpec",
    "TraitLabels",
    "TraitsError",
    "hookimpl",
    "load_tensors",
    "option",
    "save_tensors",
]
