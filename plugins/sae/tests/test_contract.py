from traits_core.testing import contract_cases


@contract_cases("sae")
def test_contract(check):
    check()
