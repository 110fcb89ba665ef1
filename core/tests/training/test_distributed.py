"""What the environment says of the processes that train together."""

import pytest
import torch

from traits_core import ConfigError
from traits_core.training.distributed import VARIABLES, connected, is_first

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _no_torchrun(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_without_torchrun_there_is_one_process():
    with connected(CPU) as (comm, device):
        assert (comm.world_size, comm.rank, device) == (1, 0, CPU)
    assert is_first()


def test_one_process_of_torchrun_needs_no_connection(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, "1" if name == "WORLD_SIZE" else "0")
    with connected(CPU) as (comm, _):
        assert comm.world_size == 1


def test_a_half_set_environment_is_refused_by_what_it_lacks(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert not is_first()
    with pytest.raises(ConfigError, match="LOCAL_RANK, MASTER_ADDR, MASTER_PORT"):
        connected(CPU).__enter__()


def test_more_processes_than_gpus_are_refused(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, "2" if name == "WORLD_SIZE" else "1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match="start 1 processes here, or use --device cpu"):
        connected(torch.device("cuda")).__enter__()
