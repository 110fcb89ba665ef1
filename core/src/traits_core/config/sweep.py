"""Several runs of one command: each combination of the options that vary, all on the same batches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Final

import attrs

from traits_core.config.run_config import RawConfig, RunConfig, resolve_run
from traits_core.config.sources import merge, split_pair
from traits_core.errors import ConfigError
from traits_core.registry.plugins import Registry

Axes = Mapping[tuple[str, str], Sequence[Any]]
"""The values of each section and option that varies."""

SEED: Final = ("run", "seed")
"""The axis of `--seeds`."""

VARYING: Final = ("method", "probe")
"""Sections that decide nothing about the batches."""

OWN: Final = ("run.seed", "run.shuffle_seed")
"""Other options that each run may have of its own; the order that they mean is compared."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """The seeds that `0..3` (both ends included) or `0,2,5` names, in order, each once.

    Raises ConfigError for anything else.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)(?:\.\.(\d+))?\s*", part)
        if not found:
            raise ConfigError(
                f"--seeds {text}: must read FIRST..LAST or a list, as in 0..3 or 0,2,5"
            )
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise ConfigError(f"--seeds {text}: {first} is greater than {last}")
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))


def parse_vary(pairs: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Read `SECTION.OPTION=VALUE,VALUE`; values that are lists themselves are separated by `;`.

    Raises ConfigError for anything else, and for options on which the batches depend.
    """
    axes: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        section, name, text = split_pair("--vary", pair, "method.n_clusters=16,32")
        if section not in VARYING:
            raise ConfigError(
                f"--vary {section}.{name}: only options of {' and '.join(VARYING)} vary on one pass, "
                "and the seed by --seeds 0..3; start a command per value"
            )
        values = text.split(";" if ";" in text else ",")
        axes.setdefault((section, name), []).extend(value.strip() for value in values)
    return axes


def sweep(raw: RawConfig, axes: Axes, registry: Registry) -> list[RunConfig]:
    """One configuration per combination of the values, each once; the last axis changes fastest.

    All take batches in the order of the first seed, or of `shuffle_seed`. Raises ConfigError as
    `resolve_run` does.
    """
    configs = []
    for values in product(*axes.values()):
        chosen: dict[str, dict[str, Any]] = {}
        for (section, name), value in zip(axes, values, strict=True):
            chosen.setdefault(section, {})[name] = value
        configs.append(resolve_run(merge(raw, chosen), registry))
    order = configs[0].run.order_seed
    ordered = [_with_order(config, order) for config in configs]
    return list({config.digest: config for config in ordered}.values())


def _with_order(config: RunConfig, order: int) -> RunConfig:
    if config.run.order_seed == order:
        return config
    return attrs.evolve(config, run=attrs.evolve(config.run, shuffle_seed=order))


def differences(configs: Sequence[RunConfig]) -> list[dict[str, Any]]:
    """What each configuration has otherwise than another one, by `section.option`, the seed last."""
    return differences_of([config.to_json() for config in configs])


def differences_of(raws: Sequence[RawConfig]) -> list[dict[str, Any]]:
    """`differences` of plain values, as `run.json` keeps them: no plugin is needed."""
    tables = [_options(raw) for raw in raws]
    names = dict.fromkeys(name for table in tables for name in table)
    differing = [
        name
        for name in sorted(names, key=OWN.__contains__)
        if name != "run.shuffle_seed" and _differs(name, tables)
    ]
    return [{name: table[name] for name in differing if name in table} for table in tables]


def _differs(name: str, tables: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it has several values; an option of two methods is two options."""
    owner = f"{name.partition('.')[0]}.name"
    values: dict[Any, set[str]] = {}
    for table in tables:
        if name in table:
            of = None if name == owner else table.get(owner)
            values.setdefault(of, set()).add(repr(table[name]))
    return any(len(found) > 1 for found in values.values())


def column(name: str) -> str:
    """A short name for `section.option`."""
    return name.removeprefix("method.").removeprefix("run.")


def label(difference: Mapping[str, Any]) -> str:
    """The difference in a line, as in `k=16, seed 0`; of another method, its name."""
    words = {"method.name": "{1}", "run.seed": "seed {1}"}
    return ", ".join(
        words.get(name, "{0}={1}").format(column(name), value) for name, value in difference.items()
    )


def refuse_other_batches(configs: Sequence[RunConfig]) -> None:
    """Raise ConfigError unless all configurations want the same batches."""
    first, *others = map(_batches_of, configs)
    for other in others:
        wrong = [
            f"{name} ({first[name]}, {other.get(name)})"
            for name in first
            if first[name] != other.get(name)
        ]
        if wrong or first.keys() != other.keys():
            raise ConfigError(
                "runs that share a pass must agree in all but method, probe and seed; they differ in "
                f"{', '.join(wrong) or 'dataset, backbone or storage'}"
            )


def _batches_of(config: RunConfig) -> dict[str, Any]:
    """All that decides which batches a run is trained on."""
    deciding = {
        name: value
        for name, value in _options(config.to_json()).items()
        if name not in OWN and name.partition(".")[0] not in VARYING
    }
    return {**deciding, "order.seed": config.run.order_seed}


def _options(raw: RawConfig) -> dict[str, Any]:
    """The plain values by `section.option`."""
    return {
        f"{section}.{name}": value
        for section, options in raw.items()
        for name, value in options.items()
    }
