"""Stores in every storage, a process that writes them and dies, and what verification must say."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest
import torch

from traits_core.progress import Silent
from traits_core.stores.files import QUARANTINE
from traits_core.stores.json_records import load_header
from traits_core.stores.manifest_lines import encode_line, read_lines
from traits_core.stores.reader import open_store
from traits_core.stores.verifying.store import Depth, verify_store

SCRIPT = Path(__file__).with_name("writer_server.py")
FULL = Depth(full=True, jobs=2)


class WriterServer:
    """Has child processes write stores; see writer_server.py."""

    def __init__(self, process):
        self._process = process

    def write(self, root, header, kill_after=None, **request):
        """Let a child write; kill it after some seconds, if asked to; return how it ended."""
        self._say({"root": str(root), "header": attrs.asdict(header), **request})
        pid = int(self._process.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)
        self._say("wait")
        return json.loads(self._process.stdout.readline())

    def _say(self, value):
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()


@pytest.fixture(scope="module")
def server():
    with subprocess.Popen(
        [sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        yield WriterServer(process)
        process.stdin.close()


@pytest.fixture(scope="session")
def served():
    """The rows that the server writes into a store of this header."""

    def rows(header):
        index = torch.arange(header.rows, dtype=torch.float32)[:, None] + 1
        return {a.name: index * 10 + torch.arange(1, a.columns + 1) for a in header.arrays}

    return rows


@pytest.fixture(params=["zarr", "raw", "zarr-lz4", "zarr-zstd", "zarr-sparse"])
def any_header(request, header):
    """The header of a small store in each storage."""
    return attrs.evolve(header, storage=request.param, chunk_columns=3)


@pytest.fixture(params=["zarr", "raw"])
def plain_header(request, header):
    """The same without those that only compress: they change the disk in the same steps as zarr."""
    return attrs.evolve(header, storage=request.param, chunk_columns=3)


@pytest.fixture(scope="session")
def storage_of(registry):
    def build(header):
        spec = registry.get("storage", header.storage)
        return spec.load()(spec.config())

    return build


@pytest.fixture(scope="session")
def verified(registry):
    """The findings about a store; all bytes and values are looked at unless another depth is asked for."""

    def verify(root, depth=FULL):
        return verify_store(root, registry, depth, Silent()).findings

    return verify


@pytest.fixture(scope="session")
def assert_whole(registry, verified):
    """Assert that a store holds `data`, that verification finds nothing, and that nothing was lost."""

    def check(root, data):
        assert verified(root) == ()
        assert not (root / QUARANTINE).exists()
        store = open_store(root, registry)
        for name, expected in data.items():
            assert torch.equal(store.read(name, 0, store.header.rows), expected)

    return check


@pytest.fixture(scope="session")
def files_of():
    """The names of the files of one shard, in the order of the manifest."""

    def files(root, shard):
        lines = map(json.loads, (root / "manifest.jsonl").read_bytes().splitlines())
        return [f["name"] for line in lines if line["shard"] == shard for f in line["files"]]

    return files


@pytest.fixture(scope="session")
def forged():
    """Rewrite header and manifest as an attacker would: every checksum in them is right."""

    def forge(root, change_header=lambda h: h, change_commit=lambda c: c):
        old = load_header(root)
        header = change_header(old)
        commits = [change_commit(line.commit) for line in read_lines(root, old)]
        (root / "store.json").write_text(json.dumps(attrs.asdict(header)))
        (root / "manifest.jsonl").write_bytes(b"".join(encode_line(c, header) for c in commits))

    return forge
