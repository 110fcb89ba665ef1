"""Items are worked on by several threads, and nobody sees it but in time."""

import threading
from itertools import count

import attrs
import pytest
import torch

from traits_core.errors import PluginError
from traits_core.progress import Silent
from traits_core.registry.loader import load_registry
from traits_core.scoring.in_order import in_order
from traits_core.scoring.keeping import KeepAll, KeepTopK
from traits_core.scoring.materialize import materialize
from traits_core.scoring.pooling import Pooling
from traits_core.stores.reader import open_store

CPU = torch.device("cpu")


@pytest.fixture
def threads():
    """`threads(n)`: let torch use n threads until the test is over."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_results_come_in_the_order_of_items_though_later_ones_are_ready_first(threads):
    threads(3)
    second = threading.Event()

    def work(item):
        if item == 0:
            assert second.wait(30)
        if item == 1:
            second.set()
        return item, torch.get_num_threads()

    assert list(in_order(work, range(20), CPU)) == [(item, 1) for item in range(20)]
    assert torch.get_num_threads() == 3


def test_items_are_asked_for_no_earlier_than_threads_can_take_them(threads):
    threads(2)
    asked = []
    results = in_order(lambda item: item, (asked.append(n) or n for n in count()), CPU)
    assert next(results) == 0
    assert len(asked) <= 5
    results.close()
    assert torch.get_num_threads() == 2


def test_what_the_function_raises_is_raised_in_its_place(threads):
    threads(2)

    def work(item):
        if item == 3:
            raise ValueError("three")
        return item

    results = in_order(work, range(9), CPU)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert torch.get_num_threads() == 2


def test_torch_has_its_threads_again_when_a_sink_has_failed(scorers, activations, threads):
    class Full:
        missing = (range(activations.header.rows // activations.header.positions),)
        block = None

        def held(self, n_prototypes):
            return 0

        def place(self, first_example, n_examples):
            return None

        def keep(self, scored, place):
            pass

        def take(self, place):
            raise OSError("full")

    threads(2)
    with pytest.raises(OSError, match="full") as caught:
        materialize(scorers, activations, "l", [Full()], CPU, Silent())
    assert torch.get_num_threads() == 2
    assert caught.tb  # whose frames, as long as they are kept, close no generator


@pytest.mark.parametrize("keep", [KeepAll(Pooling("max")), KeepTopK(Pooling("none"), 2)], ids=str)
def test_a_store_is_the_same_however_many_threads_score(
    keep, sink, scorers, activations, tmp_path, monkeypatch, threads
):
    monkeypatch.setattr("traits_core.scoring.materialize.TILE", 1)
    digests = set()
    for n in (1, 4):
        threads(n)
        with sink(tmp_path / str(n), keep) as taking:
            materialize(scorers, activations, "l", [taking], CPU, Silent())
        digests.add(open_store(tmp_path / str(n), load_registry()).digest)
    assert len(digests) == 1


def test_holes_in_a_store_are_filled_by_threads_and_nothing_else_is_written(
    sink, scorers, activations, tmp_path, monkeypatch, threads
):
    monkeypatch.setattr("traits_core.scoring.materialize.TILE", 7 * 3 * 2)  # two examples
    threads(4)
    keep, registry = KeepAll(Pooling("none")), load_registry()
    with sink(tmp_path, keep) as taking:
        materialize(scorers, activations, "l", [taking], CPU, Silent())
    whole = open_store(tmp_path, registry)
    assert whole.header.n_shards > 8
    manifest = tmp_path / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    lost = {2, 3, 6, len(lines) - 1}
    manifest.write_bytes(b"".join(line for n, line in enumerate(lines) if n not in lost))
    with sink(tmp_path, keep) as taking:
        materialize(scorers, activations, "l", [taking], CPU, Silent())
    assert open_store(tmp_path, registry).digest == whole.digest
    assert len(manifest.read_bytes().splitlines()) == len(lines)


def test_a_scorer_that_fails_while_others_hold_places_leaves_what_can_be_gone_on_with(
    sink, scorers, activations, tmp_path, monkeypatch, threads
):
    monkeypatch.setattr("traits_core.scoring.materialize.TILE", 1)
    threads(4)
    keep, registry = KeepAll(Pooling("none")), load_registry()
    method = scorers["method"].scorer

    class Failing:
        n_prototypes = method.n_prototypes

        def __call__(self, acts_bd):
            if len(method.batches) > 8:
                raise ValueError("the scorer")
            return method(acts_bd)

    failing = scorers | {"method": attrs.evolve(scorers["method"], scorer=Failing())}
    with pytest.raises(PluginError, match="the scorer"), sink(tmp_path / "a", keep) as taking:
        materialize(failing, activations, "l", [taking], CPU, Silent())
    for name in ("a", "b"):
        with sink(tmp_path / name, keep) as taking:
            materialize(scorers, activations, "l", [taking], CPU, Silent())
    assert (
        open_store(tmp_path / "a", registry).digest == open_store(tmp_path / "b", registry).digest
    )
