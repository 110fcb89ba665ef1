"""What the user asked for: which plugin object of each kind, with which options."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from traits_core.config.fields import option
from traits_core.config.structure import flag, structure, unstructure
from traits_core.errors import ConfigError
from traits_core.registry.plugins import Registry, suggest
from traits_core.specs import DatasetSpec, MethodSpec, Spec

RawConfig = Mapping[str, Mapping[str, Any]]
"""Values by section and option, before they are structured; `name` picks the plugin object."""

SOURCE_KINDS: Final = ("dataset", "backbone", "storage")
RUN_KINDS: Final = ("method", *SOURCE_KINDS, "probe")
DEFAULTS: Final = {"storage": "zarr", "probe": "retrieval"}
TRACK: Final = "track"
"""The section that picks a tracker: it is allowed in a file, and no part of the configuration."""


@attrs.frozen(kw_only=True)
class RunOptions:
    """Options of the core itself; in a file they are the table `[run]`."""

    seed: int = option(
        0,
        help="seed of initialisation, shuffling, nulls and permutations",
        validator=attrs.validators.ge(0),
    )
    shuffle_seed: int | None = option(
        None,
        help="seed of the order of training batches alone (default: the seed)",
        validator=attrs.validators.optional(attrs.validators.ge(0)),
    )
    layer: str | None = option(
        None,
        help="layer of the backbone (default: the backbone's own)",
        validator=attrs.validators.optional(attrs.validators.min_len(1)),
    )
    train_split: str = option("train", help="split that prototypes are learned and chosen on")
    test_split: str = option("test", help="split that results are measured on")
    batch_size: int = option(8192, help="rows per training batch", validator=attrs.validators.ge(1))
    checkpoint_every: int = option(
        200, help="training steps between checkpoints", validator=attrs.validators.ge(1)
    )
    checkpoint_minutes: float = option(
        10.0,
        help="longest time between checkpoints, in minutes",
        validator=attrs.validators.ge(0),
    )
    extract_batch: int = option(
        64, help="examples per forward pass of the backbone", validator=attrs.validators.ge(1)
    )
    pooling: Literal["max", "mean", "top-mean", "none"] = option(
        "max", help="how the scores of an example's positions become one; none: they do not"
    )
    pooling_top: int = option(
        8,
        help="top-mean: how many of an example's largest scores are averaged",
        validator=attrs.validators.ge(1),
    )
    scores: Literal["dense", "top-k", "threshold"] = option(
        "dense", help="which scores of a row are kept: all, the largest, or those above a threshold"
    )
    scores_k: int = option(
        32, help="top-k: how many scores of a row are kept", validator=attrs.validators.ge(1)
    )
    scores_tau: float = option(
        0.0, help="top-k and threshold: scores are kept as how far they are above this"
    )
    scores_dtype: Literal["float32", "float16", "bfloat16"] = option(
        "float32", help="dense and threshold: what stored scores are rounded to"
    )
    normalize: Literal["none", "center", "standardize", "unit-norm", "zca", "pca"] = option(
        "none", help="what activations go through before the method, and before its scorer"
    )
    normalize_epsilon: float = option(
        1e-3,
        help="zca and pca: part of the mean variance that is added to every variance",
        validator=attrs.validators.gt(0),
    )

    @property
    def order_seed(self) -> int:
        """The seed of the order of training batches."""
        return self.seed if self.shuffle_seed is None else self.shuffle_seed


@attrs.frozen
class Choice:
    """One plugin object and its options."""

    spec: Spec
    options: Any

    def build(self, **arguments: Any) -> Any:
        """Import the factory and call it: `factory(options, **arguments)`."""
        return self.spec.load()(self.options, **arguments)

    def to_json(self) -> dict[str, Any]:
        """`{"name": ..., option: value, ...}`, as it stands in a configuration file."""
        return {"name": self.spec.name, **unstructure(self.options)}


@attrs.frozen(kw_only=True)
class SourceConfig:
    """Where activations come from and how they are kept."""

    run: RunOptions
    dataset: Choice
    backbone: Choice
    storage: Choice

    def to_json(self) -> dict[str, Any]:
        """Plain values by section; the same mapping is accepted as a configuration file."""
        return {
            name: unstructure(part) if name == "run" else part.to_json()
            for name, part in attrs.asdict(self, recurse=False).items()
        }


@attrs.frozen(kw_only=True)
class RunConfig(SourceConfig):
    """One method on one dataset, and the probe that measures it."""

    method: Choice
    probe: Choice

    @property
    def method_spec(self) -> MethodSpec:
        """The method's spec, by its own type."""
        assert isinstance(self.method.spec, MethodSpec)
        return self.method.spec

    @property
    def digest(self) -> str:
        """Twelve hex digits that change with any value of the configuration."""
        return digest_of(self.to_json())


def digest_of(value: Any) -> str:
    """Twelve hex digits of the canonical JSON of `value`."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def names_of(raw: RawConfig, registry: Registry, kinds: tuple[str, ...]) -> dict[str, Spec]:
    """The specs that `raw` picks, defaults filled in; kinds that it leaves open are absent.

    Raises ConfigError with every name that is not installed.
    """
    chosen: dict[str, Spec] = {}
    problems: list[str] = []
    for kind in kinds:
        default = DEFAULTS.get(kind)
        if kind == "backbone" and isinstance(dataset := chosen.get("dataset"), DatasetSpec):
            default = dataset.backbone
        name = raw.get(kind, {}).get("name", default)
        try:
            if name is not None:
                chosen[kind] = registry.get(kind_of(kind), str(name))
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    return chosen


def kind_of(section: str) -> str:
    """The kind of plugin object that a section picks: `--track` picks a tracker."""
    return "tracker" if section == TRACK else section


def resolve_source(raw: RawConfig, registry: Registry) -> SourceConfig:
    """Structure what `traits extract` needs; ConfigError lists every mistake, one a line."""
    return SourceConfig(**_resolve(raw, registry, SOURCE_KINDS))


def resolve_run(raw: RawConfig, registry: Registry) -> RunConfig:
    """Structure what `traits run` needs; ConfigError lists every mistake, one a line."""
    return RunConfig(**_resolve(raw, registry, RUN_KINDS))


def resolve_track(raw: RawConfig, registry: Registry) -> Choice | None:
    """The tracker that is to watch, None when none is asked for; it changes no result and no digest."""
    choice: Choice | None = _resolve(raw, registry, (TRACK,))[TRACK] if raw.get(TRACK) else None
    return choice


def _resolve(raw: RawConfig, registry: Registry, kinds: tuple[str, ...]) -> dict[str, Any]:
    problems = [
        f"no section {section!r}.{suggest(section, RUN_KINDS)} "
        f"Allowed: run, {', '.join(RUN_KINDS)}, {TRACK}"
        for section in raw
        if section not in ("run", *RUN_KINDS, TRACK)
    ]
    specs = names_of(raw, registry, kinds)
    parts: dict[str, Any] = {}
    for kind in ("run", *kinds):
        options = {key: value for key, value in raw.get(kind, {}).items() if key != "name"}
        try:
            if kind == "run":
                parts[kind] = structure(RunOptions, raw.get(kind, {}))
            elif kind in specs:
                parts[kind] = Choice(
                    specs[kind], structure(specs[kind].config, options, f"{kind}.")
                )
            elif not (kind == "backbone" and "dataset" not in specs):
                names = ", ".join(spec.name for spec in registry.specs(kind_of(kind))) or "none"
                problems.append(f"{flag('', kind)} is required. Installed: {names}")
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    return parts
