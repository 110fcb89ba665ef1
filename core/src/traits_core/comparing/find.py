"""Which runs are meant: directories, or names below the home directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from traits_core.errors import StageError
from traits_core.registry.plugins import suggest
from traits_core.stages.rundir import find_runs


def named_runs(names: Sequence[str], home: Path) -> list[Path]:
    """Directories of the runs, each once, in the order of `names`; all finished ones without names.

    A name is a directory, the name of a run in `home`, or the digest that it ends in. Raises
    StageError with every name that is none, and for runs without a result.
    """
    known = {root.name: root for root in find_runs(home)}
    if not names:
        return [root for root in known.values() if _is_probed(root)]
    digests = {name.rpartition("-")[2]: root for name, root in known.items()}
    roots: dict[Path, Path] = {}
    problems: list[str] = []
    for name in names:
        directory = Path(name)
        found = directory if (directory / "run.json").is_file() else known.get(name)
        root = found or digests.get(name)
        if root is None:
            problems.append(f"no run {name!r}, here or in {home / 'runs'}.{_nearest(name, known)}")
        elif not _is_probed(root):
            problems.append(f"{root} has no result yet: run `traits probe {root}` first")
        else:
            roots.setdefault(root.resolve(), root)
    if problems:
        raise StageError("\n".join(problems))
    return list(roots.values())


def _is_probed(root: Path) -> bool:
    return (root / "probe" / "results.json").is_file()


def _nearest(name: str, known: dict[str, Path]) -> str:
    return suggest(Path(name).name, known) or " `traits runs` lists them"
