"""What a scorer keeps of activations is in the tables beside what it cost."""

import json

from traits_core.comparing.groups import grouped
from traits_core.comparing.rows import entry_json
from traits_core.comparing.run_facts import read_facts_of_run
from traits_core.comparing.tables import cost_row

FIGURES = {"rows": 9, "rows_per_second": 20000.0, "l0": 31.5}


def costs(*roots):
    (group,) = grouped(map(read_facts_of_run, roots), pool_seeds=True)
    return [cost_row(entry_json(entry)) for entry in group.entries]


def keep(root, **figures):
    (root / "figures.json").write_text(json.dumps(FIGURES | figures))


def test_figures_of_seeds_are_averaged_and_absent_ones_are_blank(invent):
    first, second = invent("a-0", score=0.9), invent("a-1", score=0.7, seed=1)
    dense, old = invent("b", score=0.3, method="pca"), invent("c", score=0.1, method="random")
    keep(first, reconstruction={"explained_variance": 0.5})
    keep(second, reconstruction={"explained_variance": 0.7}, l0=32.5)
    keep(dense, reconstruction=None, l0=None)
    pooled, without, unmeasured = costs(first, second, dense, old)
    assert (pooled["L0"], pooled["scored/s"]) == ("32.0", "20,000")
    assert pooled["expl. variance"] == 0.6
    assert (without["L0"], without["expl. variance"]) == (None, None)
    assert without["scored/s"] == "20,000"
    assert unmeasured["scored/s"] is None


def test_torn_figures_are_as_good_as_none(invent):
    run = invent("a")
    (run / "figures.json").write_text('{"rows_per')
    (row,) = costs(run)
    assert row["scored/s"] is None
