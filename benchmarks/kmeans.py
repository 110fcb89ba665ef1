"""How fast k-means assigns and how well it fits, beside other libraries and the bare product.

    python benchmarks/kmeans.py [--case assign-1024|assign-4096|patches|photographs|mixture] [--json]

The peers are installed by requirements-bench.txt, into a venv of their own; saev runs from the
checkout in SAEV_ROOT, by the Python in SAEV_PYTHON. Peers that are not there are skipped by name.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator

import attrs
import torch
from kmeans_cases import assign, fit
from store_cases.timing import Line

CASES: dict[str, Callable[[argparse.Namespace], Iterator[Line]]] = {
    "assign-1024": lambda options: assign.cases(1024, options.repeats),
    "assign-4096": lambda options: assign.cases(4096, options.repeats),
    "patches": lambda options: fit.cases("patches", options.peers, options.seeds),
    "photographs": lambda options: fit.cases("photographs", options.peers, options.seeds),
    "mixture": lambda options: fit.cases("mixture", options.peers, options.seeds),
}


def show(line: Line) -> str:
    """One line for people."""
    text = f"{line.case}: {line.metric} {line.ours:,.6g} {line.unit}"
    if line.theirs is not None:
        text += f"; {line.peer}: {line.theirs:,.6g}"
    elif line.peer:
        text += f"; {line.peer}"
    if line.ratio is not None:
        text += f", ratio {line.ratio:.3f}"
    return text + (f"; {line.of_floor:.2f} of the floor" if line.of_floor is not None else "")


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(CASES), help="default: all")
    parser.add_argument(
        "--peers", default="", help="of fits: only those with this text in the name"
    )
    parser.add_argument("--seeds", type=int, default=3, help="of fits: how many are averaged")
    parser.add_argument("--repeats", type=int, default=5, help="of assignments")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name in [options.case] if options.case else CASES:
        for line in CASES[name](options):
            print(json.dumps(attrs.asdict(line)) if options.json else show(line), flush=True)


if __name__ == "__main__":
    main()
