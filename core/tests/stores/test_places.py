"""Threads that put rows of a store at the same time: what they may do in any order, and what they may not."""

import threading
import time

import attrs
import pytest
import torch

from traits_core.errors import DataError, StoreError
from traits_core.stores.open_shards import OpenShards
from traits_core.stores.reader import open_store
from traits_core.stores.writer import StoreWriter

TILES = [(0, 3), (3, 9), (9, 17), (17, 20)]  # shards end at 8 and 16


@pytest.fixture(scope="session", params=["zarr", "zarr-sparse"])
def header(request, header):
    return attrs.evolve(header, storage=request.param)


@pytest.fixture(scope="session")
def storage(header, registry):
    spec = registry.get("storage", header.storage)
    return spec.load()(spec.config())


def put(place, data):
    """All columns of all arrays, the last ones first."""
    rows = slice(place.first_row, place.stop_row)
    for name, x in reversed(data.items()):
        for column in reversed(range(x.shape[1])):
            place.put(name, x[rows, column : column + 1], column)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_places_that_are_filled_backwards_and_taken_in_order_hold_what_was_appended(
    tmp_path, evolve, storage, write, registry, dtype
):
    header = evolve(dtype=dtype)
    data = write(tmp_path / "appended", header)
    with StoreWriter(tmp_path / "placed", header, storage) as writer:
        places = [writer.place(*tile) for tile in reversed(TILES)]
        threads = [threading.Thread(target=put, args=(place, data)) for place in places]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for place in reversed(places):
            writer.take(place)
        writer.finish()
    appended, placed = (open_store(tmp_path / way, registry) for way in ("appended", "placed"))
    assert placed.digest == appended.digest
    assert [commit.arrays for commit in placed.shards] == [c.arrays for c in appended.shards]


def test_places_are_taken_whole_and_in_order(tmp_path, header, storage, values, assert_holds):
    data = values()
    with StoreWriter(tmp_path, header, storage) as writer:
        first, second = writer.place(0, 10), writer.place(10, 20)
        put(second, data)
        with pytest.raises(StoreError, match="row 0 comes next, not 10"):
            writer.take(second)
        first.put("low", data["low"][:10])
        with pytest.raises(StoreError, match="rows 0 to 10 were not put whole"):
            writer.take(first)
        first.put("high", data["high"][:10])
        writer.take(first)
        assert writer.committed_rows == 8
        writer.take(second)
        writer.finish()
    assert_holds(tmp_path, data)


@pytest.mark.parametrize("wanted", [(7, 9), (8, 9), (9, 11), (19, 21)])
def test_only_rows_that_are_missing_have_a_place(
    tmp_path, header, storage, values, wanted, assert_holds
):
    data = values()
    with StoreWriter(tmp_path, header, storage) as writer:
        writer.append({name: x[:10] for name, x in data.items()})  # commits eight
        with pytest.raises(StoreError, match="rows {} to {} are not all missing".format(*wanted)):
            writer.place(*wanted)
        writer.append({name: x[10:] for name, x in data.items()})
        writer.finish()
    assert_holds(tmp_path, data)


def test_a_batch_that_is_refused_leaves_nothing_behind(
    tmp_path, header, storage, values, assert_holds
):
    data = values()
    bad = {name: x.clone() for name, x in data.items()}
    bad["high"][13, 1] = torch.nan
    with StoreWriter(tmp_path, header, storage) as writer:
        with pytest.raises(DataError, match="array 'high', row 13: NaN"):
            writer.append(bad)
        writer.append(data)
        writer.finish()
    assert_holds(tmp_path, data)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_what_is_above_a_value_is_kept_and_measured(tmp_path, evolve, storage, registry, dtype):
    header = evolve(dtype=dtype)
    scores = {a.name: torch.randn(20, a.columns) for a in header.arrays}
    with StoreWriter(tmp_path, header, storage) as writer:
        place = writer.place(0, 20)
        for name, rows in scores.items():
            place.put(name, rows, above=0.25)
        writer.take(place)
        writer.finish()
    store = open_store(tmp_path, registry)
    for name, rows in scores.items():
        expected = (rows - 0.25).clamp(min=0).to(getattr(torch, dtype))
        assert torch.equal(store.read(name, 0, 20), expected)
        stats = [commit.arrays[name] for commit in store.shards]
        assert max(part.max for part in stats) == float(expected.max())
        assert {part.min for part in stats} == {0.0}


def test_the_least_score_is_not_above_anything(tmp_path, header, storage, registry):
    rows = {a.name: torch.full((20, a.columns), -torch.inf) for a in header.arrays}
    with StoreWriter(tmp_path, header, storage) as writer:
        place = writer.place(0, 20)
        for name, x in rows.items():
            place.put(name, x, above=0.0)
        writer.take(place)
        writer.finish()
    assert not open_store(tmp_path, registry).read("low", 0, 20).any()


@pytest.mark.parametrize(
    ("value", "word"), [(torch.nan, "NaN"), (torch.inf, "infinity"), (3e38, "infinity")]
)
def test_what_is_no_number_above_a_value_is_refused_by_row(tmp_path, header, storage, value, word):
    rows = torch.zeros(20, 2)
    rows[3, 0] = -torch.inf  # which is not kept
    rows[11, 1] = value
    with StoreWriter(tmp_path, header, storage) as writer:
        place = writer.place(0, 20)
        with pytest.raises(DataError, match=f"array 'high', row 11: {word} .*1 such row"):
            place.put("high", rows, above=-3e38)


def test_no_more_shards_are_in_memory_than_are_filled_and_written(
    tmp_path, evolve, storage, values, monkeypatch
):
    made, new, give_back = [], type(storage).memory, OpenShards.give_back
    monkeypatch.setattr(
        type(storage), "memory", lambda self, header: made.append(1) or new(self, header)
    )
    monkeypatch.setattr(
        OpenShards, "give_back", lambda self, memory: time.sleep(0.01) or give_back(self, memory)
    )
    header = evolve(rows=80)
    with StoreWriter(tmp_path, header, storage) as writer:
        for start in range(0, 80, 4):
            writer.append({name: x[start : start + 4] for name, x in values(header).items()})
        writer.finish()
    assert len(made) == 2


def test_a_storage_that_knows_nothing_of_blocks_gets_whole_rows(
    tmp_path, evolve, storage, values, assert_holds
):
    shapes = []

    @attrs.frozen
    class Whole:
        inner: object

        def create(self, root, header):
            self.inner.create(root, header)

        def write_shard(self, staging, header, shard, arrays):
            shapes.append({name: rows.shape for name, rows in arrays.items()})
            return self.inner.write_shard(staging, header, shard, arrays)

    data = values()
    with StoreWriter(tmp_path, evolve(chunk_columns=2), Whole(storage)) as writer:
        writer.append(data)
        writer.finish()
    assert shapes == [{"low": (n, 3), "high": (n, 2)} for n in (8, 8, 4)]
    assert_holds(tmp_path, data)
