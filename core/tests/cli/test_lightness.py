"""What shows help or lists plugins imports nothing heavy: that is why it is quick."""

from __future__ import annotations

import pytest

HEAVY = ("torch", "numpy", "zarr", "wandb", "sklearn", "pyarrow", "PIL", "scipy", "transformers")
CODE = f"""
import sys
from traits_core.cli.app import main
try:
    main()
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "--version",
        "run --help",
        "run --method toy --dataset toy-folder --help",
        "run --method kmeans --dataset digits --help",
        "run --method kmeans --dataset emoji --track wandb --help",
        "extract --dataset digits --help",
        "probe --help",
        "compare --help",
        "convert --help",
        "inspect --help",
        "plugin list",
        "plugin list --json",
        "run --method no-such-method",
        "run --method toy --dataset toy-folder",
    ],
)
def test_no_heavy_module_is_imported(process, arguments):
    ended = process(CODE, *arguments.split())
    assert ended.err.splitlines()[-1] == "[]"


def test_a_heavy_module_would_be_seen(process):
    assert "torch" in process("import torch\n" + CODE, "--help").err.splitlines()[-1]
