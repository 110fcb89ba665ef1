"""Any sequence of writing, dying, damage, repair and reading agrees with a model of what is committed."""

import shutil
import tempfile
from pathlib import Path

import attrs
import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from traits_core.errors import StoreError
from traits_core.progress import Silent
from traits_core.stores.json_records import load_header
from traits_core.stores.manifest import load_manifest
from traits_core.stores.reader import is_complete, open_store
from traits_core.stores.verifying.findings import Severity
from traits_core.stores.verifying.repair import repair_store
from traits_core.stores.verifying.store import Depth, verify_store

FULL = Depth(full=True, jobs=1)
DIED = 9


@pytest.mark.slow
def test_a_store_agrees_with_its_model(any_header, server, served, registry):
    header = attrs.evolve(any_header, arrays=any_header.arrays[1:])
    expected = served(header)
    shards = st.integers(0, header.n_shards - 1)

    class Machine(RuleBasedStateMachine):
        """`committed` is what the manifest must say, `broken` is what verification must find."""

        @initialize()
        def begin(self):
            self.root = Path(tempfile.mkdtemp()) / "store"
            self.committed: set[int] = set()
            self.broken: set[int] = set()

        def teardown(self):
            shutil.rmtree(self.root.parent)

        @rule(stop=st.integers(0, header.rows))
        def write(self, stop):
            if self.broken & self.sized:
                ended = server.write(self.root, header, stop=stop)
                assert ended["error"].startswith("StoreError")
                return
            ended = server.write(self.root, header, stop=stop)
            missing = [s for s in range(header.n_shards) if s not in self.committed]
            for shard in missing:
                end = shard * header.rows_per_shard + header.shard_rows(shard)
                if end > stop:
                    break
                self.committed.add(shard)
            assert ended["error"] is None or not missing

        @rule(at=st.integers(1, 90))
        def write_and_die(self, at):
            if self.broken:
                return
            ended = server.write(self.root, header, at=at, failure="die")
            now = self.in_manifest()
            assert now >= self.committed
            assert ended["code"] == DIED or len(now) == header.n_shards
            self.committed = now

        @precondition(lambda self: self.committed - self.broken)
        @rule(shard=shards, offset=st.floats(0, 1), how=st.sampled_from(["flip", "cut", "delete"]))
        def damage(self, shard, offset, how):
            if shard not in self.committed - self.broken:
                return
            name = (
                load_manifest(self.root, header)
                .shards[sorted(self.committed).index(shard)]
                .files[0]
                .name
            )
            path = self.root / name
            raw = bytearray(path.read_bytes())
            if how == "delete":
                path.unlink()
            elif how == "cut":
                path.write_bytes(raw[: int(offset * (len(raw) - 1))])
            else:
                raw[int(offset * (len(raw) - 1))] ^= 4
                path.write_bytes(raw)
            self.broken.add(shard)

        @rule()
        def repair(self):
            if not (self.root / "store.json").exists():
                return
            report = repair_store(self.root, registry, FULL, Silent())
            assert {f.severity for f in report.findings} <= {Severity.INCOMPLETE}
            self.committed -= self.broken
            self.broken = set()

        @invariant()
        def verification_finds_the_broken_shards(self):
            if not (self.root / "store.json").exists():
                return
            findings = verify_store(self.root, registry, FULL, Silent()).findings
            damaged = {f.shard for f in findings if f.severity is Severity.DAMAGED}
            assert damaged == self.broken
            assert self.in_manifest() == self.committed

        @invariant()
        def a_complete_store_reads_as_written_or_raises(self):
            whole = len(self.committed) == header.n_shards
            assert is_complete(self.root) <= whole
            if not is_complete(self.root):
                return
            for shard in range(header.n_shards):
                start = shard * header.rows_per_shard
                stop = start + header.shard_rows(shard)
                try:
                    rows = open_store(self.root, registry).read("high", start, stop)
                except StoreError:
                    assert self.broken
                else:
                    # Raw files carry no checksums: a flipped bit is found by verification alone.
                    unchecked = header.storage == "raw" and shard in self.broken
                    assert unchecked or torch.equal(rows, expected["high"][start:stop])

        @property
        def sized(self):
            """The broken shards that a writer notices: those with a file of another size."""
            found = verify_store(self.root, registry, Depth(jobs=1), Silent()).findings
            return {f.shard for f in found if "checksum" not in f.what}

        def in_manifest(self):
            if not (self.root / "store.json").exists():
                return set()
            manifest = load_manifest(self.root, load_header(self.root))
            return {commit.shard for commit in manifest.shards}

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
