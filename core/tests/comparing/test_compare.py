"""Runs are found, read, pooled over seeds, and ranked only beside what was measured on the same."""

import statistics

import pytest

from traits_core.comparing.find import named_runs
from traits_core.comparing.groups import grouped
from traits_core.comparing.rows import entry_json, group_json
from traits_core.comparing.run_facts import read_facts_of_run
from traits_core.errors import StageError


def test_a_run_is_a_directory_a_name_or_a_digest_and_counts_once(invent, tmp_path):
    one, two = invent("kmeans-digits-0a1b"), invent("pca-digits-2c3d")
    assert named_runs([str(two), "kmeans-digits-0a1b", "0a1b", f"{two}/."], tmp_path) == [two, one]


def test_without_names_all_finished_runs_are_meant(invent, tmp_path):
    roots = {invent("kmeans-digits-0a1b"), invent("pca-digits-2c3d")}
    invent("kmeans-digits-ffff", finished=False)
    assert set(named_runs([], tmp_path)) == roots
    assert named_runs([], tmp_path / "nowhere") == []


def test_every_unknown_run_is_named_once_with_the_nearest(invent, tmp_path):
    invent("kmeans-digits-0a1b")
    invent("pca-digits-ffff", finished=False)
    with pytest.raises(StageError) as caught:
        named_runs(["kmeens-digits-0a1b", "qqq", "pca-digits-ffff"], tmp_path)
    first, second, third = str(caught.value).splitlines()
    assert "'kmeens-digits-0a1b'" in first
    assert "Did you mean 'kmeans-digits-0a1b'?" in first
    assert "`traits runs` lists them" in second
    assert "traits probe" in third


def test_facts_are_those_of_the_files(invent):
    steps = [
        {"kind": "step", "step": 1, "epoch": 0, "seconds": 0.1, "rows_per_second": 100.0},
        {"kind": "step", "step": 2, "epoch": 0, "seconds": 0.2, "rows_per_second": 300.0},
        {"kind": "epoch", "step": 2, "epoch": 1, "seconds": 0.25},
        {"kind": "step", "step": 3, "epoch": 1, "seconds": 0.4, "rows_per_second": 200.0},
        {"kind": "epoch", "step": 3, "epoch": 2, "seconds": 0.5, "peak_bytes": 7},
    ]
    root = invent("kmeans-digits-0a1b", score=0.7, steps=steps)
    with (root / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "step", "torn')
    facts = read_facts_of_run(root)
    assert (facts.map, facts.interval, facts.n_prototypes) == (0.7, (0.69, 0.71), 8)
    assert facts.lift == pytest.approx(0.6)
    assert facts.nulls == {"constant": 0.1, "gaussian": 0.3}
    assert (facts.seconds, facts.epochs, facts.rows_per_second) == (0.5, 2, 200.0)
    assert facts.peak_bytes == 7


def test_a_method_that_needs_no_training_has_no_cost(invent):
    facts = read_facts_of_run(invent("random-digits-0a1b"))
    assert (facts.seconds, facts.epochs, facts.rows_per_second) == (None, None, None)


def test_a_damaged_result_is_one_line(invent):
    root = invent("kmeans-digits-0a1b")
    (root / "probe" / "results.json").write_text('{"headline": []}')
    with pytest.raises(StageError, match="no readable result") as caught:
        read_facts_of_run(root)
    assert "\n" not in str(caught.value)


def test_seeds_of_one_configuration_are_pooled_and_other_configurations_are_not(invent):
    runs = [
        read_facts_of_run(invent(f"kmeans-digits-{seed}", seed=seed, score=score))
        for seed, score in enumerate([0.5, 0.6, 0.8])
    ]
    runs.append(read_facts_of_run(invent("pca-digits-9", method="pca", score=0.65)))
    (pooled,) = grouped(runs, pool_seeds=True)
    assert [len(entry.runs) for entry in pooled.entries] == [1, 3]
    row = entry_json(pooled.entries[1])
    assert row["map"] == pytest.approx(1.9 / 3)
    assert row["map_sd_seeds"] == pytest.approx(statistics.stdev([0.5, 0.6, 0.8]))
    assert row["map_ci95_low"] is None
    assert row["seeds"] == [0, 1, 2]
    (single,) = grouped(runs, pool_seeds=False)
    assert [entry.map for entry in single.entries] == [0.8, 0.65, 0.6, 0.5]


def test_runs_on_other_labels_are_in_another_group(invent):
    runs = [
        read_facts_of_run(invent("a-digits-1", labels="aaaa", score=0.2)),
        read_facts_of_run(invent("b-digits-2", labels="bbbb", score=0.9)),
        read_facts_of_run(invent("c-digits-3", labels="aaaa", method="pca", score=0.3)),
    ]
    first, second = (group_json(group) for group in grouped(runs, pool_seeds=True))
    assert [entry["map"] for entry in first["entries"]] == [0.3, 0.2]
    assert [entry["map"] for entry in second["entries"]] == [0.9]
    assert (first["labels"], second["labels"]) == ("aaaa", "bbbb")
