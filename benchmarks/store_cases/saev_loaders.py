"""Time one of saev's loaders: run in saev's own Python, with its `src` on the path.

    python saev_loaders.py SHARDS {shuffled,ordered} BATCH_SIZE PASSES

Prints one JSON list: the seconds of each pass, as if its first batch, before which its processes
start, took as long as the others. What the loader does behind its last batch does not count.
"""

from __future__ import annotations

import json
import logging
import pathlib
import sys
import time


def main() -> None:
    """Build the loader once a pass, as saev does, and read until it ends."""
    import saev.data

    shards, kind, batch_size, passes = sys.argv[1:]
    logging.disable()
    config, loader = {
        "shuffled": (saev.data.ShuffledConfig, saev.data.ShuffledDataLoader),
        "ordered": (saev.data.OrderedConfig, saev.data.OrderedDataLoader),
    }[kind]
    options = {"shards": pathlib.Path(shards), "layer": 0, "batch_size": int(batch_size)}
    times = []
    for _ in range(int(passes)):
        ends = []
        for _ in loader(config(**options)):
            ends.append(time.perf_counter())  # noqa: PERF401  the loader ends with a wait
        times.append((ends[-1] - ends[0]) * len(ends) / (len(ends) - 1))
    print(json.dumps(times))


if __name__ == "__main__":
    main()
