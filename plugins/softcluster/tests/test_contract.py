from traits_core.testing import contract_cases


@contract_cases("softcluster")
def test_contract(check):
    check()
