"""The contract checks as pytest cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from traits_core.errors import PluginError
from traits_core.testing.case import Case, Check, checks_of, find_cases
from traits_core.testing.expect import NotApplicable
from traits_core.testing.runner import perform

if TYPE_CHECKING:
    import pytest


def contract_cases(
    *names: str, expected_failures: Mapping[str, str] | None = None
) -> pytest.MarkDecorator:
    """Parametrise a test over `check`, one callable for each check of each object.

        @contract_cases("mine", expected_failures={"check_memory_is_bounded": "keeps rows"})
        def test_contract(check):
            check()

    Parameters
    ----------
    names: as for `traits plugin check`; none means everything that is installed
    expected_failures: reasons by name of a check; one that passes after all is an error

    Raises PluginError for an unknown name or check, and for a plugin that could not be loaded.
    """
    import pytest

    from traits_core.registry.loader import load_registry

    reasons = dict(expected_failures or {})
    cases = find_cases(load_registry(), *names)
    pairs = [(case, check) for case in cases for check in checks_of(case.spec.kind)]
    if unknown := reasons.keys() - {check.__name__ for _, check in pairs}:
        raise PluginError(
            f"expected_failures names no check of these: {', '.join(sorted(unknown))}"
        )
    return pytest.mark.parametrize(
        "check",
        [
            pytest.param(
                _bound(check, case),
                id=f"{case.label}-{check.__name__}",
                marks=[pytest.mark.xfail(reason=reasons[check.__name__], strict=True)]
                if check.__name__ in reasons
                else [],
            )
            for case, check in pairs
        ],
    )


def _bound(check: Check, case: Case) -> Callable[[], None]:
    def run() -> None:
        import pytest

        try:
            perform(check, case)
        except NotApplicable as reason:
            pytest.skip(str(reason))

    return run
