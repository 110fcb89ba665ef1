"""Several runs that differ in method or seed, and want the same batches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import attrs

from traits_core.config.run_config import RunConfig
from traits_core.errors import ConfigError

OWN: Final = ("seed", "shuffle_seed")
"""Run options that each run may have of its own; the order that they mean is compared."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """The seeds that `0..3` (both ends included) or `0,2,5` names, in order, each once.

    Raises ConfigError for anything else.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)(?:\.\.(\d+))?\s*", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first:
            raise ConfigError(
                f"--seeds {text}: must read FIRST..LAST or a list, as in 0..3 or 0,2,5"
            )
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))


def with_seeds(config: RunConfig, seeds: Sequence[int]) -> list[RunConfig]:
    """One configuration per seed; all take batches in the order of the first seed, or `shuffle_seed`."""
    given = config.run.shuffle_seed
    order = seeds[0] if given is None else given

    def of(seed: int) -> RunConfig:
        shuffle = None if given is None and seed == order else order
        return attrs.evolve(config, run=attrs.evolve(config.run, seed=seed, shuffle_seed=shuffle))

    return [of(seed) for seed in seeds]


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
    """All that decides which batches a run is trained on, by `section.option`."""
    sections = {**config.to_json(), "order": {"seed": config.run.order_seed}}
    return {
        f"{section}.{name}": value
        for section, options in sections.items()
        for name, value in options.items()
        if section not in ("method", "probe") and not (section == "run" and name in OWN)
    }
