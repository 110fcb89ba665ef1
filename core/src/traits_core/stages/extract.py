"""Examples through a frozen backbone into a store of activations, once for all runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from traits_core.config.run_config import SourceConfig, digest_of
from traits_core.config.structure import unstructure
from traits_core.errors import ConfigError, DataError
from traits_core.protocols import Backbone, Dataset
from traits_core.records import Example
from traits_core.registry.plugins import suggest
from traits_core.stages.context import Context, make_directory
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.protocols import Storage
from traits_core.stores.reader import Store, is_complete, open_store
from traits_core.stores.writer import StoreWriter

if TYPE_CHECKING:
    from torch import Tensor


@attrs.frozen(kw_only=True)
class Source:
    """The opened parts of a `SourceConfig`, and the one layer that is asked for."""

    config: SourceConfig
    dataset: Dataset
    backbone: Backbone
    storage: Storage
    layer: str

    def examples(self, split: str) -> Sequence[Example]:
        """The examples of a split; raises when there is no such split, or nothing in it."""
        if split not in self.dataset.splits:
            raise ConfigError(
                f"dataset {self.config.dataset.spec.name!r} has no split {split!r}."
                f"{suggest(split, self.dataset.splits)} Splits: {', '.join(self.dataset.splits)}"
            )
        examples = self.dataset.examples(split)
        if not len(examples):
            raise DataError(f"split {split!r} of {self.config.dataset.spec.name!r} has no examples")
        return examples

    def header(self, split: str) -> StoreHeader:
        """What the store of this split's activations will say of itself."""
        feature = self.backbone.feature_spec(self.layer)
        positions = self.backbone.positions_per_example(self.layer)
        rows = len(self.examples(split)) * positions
        arrays = (ArraySpec(name=self.layer, columns=feature.d_model, feature=feature),)
        layout = self.storage.plan("activations", rows, positions, arrays)
        return StoreHeader(
            kind="activations",
            storage=self.config.storage.spec.name,
            dtype=self.storage.dtype,
            rows=rows,
            positions=positions,
            **attrs.asdict(layout),
            arrays=arrays,
            dataset=self.config.dataset.spec.name,
            dataset_digest=self.dataset.digest,
            split=split,
        )


def open_source(config: SourceConfig, context: Context) -> Source:
    """Build dataset, backbone and storage; raises ConfigError for an unknown layer."""
    backbone: Backbone = config.backbone.build(device=context.device)
    layer = config.run.layer or backbone.default_layer
    if layer not in backbone.layers:
        raise ConfigError(
            f"--layer {layer}: backbone {config.backbone.spec.name!r} has no such layer."
            f"{suggest(layer, backbone.layers)} Layers: {', '.join(backbone.layers)}"
        )
    return Source(
        config=config,
        dataset=config.dataset.build(),
        backbone=backbone,
        storage=config.storage.build(),
        layer=layer,
    )


def activations_root(home: Path, header: StoreHeader) -> Path:
    """Where these activations are kept: the name changes with whatever they depend on."""
    key = digest_of(unstructure(header))
    return home / "activations" / f"{header.dataset}-{header.split}-{key}"


def extract(source: Source, split: str, context: Context) -> Store:
    """Return the store of a split's activations, complete: opened, resumed or made."""
    header = source.header(split)
    root = activations_root(context.home, header)
    if is_complete(root):
        context.progress.say(f"extract {split}: complete")
    else:
        context.progress.say(f"extract {split}: going on" if root.exists() else f"extract {split}:")
        make_directory(root.parent)
        with StoreWriter(root, header, source.storage) as writer:
            _write_rows(writer, source, header, context)
            writer.finish()
    return open_store(root, context.registry)


def _write_rows(writer: StoreWriter, source: Source, header: StoreHeader, context: Context) -> None:
    """Run the backbone over the examples whose rows are not committed yet.

    Batches lie on one fixed grid, so a resumed extraction computes them as an uninterrupted one.
    """
    positions, size = header.positions, source.config.run.extract_batch
    examples, batch_rows = source.examples(header.split), size * positions
    done = (header.rows - writer.missing_rows) // positions
    label = f"{header.dataset}/{header.split} through {source.config.backbone.spec.name}"
    with context.progress.track(label, len(examples), "examples", done) as advance:
        for rows in writer.gaps():
            for start in range(rows.start // batch_rows * batch_rows, rows.stop, batch_rows):
                first, last = max(start, rows.start), min(start + batch_rows, rows.stop)
                index = range(start // positions, min(start // positions + size, len(examples)))
                acts_nd = _activations(source, header, [examples[i] for i in index])
                writer.append({source.layer: acts_nd[first - start : last - start]})
                advance(last // positions - first // positions)


def _activations(source: Source, header: StoreHeader, batch: Sequence[Example]) -> Tensor:
    """The rows [B * P, D] of a batch of examples, on the CPU; DataError when they are others."""
    acts_bpd = source.backbone(batch, [source.layer])[source.layer]
    expected = (len(batch), header.positions, header.arrays[0].columns)
    if tuple(acts_bpd.shape) != expected:
        raise DataError(
            f"backbone {source.config.backbone.spec.name!r} returned "
            f"{tuple(acts_bpd.shape)}, expected {expected}"
        )
    return acts_bpd.flatten(0, 1).cpu()
