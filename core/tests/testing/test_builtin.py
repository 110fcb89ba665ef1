"""The formats and the tracker of the core keep the contract that they ask of others."""

import pytest

from traits_core.testing import contract_cases


@contract_cases("format:npz", "format:saev")
def test_formats(check):
    check()


@pytest.mark.slow
@contract_cases("tracker:wandb")
def test_tracker(check):
    check()
