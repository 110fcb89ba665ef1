"""What the documentation shows is true: links lead somewhere, code runs, commands are accepted."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from traits_core.config.run_config import resolve_run
from traits_core.config.sources import read_config
from traits_core.registry.loader import load_registry

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/*.md")]
    if ".venv" not in path.parts
)
TRAITS = str(Path(sys.executable).with_name("traits"))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def runs(page: Path) -> list[str]:
    """Complete `traits run` command lines in indented blocks."""
    lines = re.findall(r"^    (?:\$ )?(traits run [^\n#]*)", page.read_text(), re.MULTILINE)
    return [
        line.strip() for line in lines if not re.search(r"(RUN|PATH)\b|\.\.\.|softcluster", line)
    ]


def test_there_is_something_to_test():
    assert len(PAGES) > 8
    assert sum(len(runs(page)) for page in PAGES) >= 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_python_of_the_concepts_page_runs(tmp_path):
    (code,) = blocks(ROOT / "docs" / "concepts.md", "python")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=300)
    assert list(tmp_path.glob("traits-home/runs/*/report/index.html"))


def test_toml_blocks_are_accepted(tmp_path):
    registry = load_registry()
    for page in PAGES:
        for text in blocks(page, "toml"):
            if "project" in tomllib.loads(text):  # the metadata of a plugin
                continue
            path = tmp_path / "config.toml"
            path.write_text(text)
            resolve_run(read_config(path), registry)


@pytest.mark.parametrize(
    "line", sorted({line for page in PAGES for line in runs(page)}), ids=lambda line: line[:60]
)
def test_commands_are_accepted(line, tmp_path):
    words = [TRAITS, *shlex.split(line)[1:], "--dry-run", "--home", str(tmp_path)]
    finished = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert finished.returncode == 0, finished.stderr


def test_every_command_is_explained():
    shown = subprocess.run([TRAITS, "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  ([a-z]+)  ", shown.partition("Commands:")[2], re.MULTILINE)
    text = "\n".join(page.read_text() for page in PAGES)
    assert [name for name in commands if f"traits {name}" not in text] == []
