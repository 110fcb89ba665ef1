"""Which columns of a headline the terminal shows: the first that fit, in the probe's own order."""

import json
from types import SimpleNamespace

import pytest

from traits_core.cli.results import WIDTH, print_result, print_results


@pytest.fixture
def columns(tmp_path, capsys):
    """A function that prints a headline and returns the names of the columns."""

    def printed(*headline):
        result = {"headline": headline, "tables": {}}
        (tmp_path / "results.json").write_text(json.dumps(result), encoding="utf-8")
        print_result(SimpleNamespace(probe=tmp_path, root=tmp_path, report=tmp_path), as_json=False)
        names, dashes, *_ = capsys.readouterr().out.splitlines()
        assert len(dashes) <= WIDTH
        return names.split()

    return printed


def test_the_order_is_that_of_the_probe_and_no_name_is_special(columns):
    rows = [{"row": name, "novel": 0.5, "map": 0.25} for name in ("constant", "method")]
    assert columns(*rows) == ["row", "novel", "map"]


def test_columns_that_do_not_fit_are_left_out_from_the_end(columns):
    names = [f"column_{n:02}" for n in range(30)]
    shown = columns({"row": "method", **dict.fromkeys(names, 0.5)})
    assert shown == ["row", *names[:9]]


def test_a_column_without_any_value_is_left_out(columns):
    rows = [{"row": "constant", "map": 0.1, "nmi": None, "k": None}]
    rows += [{"row": "method", "map": 0.1, "nmi": None, "k": 4}]
    assert columns(*rows) == ["row", "map", "k"]


def test_an_option_that_varies_is_shown_rather_than_a_column_of_the_probe_with_its_name(
    tmp_path, capsys
):
    result = {"headline": [{"row": "method", "map": 0.5, "k": 4}], "tables": {}}
    (tmp_path / "results.json").write_text(json.dumps(result), encoding="utf-8")
    configs = [
        SimpleNamespace(digest=k, to_json=lambda k=k: {"method": {"name": "sae", "k": k}})
        for k in (8, 16)
    ]
    paths = {"probe": tmp_path, "root": tmp_path, "report": tmp_path}
    runs = [SimpleNamespace(config=config, **paths) for config in configs]
    print_results(runs, configs, as_json=False)
    names, _, *rows = capsys.readouterr().out.splitlines()
    assert names.split() == ["k", "map", "run"]
    assert [row.split()[0] for row in rows] == ["8", "16"]
