"""The contract that plugin objects keep, as checks: for pytest, and for `traits plugin check`."""

from traits_core.testing.case import Case
from traits_core.testing.expect import ContractError, NotApplicable
from traits_core.testing.parametrize import contract_cases
from traits_core.testing.ranks import run_ranks
from traits_core.testing.runner import Outcome, check_plugin

__all__ = [
    "Case",
    "ContractError",
    "NotApplicable",
    "Outcome",
    "check_plugin",
    "contract_cases",
    "run_ranks",
]
