"""A writer that dies at any moment, and is run again, leaves each row once, right, and nothing else."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest
import torch

from traits_core.stores.writer import StoreWriter

SCRIPT = Path(__file__).with_name("killable_writer.py")
KILLS = 40


@pytest.fixture
def fork_server(header):
    text = json.dumps(attrs.asdict(header))
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), text],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout.readline() == "ready\n"
        yield server
        server.stdin.close()


def write_and_kill(server, root, delay):
    """Start a writer of `root`, kill it after `delay` seconds (None: never); return its exit code."""
    server.stdin.write(f"{root}\n")
    server.stdin.flush()
    pid = int(server.stdout.readline())
    if delay is not None:
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
    server.stdin.write("wait\n")
    server.stdin.flush()
    return int(server.stdout.readline())


@pytest.mark.slow
def test_a_killed_writer_resumes_to_a_whole_store(tmp_path, header, fork_server, assert_holds):
    index = torch.arange(header.rows, dtype=torch.float32)[:, None] + 1
    data = {a.name: index * torch.arange(1, a.columns + 1) for a in header.arrays}
    began = time.monotonic()
    assert write_and_kill(fork_server, tmp_path / "whole", None) == 0
    duration = time.monotonic() - began
    assert_holds(tmp_path / "whole", data)

    choose, kills, stores = random.Random(0), 0, 0
    while kills < KILLS:
        root, stores = tmp_path / f"store-{stores}", stores + 1
        for _ in range(8):
            delay = choose.uniform(0, duration)
            kills += write_and_kill(fork_server, root, delay) == -signal.SIGKILL
        assert write_and_kill(fork_server, root, None) == 0
        assert_holds(root, data)
    assert stores > 1


class Died(BaseException):
    """Stands for the death of the process: nothing in the product catches it."""


@pytest.mark.slow
def test_dying_before_any_change_of_the_disk_loses_no_committed_row(
    tmp_path, header, storage, values, write, assert_holds, monkeypatch
):
    header = attrs.evolve(header, arrays=header.arrays[1:], chunk_rows=header.rows_per_shard)
    data = values(header)
    steps = died = 0
    finished = False
    while not finished:
        root, steps = tmp_path / str(steps), steps + 1
        left = steps

        def dying(real):
            def call(*args, **kwargs):
                nonlocal left
                left -= 1
                if left == 0:
                    raise Died
                return real(*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            for module, name in [
                (os, "fsync"),
                (os, "write"),
                (os, "link"),
                (os, "truncate"),
                (Path, "replace"),
                (Path, "mkdir"),
            ]:
                patch.setattr(module, name, dying(getattr(module, name)))
            patch.setattr("shutil.rmtree", lambda *_, **__: None)  # the dead clean nothing up
            try:
                write(root, header, data)
                finished = True
            except Died:
                died += 1
        with StoreWriter(root, header, storage) as writer:
            assert writer.committed_rows in (0, 8, 16, 20)
        write(root, header, data)
        assert_holds(root, data)
    assert died > 40
