"""How fast sparse autoencoders train, what they find and what they hold, beside the libraries for it.

    python benchmarks/sae.py [--case step] [--architecture topk] [--peers sae-lens] [--json]

The peers are in `requirements-bench.txt`; those that are not installed are skipped by name.
"""

from __future__ import annotations

import argparse
import json

import attrs
from sae_cases import memory, quality, step
from store_cases.timing import Line

CASES = {"step": step.cases, "quality": quality.cases, "memory": memory.cases}
ARCHITECTURES = {
    "step": ("topk", "batchtopk", "relu"),
    "quality": ("topk", "batchtopk"),
    "memory": ("topk", "batchtopk"),
}
ROUNDS = {"step": 7, "quality": 700, "memory": 1}


def show(line: Line) -> str:
    """One line for people."""
    text = f"{line.case}: {line.metric} {line.ours:,.4g} {line.unit}"
    text += f"; {line.peer}" if line.theirs is None else f"; {line.peer}: {line.theirs:,.4g}"
    text += "" if line.ratio is None else f", ratio {line.ratio:.2f}"
    if line.floor is not None:
        text += f"; floor {line.floor:,.4g}, {line.of_floor:.2f} of it"
    return text


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(CASES), help="default: all")
    parser.add_argument("--architecture", choices=ARCHITECTURES["step"], help="default: all")
    parser.add_argument("--peers", default="", help="only peers whose name contains this text")
    parser.add_argument("--rounds", type=int, help="timed steps, or steps of training for quality")
    parser.add_argument("--seed", type=int, default=0, help="of data and of initial weights")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    for name in [options.case] if options.case else CASES:
        for architecture in ARCHITECTURES[name]:
            if options.architecture in (None, architecture):
                rounds = options.rounds or ROUNDS[name]
                for line in CASES[name](architecture, options.peers, rounds, options.seed):
                    text = json.dumps(attrs.asdict(line)) if options.json else show(line)
                    print(text, flush=True)


if __name__ == "__main__":
    main()
