import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from traits_core import StoreError, load_tensors, save_tensors

BATCH, EPOCHS = 100, 5


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def steps(rows_nd):
    """What the loop does after `initialize`: None ends an epoch."""
    return [*torch.split(rows_nd, BATCH), None] * EPOCHS


def advance(method, todo):
    return [
        dict(method.end_epoch() if acts_bd is None else method.update(acts_bd)) for acts_bd in todo
    ]


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    boundary=st.integers(0, 5 * EPOCHS),
    seed=st.integers(0, 3),
    exact_passes=st.sampled_from([0, 2, EPOCHS]),
    distance=st.sampled_from(["euclidean", "cosine"]),
)
def test_resume_equals_uninterrupted_at_every_boundary(
    boundary, seed, exact_passes, distance, learner, planted, tmp_path_factory
):
    rows_nd, _ = planted(n=400, d=5, spread=2.0)
    options = {
        "n_clusters": 20,
        "small_cluster": 0.9,
        "max_epochs": EPOCHS,
        "tol": 0.0,
        "patience": EPOCHS,
        "exact_passes": exact_passes,
        "first_window": 2.0,
        "window": 8.0,
        "distance": distance,
    }
    todo = steps(rows_nd)
    whole = learner(5, seed=seed, **options)
    whole.initialize(rows_nd)
    head = advance(whole, todo[:boundary])
    path = tmp_path_factory.mktemp("checkpoint") / "state.safetensors"
    save_tensors(path, whole.state_dict())
    tail = advance(whole, todo[boundary:])

    resumed = learner(5, seed=seed, **options)
    resumed.load_state_dict(load_tensors(path)[0])
    torch.testing.assert_close(advance(resumed, todo[boundary:]), tail, rtol=0, atol=0)
    assert sum(metrics.get("n_reseeded", 0) for metrics in head + tail) > 0
    assert resumed.done
    assert whole.done
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_whether_it_is_done_survives_a_checkpoint(learner, fit, planted):
    rows_nd, _ = planted(spread=0.1)
    method = learner(16, n_clusters=12, max_epochs=50)
    fit(method, rows_nd)
    resumed = learner(16, n_clusters=12, max_epochs=50)
    assert not resumed.done
    resumed.load_state_dict(method.state_dict())
    assert resumed.done


def test_a_state_is_a_copy(learner, planted):
    rows_nd, _ = planted(n=200)
    method = learner(16, n_clusters=4)
    method.initialize(rows_nd)
    state = method.state_dict()
    kept = {name: tensor.clone() for name, tensor in state.items()}
    method.update(rows_nd)
    method.end_epoch()
    assert all(torch.equal(state[name], kept[name]) for name in kept)
    pointers = [tensor.data_ptr() for tensor in state.values()]
    assert len(set(pointers)) == len(pointers)


def test_a_checkpoint_of_other_options_is_refused(learner):
    state = learner(3, n_clusters=5).state_dict()
    with pytest.raises(StoreError, match=r"4 clusters of 3 dimensions: .*centroids_kd"):
        learner(3, n_clusters=4).load_state_dict(state)
