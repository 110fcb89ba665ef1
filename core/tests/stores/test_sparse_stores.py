"""Stores without zeros hold what others hold, whichever way their rows come."""

import attrs
import pytest
import torch

from traits_core.errors import TraitsError
from traits_core.stores.dtypes import encode
from traits_core.stores.reader import open_store
from traits_core.stores.writer import StoreWriter

DTYPES = ["float32", "float16", "bfloat16"]
GENERATOR = torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def header(header):
    """Arrays of 7 and 3 columns, in chunks of 3."""
    arrays = [
        attrs.evolve(array, columns=n) for array, n in zip(header.arrays, (7, 3), strict=True)
    ]
    return attrs.evolve(header, kind="scores", chunk_columns=3, arrays=tuple(arrays))


@pytest.fixture
def stored(tmp_path, header, registry):
    """`stored(storage, dtype, put)`: the store whose rows `put(writer)` puts, or the error that it ends in."""

    def stored(storage, dtype, put):
        spec = registry.get("storage", storage)
        root = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        asked_for = attrs.evolve(header, storage=storage, dtype=dtype)
        try:
            with StoreWriter(root, asked_for, spec.load()(spec.config())) as writer:
                put(writer)
                writer.finish()
        except TraitsError as error:
            return type(error), str(error)
        return open_store(root, registry)

    return stored


def files(store):
    """What there is of each chunk."""
    return [[attrs.astuple(file) for file in commit.files] for commit in store.shards]


def held(store):
    """All values, and what the manifest says of them; or an error."""
    if isinstance(store, tuple):
        return store
    values = {a.name: store.read(a.name, 0, store.header.rows) for a in store.header.arrays}
    return {name: x.tolist() for name, x in values.items()}, [c.arrays for c in store.shards]


def scores(header, dtype=torch.float32):
    return {
        a.name: torch.randn(header.rows, a.columns, generator=GENERATOR, dtype=torch.float64)
        .mul_(3)
        .to(dtype)
        for a in header.arrays
    }


def at_once(data, above=None):
    """Put all rows of every array at once."""

    def put(writer):
        place = writer.place(0, writer.header.rows)
        for name, rows in data.items():
            place.put(name, rows, above=above)
        writer.take(place)

    return put


def in_tiles(data, *ends, width):
    """Put rows up to each of `ends`, the last ones first, `width` columns at a time, the last ones first."""

    def put(writer):
        places = [writer.place(*tile) for tile in zip((0, *ends), ends, strict=False)]
        for place in reversed(places):
            rows = slice(place.first_row, place.stop_row)
            for name, x in data.items():
                for first in reversed(range(0, x.shape[1], width)):
                    place.put(name, x[rows, first : first + width], first)
        for place in places:
            writer.take(place)

    return put


def appended(data):
    """Append three rows after the other."""

    def put(writer):
        for first in range(0, 20, 3):
            writer.append({name: x[first : first + 3] for name, x in data.items()})

    return put


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_way_to_put_rows_ends_in_the_same_files(tmp_path, header, registry, stored, dtype):
    data = {name: (x - 1).clamp(min=0) for name, x in scores(header).items()}
    store = stored("zarr-sparse", dtype, at_once(data))
    ways = [appended(data), in_tiles(data, 3, 9, 17, 20, width=2), in_tiles(data, 20, width=1)]
    ways.append(at_once({name: x.double() + 1 for name, x in data.items()}, above=1))
    for put in ways:
        assert files(stored("zarr-sparse", dtype, put)) == files(store)
    spec = registry.get("storage", "zarr-sparse")
    storage, direct = spec.load()(spec.config()), tmp_path / "direct"
    for shard, commit in enumerate(store.shards):
        rows = slice(commit.row_start, commit.row_start + commit.rows)
        arrays = {name: encode(x[rows], dtype) for name, x in data.items()}
        names = storage.write_shard(direct, store.header, shard, arrays)
        assert sorted(names) == [file.name for file in commit.files]
        for name in names:
            assert (direct / name).read_bytes() == (store.root / name).read_bytes()


MEMORY = {
    "rows after rows": lambda x: x,
    "some columns of wider rows": lambda x: torch.cat([x, x], dim=1)[:, : x.shape[1]],
    "columns after columns": lambda x: x.T.contiguous().T,
    "rows of which every second is left out": lambda x: x.repeat_interleave(2, dim=0)[::2],
    "one row, again and again": lambda x: x[:1].expand_as(x),
    "with a gradient": lambda x: x.clone().requires_grad_(),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("above", [None, 0.25])
@pytest.mark.parametrize("lie", MEMORY.values(), ids=MEMORY)
def test_rows_that_lie_anywhere_in_memory_are_stored_as_with_zeros(
    header, stored, dtype, above, lie
):
    for given_as in (torch.float32, torch.float64):
        put = at_once({n: lie(x) for n, x in scores(header, given_as).items()}, above)
        assert held(stored("zarr-sparse", dtype, put)) == held(stored("zarr-zstd", dtype, put))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given_as", [torch.float16, torch.bfloat16])
def test_rows_of_narrow_floats_are_stored_as_with_zeros(header, stored, dtype, given_as):
    put = appended(scores(header, given_as))
    assert held(stored("zarr-sparse", dtype, put)) == held(stored("zarr-zstd", dtype, put))


@pytest.mark.parametrize("given_as", [torch.float32, torch.float64])
@pytest.mark.parametrize("score", [torch.nan, torch.inf, -torch.inf, 1e38, -1e-38])
@pytest.mark.parametrize("above", [None, 0.0, -1e-40, 3e38, -3e38, 1e300, -1e300, torch.inf])
def test_scores_and_thresholds_at_the_ends_of_floats_are_stored_or_refused_as_with_zeros(
    header, stored, above, score, given_as
):
    data = scores(header, given_as)
    data["low"][13, 5] = score
    put = at_once(data, above)
    assert held(stored("zarr-sparse", "float32", put)) == held(stored("zarr-zstd", "float32", put))


@pytest.mark.parametrize("above", [None, 0.25])
def test_values_that_are_rounded_to_zero_take_no_space(header, stored, above):
    data = {name: torch.zeros(20, n) + (above or 0) for name, n in (("low", 7), ("high", 3))}
    nothing = stored("zarr-sparse", "float16", at_once(data, above))
    for x in data.values():
        x[::2] += 2**-25
    tiny = stored("zarr-sparse", "float16", at_once(data, above))
    assert held(tiny) == held(nothing)
    assert files(tiny) == files(nothing)
    assert {size for chunks in files(tiny) for _, size, _ in chunks} == {4 * 4 + 4}


def test_rows_whose_place_was_given_up_leave_nothing_behind(header, stored):
    data = scores(header)

    def put(writer):
        for first in (0, 3, 5):
            place = writer.place(first, first + 3)
            for name, rows in data.items():
                place.put(name, -rows[first : first + 3])
        at_once(data)(writer)

    assert files(stored("zarr-sparse", "float32", put)) == files(
        stored("zarr-sparse", "float32", at_once(data))
    )
