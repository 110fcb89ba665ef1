"""Stores of ours, whole or not, and directories in foreign formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from traits_core.errors import TraitsError
from traits_core.inspecting.finding import Finding
from traits_core.registry.plugins import Registry
from traits_core.stores.extras import read_extras
from traits_core.stores.foreign import Extra
from traits_core.stores.header import StoreHeader
from traits_core.stores.json_records import HEADER_FILE, header_digest, load_header
from traits_core.stores.manifest import load_manifest
from traits_core.stores.open_any import recognize
from traits_core.stores.protocols import Format
from traits_core.stores.reader import open_store


def inspect_store(root: Path, registry: Registry) -> Finding | None:
    """Describe a store by its header and manifest; None where there is no `store.json`."""
    if not (root / HEADER_FILE).is_file():
        return None
    header = load_header(root)
    manifest = load_manifest(root, header)
    state, digest, extras = "complete", None, read_extras(root, header)
    if manifest.complete(header):
        try:
            digest = open_store(root, registry).digest
        except TraitsError as error:
            state = f"damaged: {error}"
    else:
        state = f"incomplete: {manifest.rows} of {header.rows} rows are committed"
    facts = {
        "state": state,
        **_facts(header, extras),
        "storage": header.storage,
        "shards": f"{len(manifest.shards)} of {header.n_shards}",
        "bytes": sum(file.bytes for file in manifest.files),
        "digest": digest,
    }
    if header.kind == "scores":
        facts |= {
            "pooling": header.pooling,
            "kept": kept_scores(header),
            "scored store": header.source,
        }
    elif header.source:
        facts["converted from"] = header.source
    return Finding(path=root, kind="store", summary=f"a store of {header.kind}", facts=facts)


def inspect_foreign(root: Path, registry: Registry) -> Finding | None:
    """Describe a directory in a foreign format; None when it looks like none."""
    spec = recognize(root, registry)
    if spec is None:
        return None
    reading: Format = spec.load()(spec.config())
    found = reading.open(root)
    facts = {
        "state": "complete by its own metadata",
        **_facts(found.header, found.extras),
        **found.notes,
        "bytes": sum(path.stat().st_size for path in root.rglob("*") if path.is_file()),
        "digest": header_digest(found.header),
    }
    return Finding(path=root, kind=spec.name, summary=spec.summary, facts=facts)


def kept_scores(header: StoreHeader) -> str:
    """Which scores of a row a store has."""
    kept = header.kept
    if kept is None:
        return "all scores of a row"
    if kept.form == "threshold":
        return f"the scores above tau = {kept.tau:g} of {kept.n_prototypes} prototypes"
    if kept.form == "dense":
        return f"the largest scores above tau = {kept.tau:g} of {kept.n_prototypes} prototypes, in full rows"
    k = header.arrays[0].columns
    return f"the {k} largest scores above tau = {kept.tau:g} of {kept.n_prototypes} prototypes"


def _facts(header: StoreHeader, extras: Mapping[str, Extra]) -> dict[str, Any]:
    feature = header.arrays[0].feature
    return {
        "rows": header.rows,
        "examples": header.rows // header.positions,
        "positions": header.positions,
        "arrays": [f"{array.name} ({array.columns})" for array in header.arrays],
        "dtype": header.dtype,
        "dataset": header.dataset,
        "split": header.split,
        "backbone": f"{feature.backbone}, checkpoint {feature.checkpoint}",
        "layers": list(dict.fromkeys(array.feature.layer for array in header.arrays)),
        "position": feature.position,
        "grid": list(feature.grid) if feature.grid else None,
        "preprocessing": feature.preprocessing,
        "extras": [f"{name} {list(extra.shape)}" for name, extra in extras.items()],
    }
