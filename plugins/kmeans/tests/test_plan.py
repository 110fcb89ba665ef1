import math
from itertools import pairwise

import attrs
import pytest

from traits_plugin_kmeans.config import KMeansConfig
from traits_plugin_kmeans.plan import Plan, decay, step_rows

PLAN = Plan.of(KMeansConfig(max_epochs=10, exact_passes=2, first_window=12, window=96))


def test_the_last_epochs_are_exact():
    assert [PLAN.is_exact(epoch) for epoch in range(10)] == [False] * 8 + [True] * 2
    assert Plan.of(KMeansConfig(max_epochs=3, exact_passes=5)).is_exact(0)
    assert not Plan.of(KMeansConfig(max_epochs=3, exact_passes=0)).is_exact(2)


def test_the_window_grows_by_a_factor_from_the_first_to_the_last():
    windows = [PLAN.window_of(epoch) for epoch in range(8)]
    assert windows[0] == pytest.approx(12)
    assert windows[-1] == pytest.approx(96)
    factors = [later / earlier for earlier, later in pairwise(windows)]
    assert factors == pytest.approx([8 ** (1 / 7)] * 7)


def test_a_single_mini_batch_epoch_has_the_last_window():
    assert Plan.of(KMeansConfig(max_epochs=3, exact_passes=2)).window_of(0) == 96


@pytest.mark.parametrize("step", [1, 100, 500])
def test_the_memory_is_as_long_as_the_window_whatever_the_step(step):
    kept = decay(step, n_clusters=50, window=20.0)
    assert step / (1 - kept) == pytest.approx(1000, abs=0.6 * step)  # the limit of all weights
    assert kept ** (1000 / step) == pytest.approx(math.exp(-1))


def test_steps_are_an_eighth_of_the_rows_and_twelve_rows_per_cluster_at_most():
    assert step_rows(1024, 100_000) == 12_288
    assert step_rows(1024, 1797) == 224
    assert step_rows(2, 100_000) == 256
    assert step_rows(2, 3) == 1


def after(plan, epoch, *, few_rows=False, stalled=False):
    return plan.after(epoch, few_rows=few_rows, stalled=stalled)


def test_the_plan_stands_while_epochs_improve():
    assert after(PLAN, 3) == PLAN
    assert after(PLAN, 8, few_rows=True) == PLAN


def test_stalled_exact_passes_are_the_last():
    assert after(PLAN, 8, stalled=True).stop_at == 9


def test_fewer_rows_than_the_window_make_all_further_passes_exact():
    assert after(PLAN, 0, few_rows=True) == attrs.evolve(PLAN, exact_from=1)
    no_exact = Plan.of(KMeansConfig(exact_passes=0))
    assert after(no_exact, 0, few_rows=True) == no_exact
