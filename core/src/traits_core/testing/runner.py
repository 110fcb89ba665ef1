"""`traits plugin check`: the contract checks without pytest."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from traceback import extract_tb
from typing import Any

import attrs

from traits_core.registry.plugins import Registry
from traits_core.testing.case import Case, Check, checks_of, find_cases
from traits_core.testing.expect import ContractError, NotApplicable, one_line


class Verdict(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one check of one object; `reason` says why it failed or was skipped."""

    subject: str
    check: str
    verdict: Verdict
    reason: str = ""

    @property
    def failed(self) -> bool:
        """True when the contract is broken."""
        return self.verdict is Verdict.FAILED

    @property
    def line(self) -> str:
        """One line for people."""
        line = f"{self.verdict:<8} {self.subject}::{self.check}"
        return f"{line}: {self.reason}" if self.reason else line

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return attrs.asdict(self) | {"verdict": str(self.verdict)}


def check_plugin(name: str, registry: Registry) -> Iterator[Outcome]:
    """Run the checks on everything that `name` means, and yield each outcome as it is known.

    Raises PluginError, at once, when there is no such plugin or object, or it is broken.
    """
    cases = find_cases(registry, name)
    return (run_check(check, case) for case in cases for check in checks_of(case.spec.kind))


def run_check(check: Check, case: Case) -> Outcome:
    """Run one check; whatever the plugin raises is its outcome."""
    try:
        perform(check, case)
    except NotApplicable as error:
        return _outcome(check, case, Verdict.SKIPPED, str(error))
    except ContractError as error:
        return _outcome(check, case, Verdict.FAILED, str(error))
    except (Exception, SystemExit) as error:  # a plugin may do anything
        return _outcome(check, case, Verdict.FAILED, f"raised {one_line(error)} ({_place(error)})")
    return _outcome(check, case, Verdict.PASSED, "")


def perform(check: Check, case: Case) -> None:
    """Run one check on one thread, and leave the process as it was."""
    from traits_core.testing.surroundings import kept_as_they_are

    with kept_as_they_are():
        check(case)


def _place(error: BaseException) -> str:
    """The last line of code that is no library's."""
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    return f"{own[-1].filename}:{own[-1].lineno}"


def _outcome(check: Check, case: Case, verdict: Verdict, reason: str) -> Outcome:
    return Outcome(subject=case.label, check=check.__name__, verdict=verdict, reason=reason)
