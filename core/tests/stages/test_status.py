"""A stage is skipped, goes on, is done anew, or is refused, by what is recorded of its inputs."""

import json
from contextlib import suppress

import pytest

from traits_core.errors import StageError
from traits_core.progress import Silent
from traits_core.stages.status import Stage, perform


@pytest.fixture
def place(tmp_path):
    return tmp_path / "scores"


@pytest.fixture
def work(tmp_path, place):
    """`work(scorer=..., data=...)`: what the output was when it began, if there is anything to do."""

    def bring_to_completion(scorer="a", data="d", fails=False, **fixed):
        found = []

        def write():
            found.append(place.read_text() if place.exists() else None)
            place.write_text(f"half of {scorer}")
            if fails:
                raise KeyboardInterrupt
            place.write_text(scorer)

        stage = Stage(
            name="materialize",
            fixed={"activations": data, **fixed},
            inputs={"scorer": scorer},
            place=place,
            output=lambda: place.read_text() if place.exists() else None,
        )
        with suppress(KeyboardInterrupt):
            perform(tmp_path, stage, write, Silent())
        return found

    return bring_to_completion


def test_the_same_inputs_have_nothing_done(work):
    assert work() == [None]
    assert work() == []


def test_another_input_has_the_output_made_anew(work, place, tmp_path):
    work(scorer="a")
    assert work(scorer="b") == [None]
    assert place.read_text() == "b"
    (state,) = json.loads((tmp_path / "status.json").read_text()).values()
    assert (state["inputs"], state["output"]) == ({"activations": "d", "scorer": "b"}, "b")


def test_what_was_begun_anew_goes_on(work):
    work(scorer="a")
    assert work(scorer="b", fails=True) == [None]
    assert work(scorer="b") == ["half of b"]
    assert work(scorer="b") == []


def test_what_was_begun_with_another_input_is_begun_anew(work):
    work(scorer="a", fails=True)
    assert work(scorer="b") == [None]


@pytest.mark.parametrize("fixed", [{"data": "e"}, {"labels": "l"}])
def test_other_data_is_refused_and_nothing_is_lost(work, place, fixed):
    work(scorer="a")
    with pytest.raises(StageError, match="inputs changed since it began"):
        work(scorer="b", **fixed)
    assert place.read_text() == "a"
    assert work(scorer="a") == []


def test_data_that_is_no_input_any_more_is_refused(work, place):
    work(labels="l")
    with pytest.raises(StageError, match="labels"):
        work()
    assert place.exists()


def test_a_link_to_another_disk_is_removed_and_what_it_points_to_is_not(work, place, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    work(scorer="a")
    place.unlink()
    place.symlink_to(elsewhere)
    assert work(scorer="b") == [None]
    assert elsewhere.exists()
