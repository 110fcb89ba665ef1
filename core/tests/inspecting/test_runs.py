"""What is said of a run of which nothing is done yet, and of its options."""

import json

import pytest

from traits_core.inspecting.runs import inspect_run


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"pooling": "max", "scores": "dense"}, ("max", "dense")),
        (
            {"pooling": "top-mean", "pooling_top": 8, "scores": "top-k", "scores_k": 32}
            | {"scores_tau": 0.5},
            ("top-mean (pooling_top=8)", "top-k (scores_k=32, scores_tau=0.5)"),
        ),
        (
            {"pooling": "none", "scores": "threshold", "scores_tau": -20.0},
            ("none", "threshold (scores_tau=-20.0)"),
        ),
    ],
)
def test_options_are_shown_with_those_that_matter_for_them(tmp_path, options, shown):
    config = {"run": {"layer": "block3", **options}, "method": {"name": "kmeans"}}
    (tmp_path / "run.json").write_text(json.dumps({"format": 1, "config": config}))
    facts = inspect_run(tmp_path, None).facts
    assert (facts["pooling"], facts["scores"]) == shown
    assert (facts["layer"], facts["method"], facts["complete"]) == ("block3", "kmeans", [])
    assert facts["state"].startswith("not finished")
