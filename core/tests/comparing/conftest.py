"""Finished runs: invented ones, made of the files that a comparison reads."""

import json

import pytest


@pytest.fixture
def invent(tmp_path):
    """`invent(name, score=0.5, ...)` writes a finished run below `tmp_path / "runs"`.

    `seed` and `options` are of its section `run`, `probe` and `n_clusters` of theirs.
    """

    def make(
        name,
        *,
        seed=0,
        score=0.5,
        labels="aaaa",
        method="kmeans",
        n_clusters=8,
        options=(),
        probe=None,
        finished=True,
        steps=(),
    ):
        probe = probe or {"name": "retrieval", "block": 512}
        root = tmp_path / "runs" / name
        (root / "probe").mkdir(parents=True)
        config = {
            "run": {
                "seed": seed,
                "shuffle_seed": None,
                "layer": None,
                "train_split": "train",
                "test_split": "test",
                "pooling": "max",
                **dict(options),
            },
            "dataset": {"name": "digits"},
            "method": {"name": method, "n_clusters": n_clusters},
            "probe": probe,
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
            result = {"probe": probe["name"], "headline": headline, "tables": {}}
            (root / "probe" / "results.json").write_text(json.dumps(result))
        if steps:
            (root / "metrics.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
        return root

    return make
