"""A spike of the loss, as a user meets it: the run stops, says why, and goes on from before."""

import sys

import pytest
import torch

from traits_core import load_tensors
from traits_core.cli.app import main
from traits_plugin_sae.method import Sae

RUN = ["run", "--method", "sae", "--dataset", "digits", "--dataset.limit", "200", "--device", "cpu"]
SMALL = ["--method.n-latents=24", "--method.steps=90", "--method.step-rows=256"]
OFTEN = ["--set", "run.batch_size=256", "--set", "run.checkpoint_every=4"]
SPIKE = 70  # the median of 64 losses is known by then


def traits_run(monkeypatch, home):
    """The exit code of a run into `home`."""
    monkeypatch.setattr(sys, "argv", ["traits", *RUN, *SMALL, *OFTEN, "--home", str(home)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def scorer_of(home):
    (path,) = home.glob("runs/*/scorer/scorer.safetensors")
    return load_tensors(path)[0]


@pytest.mark.slow
def test_a_spike_ends_the_run_and_the_checkpoint_before_it_goes_on(tmp_path, monkeypatch, capsys):
    update, calls = Sae.update, []
    torch.set_num_threads(1)

    def spiking(self, acts_bd):
        calls.append(None)
        return update(self, acts_bd * (1e4 if len(calls) == SPIKE + 1 else 1))

    with monkeypatch.context() as broken:
        broken.setattr(Sae, "update", spiking)
        assert traits_run(broken, tmp_path / "spiked") == 2
    message = capsys.readouterr().err
    assert f"the loss of step {SPIKE} is" in message
    assert "go on from the last checkpoint" in message
    assert not list((tmp_path / "spiked").glob("runs/*/scorer"))
    assert traits_run(monkeypatch, tmp_path / "spiked") == 0
    assert "resumed at epoch" in capsys.readouterr().err
    assert traits_run(monkeypatch, tmp_path / "whole") == 0
    expected, found = scorer_of(tmp_path / "whole"), scorer_of(tmp_path / "spiked")
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
