"""Sparse autoencoders in the loop that all methods share: their state is far more than weights."""

import json

import pytest
import torch

from traits_core.config.run_config import resolve_run
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.stages.compose import run_all
from traits_core.stages.context import Context
from traits_core.tensors import load_tensors
from traits_plugin_sae.method import Sae

OPTIONS = {
    "name": "sae",
    "n_latents": 48,
    "k": 4,
    "max_epochs": 4,
    "step_rows": 128,
    # Latents die, learn from errors and start again before and after the instant of the fault.
    "dead_after": 2,
    "resample_every": 3,
    "decay": 0.1,
}


class PowerCutError(Exception):
    """Nothing that the product knows of."""


@pytest.mark.parametrize("architecture", ["topk", "batchtopk", "jumprelu"])
def test_a_run_that_breaks_off_between_checkpoints_ends_as_one_that_does_not(
    architecture, tmp_path, monkeypatch
):
    registry = load_registry()
    config = resolve_run(
        {
            "method": {**OPTIONS, "architecture": architecture},
            "dataset": {"name": "digits", "limit": 64},
            "run": {"batch_size": 256, "checkpoint_every": 3},
        },
        registry,
    )
    update = Sae.update
    torch.set_num_threads(1)

    def run(name, fatal=None):
        calls = 0

        def counted(self, acts_bd):
            nonlocal calls
            calls += 1
            if calls == fatal:
                raise PowerCutError
            return update(self, acts_bd)

        monkeypatch.setattr(Sae, "update", counted)
        cpu = torch.device("cpu")
        run_all(
            config,
            Context(home=tmp_path / name, registry=registry, device=cpu, progress=Silent()),
        )
        return calls

    def outcome(name):
        (root,) = (tmp_path / name / "runs").iterdir()
        lines = [json.loads(line) for line in (root / "metrics.jsonl").read_text().splitlines()]
        timed = ("seconds", "rows_per_second", "peak_bytes")
        metrics = [{key: v for key, v in line.items() if key not in timed} for line in lines]
        return metrics, load_tensors(root / "scorer" / "scorer.safetensors")[0]

    in_all = run("whole")
    with pytest.raises(PowerCutError):
        run("broken", fatal=9)
    again = run("broken")
    assert 0 < again - (in_all - 8) <= 3, "only what followed the last checkpoint is done again"
    (expected, tensors), (metrics, resumed) = outcome("whole"), outcome("broken")
    assert metrics == expected
    assert tensors.keys() == resumed.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, resumed[name]), name
