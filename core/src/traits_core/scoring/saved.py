"""A scorer on disk: what its method wrote, and `scorer.json`, which says what it may score."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from traits_core.config.structure import structure_record, unstructure
from traits_core.durable import sync_file, write_json
from traits_core.errors import DataError, StoreError
from traits_core.normalization.normalizer import (
    Normalizer,
    NormalizerFacts,
    load_normalizer,
    save_normalizer,
)
from traits_core.normalization.scorer import normalized
from traits_core.protocols import Scorer
from traits_core.records import FeatureSpec
from traits_core.registry.plugins import Registry
from traits_core.specs import MethodSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FORMAT_VERSION: Final = 1
ALLOWED: Final = {".safetensors", ".json"}
NORMALIZER_FILE: Final = "normalizer.safetensors"


class LoadedScorer(Protocol):
    """What a run needs of a scorer: raw activations [B, D] in, scores [B, K] out."""

    @property
    def n_prototypes(self) -> int: ...

    def __call__(self, acts_bd: Tensor) -> Tensor: ...


@attrs.frozen(kw_only=True)
class ScorerFacts:
    """The contents of `scorer.json`: method, prototypes, features, and a sha256 per file.

    `normalizer` says what activations go through first; None when it is nothing.
    """

    version: int = FORMAT_VERSION
    method: str
    n_prototypes: int
    feature: FeatureSpec
    normalizer: NormalizerFacts | None = None
    files: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """Changes with any byte of the scorer."""
        text = json.dumps(unstructure(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def check_feature(self, feature: FeatureSpec) -> None:
        """Raise DataError when activations with this `feature` are not what it was trained on."""
        theirs, ours = attrs.asdict(feature), attrs.asdict(self.feature)
        wrong = [
            f"{key} {ours[key]!r}, not {theirs[key]!r}" for key in ours if ours[key] != theirs[key]
        ]
        if wrong:
            raise DataError(f"this scorer was trained on other activations: {'; '.join(wrong)}")


def save_scorer(
    directory: Path,
    scorer: Scorer,
    method: str,
    feature: FeatureSpec,
    normalizer: Normalizer | None = None,
) -> None:
    """Write `scorer` to `directory`, all of it or nothing; an existing one is replaced.

    Parameters
    ----------
    scorer: of activations that have gone through `normalizer`
    method: name of the method that knows how to load it
    feature: what the raw activations are
    normalizer: kept beside the scorer's own files

    Raises StoreError when the scorer writes anything but safetensors and JSON.
    """
    staging = directory.with_name(f"{directory.name}.tmp-{uuid.uuid4().hex[:12]}")
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise StoreError(f"cannot make {directory}: {error.strerror}") from error
    try:
        scorer.save(staging)
        files = sorted(path for path in staging.rglob("*") if path.is_file())
        if refused := [path.name for path in files if path.suffix not in ALLOWED]:
            raise StoreError(
                f"the scorer of {method!r} wrote {', '.join(refused)}; "
                f"only {' and '.join(sorted(ALLOWED))} files are kept"
            )
        if normalizer:
            _add_normalizer(staging / NORMALIZER_FILE, normalizer, method)
            files = sorted((*files, staging / NORMALIZER_FILE))
        names = tuple((path.relative_to(staging).as_posix(), _sha256(path)) for path in files)
        facts = ScorerFacts(
            method=method,
            n_prototypes=scorer.n_prototypes,
            feature=feature,
            normalizer=normalizer.facts if normalizer else None,
            files=names,
        )
        for path in files:
            sync_file(path)
        write_json(staging / "scorer.json", unstructure(facts))
        if directory.exists():
            shutil.rmtree(directory)
        staging.rename(directory)
        sync_file(directory.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def read_facts(directory: Path) -> ScorerFacts:
    """Read `scorer.json` and check every file against it; raises StoreError when one is damaged."""
    try:
        raw = json.loads((directory / "scorer.json").read_text(encoding="utf-8"))
        facts = structure_record(ScorerFacts, raw)
    except OSError as error:
        raise StoreError(
            f"{directory}: no scorer is here: scorer.json: {error.strerror}"
        ) from error
    except ValueError as error:
        raise _damaged(directory, f"no readable scorer: {error}") from error
    if facts.version != FORMAT_VERSION:
        raise StoreError(f"{directory}: scorer format {facts.version}; this reads {FORMAT_VERSION}")
    for name, sha256 in facts.files:
        path = (directory / name).resolve()
        if not path.is_relative_to(directory.resolve()) or not path.is_file():
            raise _damaged(directory, f"{name} is missing")
        if _sha256(path) != sha256:
            raise _damaged(directory, f"{name} was changed since it was written")
    return facts


def load_scorer(
    directory: Path, registry: Registry, device: torch.device
) -> tuple[LoadedScorer, ScorerFacts]:
    """Read a scorer through the method that wrote it, and the normaliser that it was trained with.

    Their files are checked first. Raises StoreError when one is missing, damaged or another.
    """
    facts = read_facts(directory)
    spec = registry.get("method", facts.method)
    assert isinstance(spec, MethodSpec)
    scorer = spec.load_scorer_class().load(directory, device)
    if facts.normalizer is None:
        return scorer, facts
    normalizer = load_normalizer(directory / NORMALIZER_FILE, device)
    if normalizer.facts != facts.normalizer:
        raise StoreError(
            f"{directory}: {NORMALIZER_FILE} is {normalizer.facts}; scorer.json says {facts.normalizer}"
        )
    return normalized(normalizer, scorer), facts


def _damaged(directory: Path, why: str) -> StoreError:
    return StoreError(
        f"{directory}: {why}; restore it, or remove this directory to have the scorer trained again"
    )


def _add_normalizer(path: Path, normalizer: Normalizer, method: str) -> None:
    if path.exists():
        raise StoreError(
            f"the scorer of {method!r} wrote {path.name}, where its normaliser is kept: "
            "write another name"
        )
    save_normalizer(path, normalizer)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
