"""What the plugin author's guide says is so: hooks, contracts, checks, and the tutorial's code."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import attrs
import pytest

from traits_core import ConfigError, protocols
from traits_core.config.structure import structure
from traits_core.registry import hookspecs
from traits_core.stores import protocols as store_protocols
from traits_core.testing import scorer_parts
from traits_core.testing.case import CHECK_MODULES, checks_of
from traits_core.testing.static import TAGS

GUIDE = Path(__file__).parents[2] / "docs" / "plugins"
TUTORIAL = GUIDE / "tutorial"
BLOCK = re.compile(r'^```\w+ title="(?P<path>[^"]+)"\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL)
COMMAND = "from traits_core.cli.app import main; main()"


def page(name: str) -> str:
    return (GUIDE / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """The text below each second-level heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def signature(function: ast.FunctionDef) -> str:
    """How the guide writes a function or a property."""
    returns = ast.unparse(function.returns)
    if any(isinstance(d, ast.Name) and d.id == "property" for d in function.decorator_list):
        return f"{function.name} -> {returns}"
    function.args.args = [a for a in function.args.args if a.arg not in ("self", "cls")]
    return f"{function.name}({ast.unparse(function.args)}) -> {returns}"


def classes_of(module) -> list[ast.ClassDef]:
    return [n for n in ast.parse(inspect.getsource(module)).body if isinstance(n, ast.ClassDef)]


def functions_of(body) -> list[ast.FunctionDef]:
    return [node for node in body if isinstance(node, ast.FunctionDef)]


def test_every_hook_has_a_heading_with_its_signature():
    hooks = functions_of(ast.parse(inspect.getsource(hookspecs)).body)
    assert list(sections(page("hooks.md"))) == [f"`{signature(hook)}`" for hook in hooks]


@pytest.mark.parametrize(
    "contract",
    [*classes_of(protocols), *classes_of(store_protocols)],
    ids=lambda contract: contract.name,
)
def test_every_member_of_a_contract_is_described(contract):
    rows = re.findall(
        r"^\| `(.+?)` \|", sections(page("contracts.md"))[contract.name], re.MULTILINE
    )
    members = [signature(function) for function in functions_of(contract.body)]
    assert [row.replace("\\|", "|") for row in rows] == members


@pytest.mark.parametrize("kind", [None, *CHECK_MODULES])
def test_every_check_is_listed_with_its_reason(kind):
    static = [check.__name__ for check in checks_of("")]
    names = [check.__name__ for check in checks_of(kind or "")]
    expected = names[len(static) :] if kind else static
    text = sections(page("checks.md"))[(kind or "every kind").capitalize()]
    assert re.findall(r"^\| `(check_\w+)` \| .+ \|$", text, re.MULTILINE) == expected


def test_every_tag_is_listed():
    assert re.findall(r"^\| `(.+?)` \|", sections(page("checks.md"))["Tags"], re.MULTILINE) == list(
        TAGS
    )


def test_the_tutorial_shows_the_files_of_its_package():
    shown = {match["path"]: match["text"] for match in BLOCK.finditer(page("tutorial.md"))}
    files = [p for p in TUTORIAL.rglob("*") if p.suffix in (".py", ".toml") and p.is_file()]
    assert shown == {
        path.relative_to(TUTORIAL).as_posix(): path.read_text(encoding="utf-8") for path in files
    }


@pytest.fixture(scope="module")
def shown_configs():
    """The classes that the page of options shows, by name."""
    names: dict[str, type] = {}
    for code in re.findall(r"^```python\n(.*?)^```$", page("config.md"), re.DOTALL | re.MULTILINE):
        exec(compile(code, "config.md", "exec", dont_inherit=True), names)
    return names


def test_the_config_of_the_options_page_takes_what_its_table_shows(shown_configs):
    rows = re.findall(
        r"^\|.+\| `--method\.([a-z-]+) ?([^`]*)`.* \| (?:`(.+)`|leave it out) \|$",
        page("config.md"),
        re.MULTILINE,
    )
    fields = attrs.fields_dict(shown_configs["DirectionsConfig"])
    assert {name.replace("-", "_") for name, *_ in rows} == fields.keys()
    for name, text, toml in rows:
        key = name.replace("-", "_")
        typed = structure(shown_configs["DirectionsConfig"], {key: text or "true"})
        written = structure(shown_configs["DirectionsConfig"], tomllib.loads(toml))
        assert typed == written, name


def test_the_rule_of_the_options_page_names_both_options(shown_configs):
    with pytest.raises(ConfigError, match="patch 300 must be at most image_size 224"):
        structure(shown_configs["PatchesConfig"], {"patch": "300"})


@pytest.mark.parametrize("name", sorted(path.name for path in GUIDE.glob("*.md")))
def test_links_between_pages_lead_somewhere(name):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page(name)):
        assert (GUIDE / target).exists(), target


@pytest.fixture(scope="module")
def traits_with_tutorial(tmp_path_factory):
    """Run `traits` where the tutorial's package is installed, by the metadata of its pyproject."""
    project = tomllib.loads((TUTORIAL / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = tmp_path_factory.mktemp("site")
    metadata = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in project["dependencies"]]
    (metadata / "METADATA").write_text("\n".join(lines) + "\n")
    points = project["entry-points"]["traits.plugins"].items()
    section = "\n".join(f"{name} = {value}" for name, value in points)
    (metadata / "entry_points.txt").write_text(f"[traits.plugins]\n{section}\n")
    path = os.pathsep.join([str(site), str(TUTORIAL / "src")])

    def run(*arguments: str) -> str:
        process = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    return run


def test_the_tutorials_plugin_is_listed_as_shown(traits_with_tutorial):
    def words(text):
        return [line.split() for line in text.splitlines()]

    (shown,) = [
        line for line in words(page("tutorial.md")) if line[-1:] == ["method:spherical-kmeans"]
    ]
    assert shown in words(traits_with_tutorial("plugin", "list"))


@pytest.mark.slow
def test_the_tutorials_plugin_passes_every_check(traits_with_tutorial):
    outcomes = json.loads(traits_with_tutorial("plugin", "check", "spherical-kmeans", "--json"))
    verdicts = {outcome["check"]: outcome["verdict"] for outcome in outcomes}
    assert verdicts.pop("check_works_on_cuda") in ("passed", "skipped")
    optional = {check.__name__ for check in scorer_parts.CHECKS}
    assert {verdicts.pop(name) for name in optional} == {"skipped"}
    assert set(verdicts.values()) == {"passed"}
    assert len(verdicts) == len(checks_of("method")) - len(optional) - 1


@pytest.mark.slow
def test_the_tutorials_command_beats_the_nulls(traits_with_tutorial, tmp_path):
    (command,) = re.findall(r"^\$ traits (run .+)$", page("tutorial.md"), re.MULTILINE)
    printed = traits_with_tutorial(*command.split(), "--home", str(tmp_path), "--json")
    scores = json.loads(printed)["map"]
    assert scores.pop("method") > max(scores.values())
    assert {"constant", "permuted", "gaussian", "activations"} <= scores.keys()
