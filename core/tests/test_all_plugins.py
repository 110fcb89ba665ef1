"""Everything that is installed keeps its contract, whether or not it brings tests of its own."""

from traits_core.testing import contract_cases


@contract_cases()
def test_contract(check):
    check()
