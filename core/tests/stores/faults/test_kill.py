"""A writer that dies at any moment, and is run again, leaves each row once, right, and nothing else."""

import random
import signal
import time

import attrs
import pytest

from traits_core.stores.verifying.findings import Severity

KILLS = 24
"""Of each storage."""
HARMLESS = {Severity.INCOMPLETE, Severity.LEFTOVER}


@pytest.mark.slow
def test_a_killed_writer_resumes_to_a_whole_store(
    tmp_path, any_header, server, served, verified, assert_whole
):
    data = served(any_header)
    began = time.monotonic()
    assert server.write(tmp_path / "whole", any_header)["error"] is None
    duration = time.monotonic() - began
    assert_whole(tmp_path / "whole", data)

    choose, kills, stores = random.Random(0), 0, 0
    while kills < KILLS:
        root, stores = tmp_path / f"store-{stores}", stores + 1
        for _ in range(8):
            ended = server.write(root, any_header, kill_after=choose.uniform(0, duration))
            kills += ended["code"] == -signal.SIGKILL
            if (root / "store.json").exists():
                assert {finding.severity for finding in verified(root)} <= HARMLESS
        assert server.write(root, any_header)["error"] is None
        assert_whole(root, data)
    assert stores > 1


@pytest.mark.slow
def test_dying_before_any_change_of_the_disk_loses_no_committed_shard(
    tmp_path, plain_header, server, served, verified, assert_whole
):
    header = attrs.evolve(plain_header, arrays=plain_header.arrays[1:], chunk_rows=8)
    data, steps, dead = served(header), 0, True
    while dead:
        root, steps = tmp_path / str(steps), steps + 1
        dead = server.write(root, header, at=steps, failure="die")["code"] == 9
        if (root / "store.json").exists():
            assert {finding.severity for finding in verified(root)} <= HARMLESS
        assert server.write(root, header)["error"] is None
        assert_whole(root, data)
    assert steps > 40
