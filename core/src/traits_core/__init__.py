"""traits: discover traits in neural-network activations. What plugin authors and notebooks import."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

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
    AffineScorer,
    Backbone,
    BlockwiseScorer,
    BoundedMethod,
    Comm,
    Dataset,
    HistogramTracker,
    Method,
    PlanningMethod,
    Probe,
    ProbeSplit,
    ReconstructingScorer,
    ScoreMatrix,
    Scorer,
    SparseScorer,
    Tracker,
)
from traits_core.records import (
    AffineParts,
    Example,
    FeatureSpec,
    Histogram,
    PositionLabels,
    ProbeResult,
    ScoreEntries,
    Table,
    TraitLabels,
)
from traits_core.registry.hookspecs import hookimpl
from traits_core.specs import (
    BackboneSpec,
    CommandSpec,
    DatasetSpec,
    FormatSpec,
    MethodSpec,
    ProbeSpec,
    StorageSpec,
    TrackerSpec,
)
from traits_core.stores.foreign import Extra, ForeignStore, OpenStore
from traits_core.stores.header import ArraySpec, Layout, StoreHeader
from traits_core.stores.protocols import Format, Storage, StorageReader
from traits_core.tensors import load_tensors, save_tensors
from traits_core.training.comm import NullComm

if TYPE_CHECKING:
    from traits_core.learning.far_rows import FarRows
    from traits_core.learning.inputs import centred, check_activations
    from traits_core.learning.largest import largest_per_row
    from traits_core.learning.matching import match_directions
    from traits_core.learning.products import BFLOAT16_ROUNDOFF, ProductRoute, product_route
    from traits_core.learning.seeding import greedy_kmeans_plus_plus
    from traits_core.learning.state import check_state
    from traits_core.normalization.scorer import NormalizedScorer
    from traits_core.registry.loader import load_registry
    from traits_core.scoring.reconstruction import Reconstruction, ReconstructionSums
    from traits_core.scoring.saved import load_scorer, save_scorer
    from traits_core.stores.formats.npz_file import open_npz
    from traits_core.stores.open_any import open_any

__all__ = [
    "BFLOAT16_ROUNDOFF",
    "AffineParts",
    "AffineScorer",
    "ArraySpec",
    "Backbone",
    "BackboneSpec",
    "BlockwiseScorer",
    "BoundedMethod",
    "BusyError",
    "Comm",
    "CommandSpec",
    "ConfigError",
    "DataError",
    "Dataset",
    "DatasetSpec",
    "Example",
    "Extra",
    "FarRows",
    "FeatureSpec",
    "ForeignStore",
    "Format",
    "FormatSpec",
    "Histogram",
    "HistogramTracker",
    "Layout",
    "Method",
    "MethodSpec",
    "NormalizedScorer",
    "NullComm",
    "OpenStore",
    "PlanningMethod",
    "PluginError",
    "PositionLabels",
    "Probe",
    "ProbeResult",
    "ProbeSpec",
    "ProbeSplit",
    "ProductRoute",
    "ReconstructingScorer",
    "Reconstruction",
    "ReconstructionSums",
    "ScoreEntries",
    "ScoreMatrix",
    "Scorer",
    "SparseScorer",
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
    "centred",
    "check_activations",
    "check_state",
    "greedy_kmeans_plus_plus",
    "hookimpl",
    "largest_per_row",
    "load_registry",
    "load_scorer",
    "load_tensors",
    "match_directions",
    "open_any",
    "open_npz",
    "option",
    "product_route",
    "save_scorer",
    "save_tensors",
]

# These import torch, numpy or the loader of plugins, which listing plugins and asking for help must not.
_ON_FIRST_USE: Final = {
    "BFLOAT16_ROUNDOFF": "traits_core.learning.products",
    "FarRows": "traits_core.learning.far_rows",
    "NormalizedScorer": "traits_core.normalization.scorer",
    "ProductRoute": "traits_core.learning.products",
    "Reconstruction": "traits_core.scoring.reconstruction",
    "ReconstructionSums": "traits_core.scoring.reconstruction",
    "centred": "traits_core.learning.inputs",
    "check_activations": "traits_core.learning.inputs",
    "check_state": "traits_core.learning.state",
    "greedy_kmeans_plus_plus": "traits_core.learning.seeding",
    "largest_per_row": "traits_core.learning.largest",
    "load_registry": "traits_core.registry.loader",
    "load_scorer": "traits_core.scoring.saved",
    "match_directions": "traits_core.learning.matching",
    "open_any": "traits_core.stores.open_any",
    "open_npz": "traits_core.stores.formats.npz_file",
    "product_route": "traits_core.learning.products",
    "save_scorer": "traits_core.scoring.saved",
}


def __getattr__(name: str) -> Any:
    if name in _ON_FIRST_USE:
        return getattr(import_module(_ON_FIRST_USE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
