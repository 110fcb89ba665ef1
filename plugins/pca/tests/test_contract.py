from traits_core.testing import contract_cases


@contract_cases("pca")
def test_contract(check):
    check()
