"""Where raw values come from, low to high: a file, `--set` pairs, options of the command line."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from traits_core.config.run_config import RawConfig
from traits_core.config.structure import SHORT
from traits_core.errors import ConfigError


def read_config(path: Path) -> RawConfig:
    """Read a TOML file, or the `run.json` of a run; raises ConfigError when it is neither."""
    try:
        text = path.read_text(encoding="utf-8")
        tables = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--config {path}: cannot be read: {error}") from error
    if path.suffix == ".json":
        tables = tables.get("config") if isinstance(tables, dict) else None
    if not isinstance(tables, dict):
        raise ConfigError(f"--config {path}: no run.json: it holds no table 'config'")
    return {name: _table(path, name, value) for name, value in tables.items()}


def _table(path: Path, name: str, value: Any) -> Mapping[str, Any]:
    """`method = "kmeans"` is short for a table with nothing but a name."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict):
        return {key.replace("-", "_"): option for key, option in value.items()}
    raise ConfigError(f"--config {path}: {name} must be a table, got {SHORT.repr(value)}")


def parse_set(pairs: Iterable[str]) -> RawConfig:
    """Read `SECTION.OPTION=VALUE` pairs."""
    tables: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        section, name, value = split_pair("--set", pair, "run.seed=1")
        tables.setdefault(section, {})[name] = value
    return tables


def split_pair(flag: str, pair: str, example: str) -> tuple[str, str, str]:
    """Section, option and value of `SECTION.OPTION=VALUE`; ConfigError for anything else."""
    key, equals, value = pair.partition("=")
    section, dot, name = key.partition(".")
    if not (equals and dot and section and name):
        raise ConfigError(f"{flag} {pair}: expected SECTION.OPTION=VALUE, e.g. {example}")
    return section, name.replace("-", "_"), value


def merge(*layers: RawConfig) -> RawConfig:
    """Later layers win, option by option; another `name` drops the options of the earlier one.

    Another dataset drops the backbone of earlier layers too, which was chosen, or filled in, for the
    dataset that they name.
    """
    merged: dict[str, dict[str, Any]] = {}
    for layer in layers:
        other = [section for section in layer if _is_other(section, layer, merged)]
        for section in [*other, *(["backbone"] if "dataset" in other else [])]:
            merged.pop(section, None)
        for section, options in layer.items():
            merged.setdefault(section, {}).update(options)
    return merged


def _is_other(section: str, layer: RawConfig, earlier: RawConfig) -> bool:
    """Whether a layer picks another plugin object than the layers before it."""
    before, now = earlier.get(section, {}).get("name"), layer[section].get("name")
    return None not in (before, now) and before != now
