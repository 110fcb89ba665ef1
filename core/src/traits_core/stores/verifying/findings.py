"""What verification has to say: findings are values, and a report holds those of one place."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import attrs


class Severity(StrEnum):
    """How bad a finding is, worst first."""

    UNREADABLE = "unreadable"
    """Nothing here can be believed, and nothing is changed by a repair."""
    DAMAGED = "damaged"
    """Bytes are missing or wrong; a repair makes them incomplete."""
    SUSPECT = "suspect"
    """The bytes are those that were written, and are not what a method can learn from."""
    INCOMPLETE = "incomplete"
    """Rows are not written yet, or not any more."""
    LEFTOVER = "leftover"
    """Something that belongs to nobody; no row is lost."""


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that is not as it should be.

    Parameters
    ----------
    severity: how bad it is
    what: what is wrong, with the value, on one line
    advice: what to do about it
    shard: the shard that is lost with it; -1 stands for the files beside the shards
    file: relative to the directory that was verified
    line: of the manifest, from 1
    """

    severity: Severity
    what: str
    advice: str
    shard: int | None = None
    file: str | None = None
    line: int | None = None


@attrs.frozen(kw_only=True)
class Checked:
    """How much was looked at; bytes are those of committed files."""

    rows: int = 0
    shards: int = 0
    files: int = 0
    bytes: int = 0
    hashed_bytes: int = 0
    """Read and compared with their checksums."""
    measured_rows: int = 0
    """Decoded and compared with the statistics in the manifest."""


@attrs.frozen(kw_only=True)
class Report:
    """All findings about one store or scorer.

    Parameters
    ----------
    path: its directory
    kind: `store` or `scorer`
    findings: worst first
    checked: how much was looked at
    repaired: what a repair did, a line each
    """

    path: Path
    kind: str
    findings: tuple[Finding, ...]
    checked: Checked = Checked()
    repaired: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """True when nothing was found."""
        return not self.findings

    @property
    def readable(self) -> bool:
        """False when nothing here can be believed."""
        return all(finding.severity is not Severity.UNREADABLE for finding in self.findings)


def worst_first(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort by severity, then by shard; otherwise in the order in which they were found."""
    ranks = list(Severity)
    return tuple(
        sorted(
            findings,
            key=lambda f: (ranks.index(f.severity), -2 if f.shard is None else f.shard),
        )
    )
