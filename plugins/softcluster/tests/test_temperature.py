import warnings

import attrs
import pytest
import torch

from traits_plugin_softcluster.config import SoftClusterConfig
from traits_plugin_softcluster.temperature import (
    Softness,
    softest_temperature,
    warn_if_too_soft,
)


@pytest.fixture
def rows_nd():
    rows_nd = torch.randn(600, 48, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.normalize(rows_nd, dim=1)


@pytest.mark.parametrize(("members", "least"), [(16, 0.01), (4, 0.0), (16, 0.6)])
def test_the_softest_temperature_is_just_within_both_bounds(rows_nd, members, least):
    cosines_nk = rows_nd[:300] @ rows_nd[300:].T
    found = softest_temperature(cosines_nk, members, least)
    allowed = max(1.5, members / 4)
    at, above = (Softness.of(cosines_nk, t, least) for t in (found, 1.05 * found))
    assert at.effective <= allowed
    assert at.lost <= 0.01
    assert above.effective > allowed or above.lost > 0.01


def test_softness_counts_rows_and_clusters():
    cosines_nk = torch.tensor([[1.0, 1.0, 1.0, 1.0], [100.0, 0.0, 0.0, 0.0]])
    softness = Softness.of(cosines_nk, 1.0, 0.5)
    assert softness.lost == 0.5
    assert softness.effective == pytest.approx((4 + 1) / 2)


@pytest.mark.parametrize(("n_clusters", "temperature"), [(10, 1.0), (256, 1.0), (256, 10.0)])
def test_nearly_uniform_memberships_are_warned_of(rows_nd, n_clusters, temperature):
    config = SoftClusterConfig(n_clusters=n_clusters, temperature=temperature)
    centres_kd = rows_nd[-n_clusters:]
    with pytest.warns(UserWarning, match=f"too high for {n_clusters} clusters") as caught:
        warn_if_too_soft(rows_nd[:300], centres_kd, config)
    suggested = float(str(caught[0].message).rsplit(" ", 1)[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_too_soft(rows_nd[:300], centres_kd, attrs.evolve(config, temperature=suggested))


@pytest.mark.parametrize("n_clusters", [1, 2, 10, 256])
def test_the_default_temperature_is_not_warned_of(rows_nd, n_clusters):
    config = SoftClusterConfig(n_clusters=n_clusters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_too_soft(rows_nd, rows_nd[:n_clusters], config)
