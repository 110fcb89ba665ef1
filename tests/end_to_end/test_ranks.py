"""Two processes under torchrun learn, with every method, what one process learns."""

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.scoring.saved import load_scorer
from traits_core.stages.compose import splits, train_several
from traits_core.stages.context import Context
from traits_core.stages.extract import extract, open_source
from traits_core.stages.rundir import run_root

DRIVER = Path(__file__).with_name("ranks.py")
SPEC = importlib.util.spec_from_file_location("ranks", DRIVER)
ranks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ranks)

pytestmark = pytest.mark.slow


def torchrun(home, stop_at=0):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--master-port", str(port)]
    command = [sys.executable, "-m", "torch.distributed.run", *words, DRIVER, home, str(stop_at)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def context(home, registry):
    return Context(home=home, registry=registry, device=torch.device("cpu"), progress=Silent())


@pytest.fixture(scope="module")
def registry():
    return load_registry()


@pytest.fixture(scope="module")
def extracted(registry, tmp_path_factory):
    """A home with the activations alone."""
    home = tmp_path_factory.mktemp("extracted")
    config = ranks.configs(registry)[0]
    source = open_source(config, context(home, registry))
    for split in splits(config):
        extract(source, split, context(home, registry))
    return home


@pytest.fixture
def home(extracted, tmp_path):
    return Path(shutil.copytree(extracted, tmp_path / "home"))


@pytest.fixture(scope="module")
def learned(registry):
    """By method, the scores of fixed rows and the metrics of the last epoch."""
    rows_bd = torch.rand(64, 64, generator=torch.Generator().manual_seed(0))

    def of(home):
        found = {}
        for config in ranks.configs(registry):
            root = run_root(home, config)
            scorer, facts = load_scorer(root / "scorer", registry, torch.device("cpu"))
            metrics = root / "metrics.jsonl"
            lines = metrics.read_text().splitlines() if metrics.exists() else []
            found[config.method.spec.name] = (
                scorer(rows_bd[:, : facts.feature.d_model]),
                [line for line in map(json.loads, lines) if line["kind"] == "epoch"],
            )
        return found

    return of


@pytest.fixture(scope="module")
def expected(extracted, registry, learned, tmp_path_factory):
    """What one process learns."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    home = Path(shutil.copytree(extracted, tmp_path_factory.mktemp("one") / "home"))
    train_several(ranks.configs(registry), context(home, registry))
    torch.set_num_threads(threads)
    return learned(home)


def numbers(line):
    """Those that every run repeats; of a histogram its ends, since rounding moves values between bins."""
    found = {}
    for name, value in line.items():
        if isinstance(value, dict):
            found |= {f"{name}/{end}": value[end] for end in ("low", "high")}
        elif name not in ("seconds", "rows_per_second", "peak_bytes", "kind"):
            found[name] = value
    return found


def check_close(found, expected):
    assert found.keys() == expected.keys()
    for name, (scores_bk, epochs) in expected.items():
        torch.testing.assert_close(found[name][0], scores_bk, rtol=1e-3, atol=1e-3, msg=name)
        assert len(found[name][1]) == len(epochs)
        for ours, theirs in zip(found[name][1], epochs, strict=True):
            assert numbers(ours) == pytest.approx(numbers(theirs), rel=1e-3, abs=1e-6)


def test_every_method_learns_the_same_in_two_processes(home, expected, learned):
    finished = torchrun(home)
    assert finished.returncode == 0, finished.stderr
    check_close(learned(home), expected)


def test_a_signal_to_one_process_stops_both_and_any_number_goes_on(
    home, expected, learned, registry
):
    stopped = torchrun(home, stop_at=57)
    assert stopped.returncode != 0
    assert stopped.stderr.count("stopped by SIGTERM: the same command goes on from here") == 1
    (kmeans,) = home.glob("runs/kmeans-*")
    newest = sorted(path.name for path in kmeans.glob("checkpoints/step-*"))[-2:]
    assert newest == ["step-000000057.rank-1.safetensors", "step-000000057.safetensors"]
    copy = Path(shutil.copytree(home, home.with_name("copy")))
    train_several(ranks.configs(registry), context(copy, registry))
    check_close(learned(copy), expected)
    again = torchrun(home)
    assert again.returncode == 0, again.stderr
    check_close(learned(home), expected)
