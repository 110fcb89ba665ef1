"""saev's loaders on the same activations: in a process of the Python that saev accepts.

`SAEV_ROOT` names a checkout of saev (OSU-NLP-Group), `SAEV_PYTHON` a Python that has what it needs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from store_cases import data

SCRIPT: Final = Path(__file__).with_name("saev_loaders.py")
PART: Final = 4
"""saev gets a quarter of the rows, and its time is multiplied."""
EXAMPLES_PER_SHARD: Final = data.BLOCK_ROWS // data.POSITIONS


def seconds(directory: Path, kind: str, batch_size: int, rows: int) -> list[float]:
    """Seconds for all rows by the `ordered` or the `shuffled` loader; empty without `SAEV_ROOT`."""
    if "SAEV_ROOT" not in os.environ:
        return []
    shards = directory / "saev/shards/bench"
    if not shards.exists():
        _write(shards, rows // PART // data.BLOCK_ROWS)
    python = os.environ.get("SAEV_PYTHON", sys.executable)
    source = str(Path(os.environ["SAEV_ROOT"]) / "src")
    done = subprocess.run(
        [python, str(SCRIPT), str(shards), kind, str(batch_size), "2"],
        env=os.environ | {"PYTHONPATH": source, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [PART * value for value in json.loads(done.stdout.splitlines()[-1])]


def _write(shards: Path, n_shards: int) -> None:
    """The rows in the shards protocol 2.1: float32, one layer, no special token."""
    shards.mkdir(parents=True)
    acts_nd = data.block().float().numpy()
    names = [f"acts{i:06}.bin" for i in range(n_shards)]
    for name in names:
        acts_nd.tofile(shards / name)
    metadata = {
        "family": "fake-clip",
        "ckpt": "none",
        "layers": [0],
        "content_tokens_per_example": data.POSITIONS,
        "cls_token": False,
        "d_model": data.COLUMNS,
        "n_examples": n_shards * EXAMPLES_PER_SHARD,
        "max_tokens_per_shard": data.BLOCK_ROWS,
        "data": "",
        "dataset": "none",
        "pixel_agg": "majority",
        "dtype": "float32",
        "protocol": "2.1",
    }
    entries = [{"name": name, "n_examples": EXAMPLES_PER_SHARD} for name in names]
    (shards / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    (shards / "shards.json").write_text(json.dumps(entries), encoding="utf-8")
