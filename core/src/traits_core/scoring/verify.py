"""Is a scorer on disk what its method wrote?"""

from __future__ import annotations

from pathlib import Path

from traits_core.errors import StoreError
from traits_core.scoring.saved import read_facts
from traits_core.stores.verifying.findings import Finding, Report, Severity


def verify_scorer(directory: Path) -> Report:
    """Compare the sha256 of every file of a scorer with `scorer.json`; changes nothing."""
    try:
        read_facts(directory)
    except StoreError as error:
        finding = Finding(
            severity=Severity.DAMAGED,
            what=str(error).removeprefix(f"{directory}: "),
            advice="remove the directory and run `traits train` with the run's options again",
        )
        return Report(path=directory, kind="scorer", findings=(finding,))
    return Report(path=directory, kind="scorer", findings=())
