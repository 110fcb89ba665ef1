"""Help as a reader sees it at 80 columns."""

from __future__ import annotations

import re

import pytest

STAGES = ("run", "extract", "train", "materialize", "probe", "report")
COMMANDS = (*STAGES, "runs", "compare", "convert", "inspect", "stats", "verify", "plugin")
LISTS = ([], ["plugin"])
PAGES = [
    [],
    *([name] for name in COMMANDS),
    ["plugin", "list"],
    ["plugin", "check"],
    ["run", "--method", "toy", "--dataset", "toy-folder"],
    ["run", "--method", "kmeans", "--dataset", "emoji"],
]


def words(text):
    return " ".join(text.split())


@pytest.mark.parametrize("page", PAGES, ids=" ".join)
def test_every_page_fits_80_columns_and_nothing_is_cut(traits, page):
    ended = traits(*page, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    listed = ended.out.partition("Commands:")[2]
    assert "..." not in listed.replace("ARGS]...", "")


@pytest.mark.parametrize("page", [page for page in PAGES if page not in LISTS], ids=" ".join)
def test_every_page_of_a_command_shows_an_example_on_one_line(traits, page):
    shown = traits(*page, "--help").out
    examples = re.findall(r"^    (?:[A-Z_]+=\S+ )?(traits .+)$", shown, flags=re.MULTILINE)
    name = "plugin " + page[1] if page[0] == "plugin" else page[0]
    assert any(example.startswith(f"traits {name}") for example in examples)


def test_the_first_page_lists_every_command_and_a_first_thing_to_try(traits):
    shown = traits("--help").out
    listed = re.findall(r"^  ([a-z]+)  ", shown.partition("Commands:")[2], re.MULTILINE)
    assert listed[: len(COMMANDS)] == [*COMMANDS]
    assert "First look: traits run --method kmeans --dataset emoji" in shown


def test_no_arguments_show_the_first_page(traits):
    shown = traits()
    assert "Commands:" in shown.out + shown.err


def test_the_version_is_printed(traits):
    assert traits("--version").out.startswith("traits-core ")


def test_a_named_plugin_shows_its_options_with_types_and_defaults(traits):
    shown = words(traits("run", "--method", "toy", "--dataset=toy-folder", "--help").out)
    for line in (
        "--method.n-prototypes INT number of prototypes [default: 3]",
        "--method.tol FLOAT when to stop [default: 0.5]",
        "--method.normalize / --method.no-normalize scale each row to length one [default: true]",
        "--method.metric cosine|euclidean which distance [default: cosine]",
        "--method.sizes INT,... sizes to try [default: 1,2]",
        "--method.start PATH where to start from --dataset.path",
        "--dataset.path PATH folder of pictures [required]",
    ):
        assert line in shown


def test_options_of_plugins_that_are_not_named_are_not_shown(traits):
    shown = traits("run", "--help").out.partition("Options:")[2]
    assert "--method.n" not in shown
    assert "--dataset." not in shown
    assert "--storage.dtype" in shown  # chosen by default
    assert "toy" in shown  # named as what could be chosen


def test_extract_knows_nothing_of_methods(traits):
    shown = traits("extract", "--dataset", "toy-folder", "--help").out
    assert "--dataset.path" in shown
    assert "--method" not in shown
    assert "--probe" not in shown


def test_the_options_of_what_was_named_come_before_those_of_the_core(traits):
    shown = traits("run", "--method", "toy", "--dataset", "toy-folder", "--help").out
    order = ["--config", "--method ", "--method.tol", "--dataset.path", "--seed ", "--home"]
    places = [shown.rindex(f"\n  {flag}") for flag in order]
    assert places == sorted(places)


def test_a_narrow_terminal_still_shows_whole_names(traits, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    shown = traits("run", "--method", "toy", "--help").out
    assert "--method.no-normalize" in shown


def test_help_has_no_markup_or_escapes(traits):
    shown = traits("run", "--method", "toy", "--help").out
    assert "\x1b" not in shown
    assert "\\[" not in shown
    assert "\b" not in shown
