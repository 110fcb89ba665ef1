from traits_core.testing import contract_cases


@contract_cases("random")
def test_contract(check):
    check()
