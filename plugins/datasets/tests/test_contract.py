"""Every dataset and backbone of this plugin keeps its contract."""

import pytest

from traits_core.testing import contract_cases


@pytest.mark.slow  # python-source and minilm, where the extra `text` is installed
@contract_cases("datasets")
def test_contract(check):
    check()
