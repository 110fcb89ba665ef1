"""Runs are found, read, pooled over seeds, and ranked only beside what was measured on the same."""

import json
import statistics

import pytest

from traits_core.comparing.find import named_run, named_runs
from traits_core.comparing.groups import grouped
from traits_core.comparing.rows import comparison_json, entry_json
from traits_core.comparing.run_facts import read_facts_of_run
from traits_core.comparing.tables import heading, no_ranking, tables
from traits_core.errors import StageError


def compared(runs, **pooling):
    groups = grouped(runs, **{"pool_seeds": True, **pooling})
    return comparison_json(groups, [[{} for _ in group.entries] for group in groups])


def test_a_run_is_a_directory_a_name_or_a_digest_and_counts_once(invent, tmp_path):
    one, two = invent("kmeans-digits-0a1b"), invent("pca-digits-2c3d")
    assert named_runs([str(two), "kmeans-digits-0a1b", "0a1b", f"{two}/."], tmp_path) == [two, one]


def test_without_names_all_finished_runs_are_meant(invent, tmp_path):
    roots = {invent("kmeans-digits-0a1b"), invent("pca-digits-2c3d")}
    invent("kmeans-digits-ffff", finished=False)
    assert set(named_runs([], tmp_path)) == roots
    assert named_run("ffff", tmp_path).name == "kmeans-digits-ffff"
    assert named_runs([], tmp_path / "nowhere") == []


def test_every_unknown_run_is_named_once_with_the_nearest(invent, tmp_path):
    invent("kmeans-digits-0a1b")
    invent("pca-digits-ffff", finished=False)
    with pytest.raises(StageError) as caught:
        named_runs(["kmeens-digits-0a1b", "qqq", "pca-digits-ffff"], tmp_path)
    first, second, third = str(caught.value).splitlines()
    assert first.startswith("kmeens-digits-0a1b: no run here")
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
    assert f"remove {root / 'probe'} and run `traits probe {root}`" in str(caught.value)


@pytest.mark.parametrize(
    ("file", "contents", "says"),
    [
        ("probe/results.json", '{"headline": [', "run `traits probe "),
        ("run.json", '{"format": 1, "conf', "put it back from a copy"),
        ("run.json", '{"format": 1}', "put it back from a copy"),
        ("run.json", '{"format": 2, "config": {}}', "use the version of traits-core that wrote it"),
        ("status.json", "[]", "delete it to redo the stages"),
        ("metrics.jsonl", '{"kind": "st\n{}\n', "line 1 is damaged"),
    ],
)
def test_a_damaged_run_is_left_out_when_it_was_found_and_an_error_when_it_was_named(
    invent, traits, tmp_path, file, contents, says
):
    whole, damaged = invent("kmeans-digits-0a1b"), invent("pca-digits-2c3d")
    (damaged / file).write_text(contents)
    ended = traits("compare", "--json", "--home", tmp_path)
    assert ended.code == 0
    (group,) = json.loads(ended.out)["groups"]
    assert [entry["runs"] for entry in group["entries"]] == [[str(whole)]]
    (warning,) = ended.err.splitlines()
    assert warning.startswith(f"left out: {damaged}")
    assert says in warning
    named = traits("compare", whole.name, damaged.name, "--home", tmp_path)
    assert (named.code, named.out) == (2, "")
    assert named.err == warning.replace("left out", "traits: error", 1) + "\n"


def test_when_all_that_were_found_are_damaged_it_is_an_error(invent, traits, tmp_path):
    roots = [invent("kmeans-digits-0a1b"), invent("pca-digits-2c3d")]
    for root in roots:
        (root / "probe" / "results.json").write_text("")
    ended = traits("compare", "--home", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert all(f"{root}: no readable result" in ended.err for root in roots)


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
    first, second = compared(runs)["groups"]
    assert [entry["map"] for entry in first["entries"]] == [0.3, 0.2]
    assert [entry["map"] for entry in second["entries"]] == [0.9]
    assert (first["labels"], second["labels"]) == ("aaaa", "bbbb")


def test_seeds_of_one_pass_are_one_family_in_the_order_of_their_seeds(invent):
    runs = [
        read_facts_of_run(
            invent(f"kmeans-digits-{seed}", seed=seed, options={"shuffle_seed": order})
        )
        for seed, order in [(2, 0), (0, None), (1, 0)]
    ]
    (group,) = compared(runs)["groups"]
    (row,) = tables(group)["Scores"]
    assert row["seed"] == "0..2"
    assert row["run"] == f"{runs[1].digest} +2"
    assert group["entries"][0]["digests"] == [runs[at].digest for at in (1, 2, 0)]


@pytest.mark.parametrize(("seeds", "shown"), [([3], "3"), ([0, 1], "0..1"), ([5, 0, 2], "0, 2, 5")])
def test_seeds_are_shown_as_they_are_asked_for(invent, seeds, shown):
    runs = [read_facts_of_run(invent(f"kmeans-digits-{seed}", seed=seed)) for seed in seeds]
    (group,) = compared(runs)["groups"]
    (row,) = tables(group)["Scores"]
    assert row["seed"] == shown


def test_rows_that_differ_in_an_option_say_so(invent):
    runs = [
        read_facts_of_run(invent("kmeans-digits-1", score=0.4)),
        read_facts_of_run(invent("kmeans-digits-2", score=0.3, options={"pooling": "mean"})),
        read_facts_of_run(invent("kmeans-digits-3", score=0.2, n_clusters=9)),
        read_facts_of_run(invent("kmeans-digits-4", score=0.1, n_clusters=9, seed=7)),
    ]
    (group,) = compared(runs, pool_seeds=False)["groups"]
    assert [row["options"] for row in tables(group)["Scores"]] == [
        "pooling=max, n_clusters=8",
        "pooling=mean, n_clusters=8",
        "pooling=max, n_clusters=9",
        "pooling=max, n_clusters=9",
    ]
    (same,) = compared(runs[2:], pool_seeds=False)["groups"]
    assert "options" not in tables(same)["Scores"][0]


def test_probes_that_measure_something_else_are_other_tables_and_it_is_said_what_differs(invent):
    few, many = ({"name": "k-sparse", "k": k, "block": 512} for k in ([1], [1, 4]))
    narrow = {"name": "retrieval", "block": 64}
    runs = [
        read_facts_of_run(invent("kmeans-digits-1", probe=few)),
        read_facts_of_run(invent("kmeans-digits-2", probe=many)),
        read_facts_of_run(invent("kmeans-digits-3")),
        read_facts_of_run(invent("kmeans-digits-4", probe=many, method="pca")),
        read_facts_of_run(invent("kmeans-digits-5", probe=narrow)),
    ]
    found = compared(runs)
    assert [len(group["entries"]) for group in found["groups"]] == [1, 2, 1, 1]
    assert [heading(group).partition(", probe ")[2] for group in found["groups"]] == [
        "k-sparse, probe.k=[1])",
        "k-sparse, probe.k=[1, 4])",
        "retrieval, probe.block=512)",
        "retrieval, probe.block=64)",
    ]
    assert found["differing"] == ["probe", "options of the probe"]
    assert "they differ in probe, options of the probe)" in no_ranking(found["differing"])
    alone = compared([runs[0]])
    assert (alone["comparable"], alone["differing"]) == (True, [])
    assert heading(alone["groups"][0]).endswith("probe k-sparse)")


def test_results_on_positions_are_told_from_results_on_examples(invent):
    runs = [
        read_facts_of_run(invent("a-digits-1")),
        read_facts_of_run(invent("b-digits-2", labels="bbbb", options={"pooling": "none"})),
    ]
    found = compared(runs)
    assert found["differing"] == ["labels", "examples or positions"]
    examples, positions = map(heading, found["groups"])
    assert "(10 traits of examples, labels aaaa" in examples
    assert "(10 classes of positions, labels bbbb" in positions
