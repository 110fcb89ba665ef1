"""Which runs are meant: directories, or names below the home directory, and which of them are whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from traits_core.comparing.run_facts import RunFacts
from traits_core.errors import StageError, TraitsError
from traits_core.registry.plugins import suggest
from traits_core.stages.rundir import find_runs


def read_runs(
    names: Sequence[str], home: Path, read: Callable[[Path], RunFacts]
) -> tuple[list[RunFacts], list[str]]:
    """What `read` finds in the runs that are meant (see `named_runs`), and why some are left out.

    Those that `read` refuses are left out when they were found, and an error when they were named.
    Raises StageError when none is left of those that were found.
    """
    found: list[RunFacts] = []
    damaged: list[str] = []
    for root in named_runs(names, home):
        try:
            found.append(read(root))
        except TraitsError as error:
            damaged.append(str(error))
    if damaged and (names or not found):
        raise StageError("\n".join(damaged))
    return found, damaged


def named_runs(names: Sequence[str], home: Path) -> list[Path]:
    """Directories of the runs, each once, in the order of `names`; all finished ones without names.

    Raises StageError with every name that is none (see `named_run`), and for runs without a result.
    """
    if not names:
        return [root for root in find_runs(home) if _is_probed(root)]
    roots: dict[Path, Path] = {}
    problems: list[str] = []
    for name in names:
        try:
            root = named_run(name, home)
        except StageError as error:
            problems.append(str(error))
            continue
        if _is_probed(root):
            roots.setdefault(root.resolve(), root)
        else:
            problems.append(f"{root} has no result yet: run `traits probe {root}` first")
    if problems:
        raise StageError("\n".join(problems))
    return list(roots.values())


def named_run(name: str, home: Path) -> Path:
    """The directory that `name` is, or that of the run in `home` whose name, or digest, it is.

    Raises StageError when there is no such run.
    """
    directory = Path(name)
    if (directory / "run.json").is_file():
        return directory
    known = {root.name: root for root in find_runs(home)}
    digests = {name.rpartition("-")[2]: root for name, root in known.items()}
    root = known.get(name) or digests.get(name)
    if root is None:
        raise StageError(f"{name}: no run here, nor in {home / 'runs'}.{_nearest(name, known)}")
    return root


def _is_probed(root: Path) -> bool:
    return (root / "probe" / "results.json").is_file()


def _nearest(name: str, known: dict[str, Path]) -> str:
    return suggest(Path(name).name, known) or " `traits runs` lists them"
