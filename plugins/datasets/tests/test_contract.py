"""Every dataset and backbone of this plugin keeps its contract."""

from traits_core.testing import contract_cases


@contract_cases("datasets")
def test_contract(check):
    check()
