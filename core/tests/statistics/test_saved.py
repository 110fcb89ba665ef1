"""Statistics are made once, kept beside the stores, and mended by deleting them."""

import pytest
import torch

from traits_core.errors import StoreError
from traits_core.progress import Silent
from traits_core.statistics.collect import collect
from traits_core.statistics.saved import (
    load_statistics,
    save_statistics,
    statistics_of,
    statistics_path,
)
from traits_core.statistics.summary import summarize

ROWS_ND = torch.randn(48, 4, generator=torch.Generator().manual_seed(0)) + 2


def kept(store, home, covariance=False):
    return statistics_of(store, "a", home, covariance, torch.device("cpu"), Silent())


@pytest.mark.parametrize("covariance", [False, True])
def test_what_is_saved_is_loaded_bit_for_bit(store_of, tmp_path, covariance):
    made = collect(store_of(ROWS_ND, positions=4), "a", covariance=covariance)
    save_statistics(tmp_path / "s.safetensors", made)
    loaded = load_statistics(tmp_path / "s.safetensors")
    assert loaded.digest == made.digest
    assert summarize(loaded) == summarize(made)
    assert (loaded.moments.comoments_dd is None) != covariance
    if covariance:
        assert torch.equal(loaded.moments.comoments_dd, made.moments.comoments_dd)


def test_parts_that_were_saved_by_several_jobs_merge(store_of, tmp_path):
    store = store_of(ROWS_ND, positions=4)
    for number, (start, stop) in enumerate([(0, 16), (16, 48)]):
        save_statistics(tmp_path / f"{number}.safetensors", collect(store, "a", start, stop))
    first, second = (load_statistics(tmp_path / f"{n}.safetensors") for n in range(2))
    assert first.merge(second).complete
    assert second.merge(first).norms.quantile(0.5) == collect(store, "a").norms.quantile(0.5)


def test_a_store_is_read_once(store_of, tmp_path):
    store = store_of(ROWS_ND)
    first = kept(store, tmp_path)
    reads = store._reader.reads
    assert reads > 0
    assert kept(store, tmp_path).digest == first.digest
    assert store._reader.reads == reads


def test_a_covariance_that_was_not_collected_is_added_once(store_of, tmp_path):
    store = store_of(ROWS_ND)
    without = kept(store, tmp_path)
    assert kept(store, tmp_path, covariance=True).moments.comoments_dd is not None
    reads = store._reader.reads
    assert kept(store, tmp_path, covariance=True).digest == without.digest
    assert kept(store, tmp_path).moments.comoments_dd is not None
    assert store._reader.reads == reads


def test_another_store_has_another_file(store_of, tmp_path):
    first, second = store_of(ROWS_ND), store_of(ROWS_ND + 1, digest="1" * 64)
    assert kept(first, tmp_path).digest != kept(second, tmp_path).digest
    assert statistics_path(tmp_path, first, "a") != statistics_path(tmp_path, second, "a")


def test_a_file_of_another_store_or_of_a_part_is_refused(store_of, tmp_path):
    store = store_of(ROWS_ND)
    path = statistics_path(tmp_path, store, "a")
    path.parent.mkdir(parents=True)
    for other in (collect(store_of(ROWS_ND, digest="1" * 64), "a"), collect(store, "a", 0, 9)):
        save_statistics(path, other)
        with pytest.raises(StoreError, match="not the statistics of memory; delete it"):
            kept(store, tmp_path)


@pytest.mark.parametrize("damage", [lambda b: b[:100], lambda b: b"", lambda b: b"\x00" + b[1:]])
def test_a_damaged_file_is_an_error_that_names_it(store_of, tmp_path, damage):
    store = store_of(ROWS_ND)
    kept(store, tmp_path)
    path = statistics_path(tmp_path, store, "a")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=r"a\.safetensors"):
        kept(store, tmp_path)
