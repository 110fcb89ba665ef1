"""Running a few lines in a Python process of their own, which knows nothing of this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from traits_core.testing.expect import fail

TIMEOUT: Final = 300
_PREAMBLE: Final = "import json, sys; sys.path[:], given = json.loads(sys.argv[1])\n"


def run_fresh(
    code: str,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    /,
    **given: Any,
) -> Any:
    """Run `code` with `given` as a dict of that name; return the JSON that it prints last.

    The process finds the same modules, and hashes text differently; `environment` is added to ours,
    and `directory` is where it runs. One that ends in an error is a ContractError with its last line.
    """
    argument = json.dumps([[str(Path(path).absolute()) for path in sys.path], given])
    process = subprocess.run(  # noqa: S603  # this interpreter, our own code
        [sys.executable, "-c", _PREAMBLE + code, argument],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env=os.environ | {"PYTHONHASHSEED": "7"} | dict(environment or {}),
        cwd=directory,
        check=False,
    )
    if process.returncode:
        fail(f"in a fresh process: {(process.stderr.strip().splitlines() or ['it died'])[-1]}")
    return json.loads(process.stdout.strip().splitlines()[-1])
