"""The commands that are part of the core: no plugin can take their names."""

from __future__ import annotations

from typing import Final

CORE_COMMANDS: Final = (
    *("run", "extract", "train", "materialize", "probe", "report"),
    *("runs", "compare", "convert", "inspect", "stats", "verify", "plugin"),
)
