"""Finished runs: invented ones, made of the files that a comparison reads."""

import json

import pytest


@pytest.fixture
def invent(tmp_path):
    """`invent(name, map=0.5, ...)` writes a finished run below `tmp_path / "runs"`."""

    def make(name, *, seed=0, score=0.5, labels="aaaa", method="kmeans", finished=True, steps=()):
        root = tmp_path / "runs" / name
        (root / "probe").mkdir(parents=True)
        config = {
            "run": {"seed": seed, "layer": None, "train_split": "train", "test_split": "test"},
            "dataset": {"name": "digits"},
            "method": {"name": method, "n_clusters": 8},
        }
        (root / "run.json").write_text(json.dumps({"format": 1, "config": config}))
        if finished:
            stage = {"inputs": {"labels": labels}, "began": "x", "ended": "x", "output": "x"}
            (root / "status.json").write_text(json.dumps({"probe": stage}))
            headline = [
                {"row": "constant", "map": 0.1},
                {"row": "gaussian", "map": 0.3},
                {
                    "row": "method",
                    "map": score,
                    "map_ci95_low": score - 0.01,
                    "map_ci95_high": score + 0.01,
                    "lift": score - 0.1,
                    "n_prototypes": 8,
                    "n_traits": 10,
                },
            ]
            result = {"probe": "retrieval", "headline": headline, "tables": {}}
            (root / "probe" / "results.json").write_text(json.dumps(result))
        if steps:
            (root / "metrics.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
        return root

    return make
