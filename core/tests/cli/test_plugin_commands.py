"""A plugin adds commands: listed without their code, run with it, and never in place of the core's."""

from __future__ import annotations

import re

from traits_core.cli.app import make_app
from traits_core.registry.commands import CORE_COMMANDS


def test_the_commands_of_the_core_are_those_whose_names_are_kept():
    app = make_app(["run"])
    groups = [group.name for group in app.registered_groups]
    names = [one.name or one.callback.__name__ for one in app.registered_commands]
    assert [*names, *groups] == [*CORE_COMMANDS]


def test_the_first_page_lists_them_after_those_of_the_core(traits):
    listed = traits("--help").out.partition("Commands:")[2]
    assert re.findall(r"^  ([a-z-]+)  ", listed, re.MULTILINE)[: len(CORE_COMMANDS)] == [
        *CORE_COMMANDS
    ]
    assert re.search(r"^  toys +Play with toys\.$", listed, re.MULTILINE)


def test_a_command_of_a_plugin_runs(traits):
    assert traits("toys", "play", "2").out == "played 2\n"


def test_its_own_help_is_shown(traits):
    shown = traits("toys", "--help").out
    assert "Play with toys." in shown
    assert "Put the toys away." in shown


def test_its_mistakes_end_in_one_line(traits):
    ended = traits("toys", "play", "4")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == "traits: error: 4 times is too often: 3 at most"


def test_code_that_is_not_there_or_no_commands_is_told_in_one_line(traits):
    told = traits("toys-absent", "--help").err.splitlines()[-1]
    assert "command 'toys-absent': cannot import 'traits_plugin_toy.absent:app'" in told
    told = traits("toys-other").err.splitlines()[-1]
    assert "'traits_plugin_toy.commands:play' is no typer.Typer" in told


def test_a_plugin_lists_what_it_adds(traits):
    assert "command:toys" in traits("plugin", "list").out


def test_the_first_page_imports_no_code_of_a_command(process):
    code = """
import sys
from traits_core.cli.app import main
try:
    main()
finally:
    print("traits_plugin_toy.commands" in sys.modules, file=sys.stderr)
"""
    assert process(code, "--help").err.splitlines()[-1] == "False"
    assert process(code, "run", "--help").err.splitlines()[-1] == "False"
    assert process(code, "toys", "--help").err.splitlines()[-1] == "True"
