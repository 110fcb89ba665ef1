from traits_core.testing import contract_cases


@contract_cases("kmeans")
def test_contract(check):
    check()
