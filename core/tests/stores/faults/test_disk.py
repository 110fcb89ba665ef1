"""Writes, flushes and renames that fail cost the shard that was being written, and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from traits_core.stores.verifying.findings import Severity

HARMLESS = {Severity.INCOMPLETE, Severity.LEFTOVER}
FULL_DISK = Path(__file__).with_name("full_disk.py")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failure", "forever", "every", "past_cache"),
    [
        ("ENOSPC", False, 1, False),
        ("ENOSPC", True, 3, False),
        ("EIO", False, 2, False),
        ("EIO", False, 2, True),
        ("short", True, 3, False),
        ("short", True, 3, True),
    ],
)
def test_a_disk_that_fails_at_any_change_keeps_the_committed_shards(
    tmp_path,
    plain_header,
    server,
    served,
    verified,
    assert_whole,
    failure,
    forever,
    every,
    past_cache,
):
    header = attrs.evolve(plain_header, arrays=plain_header.arrays[1:], chunk_rows=8)
    if past_cache:  # as large stores of scores are written, whose chunks fill pages
        array = attrs.evolve(header.arrays[0], columns=512, scorer="0")
        header = attrs.evolve(header, kind="scores", arrays=(array,), chunk_columns=512)
    data, failed, step, reached = served(header), 0, 1 - every, True
    while reached:
        root, step = tmp_path / str(step), step + every
        ended = server.write(root, header, at=step, failure=failure, forever=forever)
        assert ended["code"] == 0
        reached = ended["steps"] >= step
        if ended["error"]:
            failed += 1
            assert ended["error"].startswith(("StoreError", "DiskFullError")), ended["error"]
            if (root / "store.json").exists():
                assert {finding.severity for finding in verified(root)} <= HARMLESS
            assert server.write(root, header)["error"] is None
        assert_whole(root, data)
        shutil.rmtree(root)
    assert step > 30
    assert failed > (0 if failure == "short" else 25 // every)


def test_a_disk_that_is_full_keeps_the_committed_shards():
    """On a small file system of its own: the process that mounts it alone can see it."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    trial = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "t", "/mnt"],
        capture_output=True,
        text=True,
    )
    if trial.returncode:
        pytest.skip(f"this kernel lets nobody mount a tmpfs: {trial.stderr.strip()}")
    ended = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", sys.executable, str(FULL_DISK)],
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout) == (0, "whole\n"), ended.stderr
