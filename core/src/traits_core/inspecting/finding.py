"""What an inspection says: the kind of a thing, and its facts in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Finding:
    """One recognised thing.

    Parameters
    ----------
    path: where it is
    kind: `store`, `run`, `scorer`, the name of a format, or that of a file type
    summary: one line that says what it is
    facts: plain JSON values by label
    """

    path: Path
    kind: str
    summary: str
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """All of it as one flat object."""
        return {"path": str(self.path), "kind": self.kind, "summary": self.summary, **self.facts}
