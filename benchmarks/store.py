"""How fast stores are written and read, beside their peers and the hardware's limit.

    python benchmarks/store.py [--case read|write|memory|mixing] [--repeats 3] [--json]

All of it writes 35 GB, 4 of them at a time, and takes four minutes on two cores. The activations are random numbers: they do not
compress, and neither do real ones in float16. All files are warm in the page cache.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import attrs
from store_cases import memory, mixing, reading, writing
from store_cases.timing import Line

CASES = {
    "read": reading.cases,
    "write": writing.cases,
    "memory": memory.cases,
    "mixing": mixing.cases,
}


def show(line: Line) -> str:
    """One line for people."""
    text = f"{line.case}: {line.metric} {line.ours:,.4g} {line.unit}"
    if line.theirs is not None:
        text += f"; {line.peer}: {line.theirs:,.4g}, ratio {line.ratio:.2f}"
    elif line.peer:
        text += f"; {line.peer}"
    if line.floor is not None:
        text += f"; floor {line.floor:,.4g}, {line.of_floor:.2f} of it"
    return text


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(CASES), help="default: all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dir", type=Path, help="where the stores are written, and deleted again")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    names = [options.case] if options.case else list(CASES)
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        for name in names:
            for line in CASES[name](Path(directory), options.repeats):
                text = json.dumps(attrs.asdict(line)) if options.json else show(line)
                print(text, flush=True)


if __name__ == "__main__":
    main()
