"""What a pass of a scorer over stored activations costs beyond the scorer, and what it needs of memory and disk.

    python benchmarks/scoring.py [--case stores|pooled] [--rows 100000] [--rounds 3] [--directory /tmp] [--json]

Activations are Gaussian, in a float16 zarr store that the page cache holds. `stores` keeps scores of
positions (768 wide, 4096 prototypes): all, the 32 largest of each row, as many by a threshold, and the
largest 3 %; its floor is the scorer alone over the same rows in memory. Plain files of the same size are
timed too, written through the page cache, alone and by a thread while the scorer works. Before each turn as
much is written and deleted: the host of a virtual machine may take free memory back, and giving it again
costs more than what is written to it. `pooled` keeps the largest score of each of 256 positions (1024 wide,
8192 prototypes), on a slice of what would be 1.5 million rows; its floor is the bare product, by torch into
one reused tile of the best of several sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import torch
from store_cases.timing import in_turn, processor
from torch import Tensor

from traits_core.probing.nulls import gaussian_scorer
from traits_core.progress import Silent
from traits_core.records import FeatureSpec
from traits_core.registry.loader import load_registry
from traits_core.scoring.keeping import Keep, KeepAbove, KeepAll, KeepTopK
from traits_core.scoring.materialize import materialize, score_header
from traits_core.scoring.pooling import Pooling
from traits_core.scoring.scored import NamedScorer
from traits_core.scoring.sinks import StoreSink
from traits_core.stores.header import ArraySpec, StoreHeader
from traits_core.stores.reader import Store, open_store
from traits_core.stores.writer import StoreWriter

CPU: Final = torch.device("cpu")
NONE: Final = Pooling("none")
TILES: Final = (512, 1024, 2048, 8192)
PIECE: Final = 1 << 19  # larger writes may be slower


def machine() -> str:
    """Processor, the threads we may use, and the torch that did the work."""
    return f"{processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def storage_named(name: str) -> Any:
    """A storage with its default options."""
    spec = load_registry().get("storage", name)
    return spec.load()(spec.config())


def activations(root: Path, rows: int, width: int, positions: int) -> tuple[Store, Tensor]:
    """A store of Gaussian activations, and the same in memory."""
    storage, rows = storage_named("zarr"), rows // positions * positions
    feature = FeatureSpec(
        backbone="gaussian",
        checkpoint="0",
        layer="layer",
        d_model=width,
        position="patch",
        grid=None,
        preprocessing="none",
    )
    arrays = (ArraySpec(name="layer", columns=width, feature=feature),)
    layout = storage.plan("activations", rows, positions, arrays)
    header = StoreHeader(
        kind="activations",
        storage="zarr",
        dtype="float16",
        rows=rows,
        positions=positions,
        rows_per_shard=layout.rows_per_shard,
        chunk_rows=layout.chunk_rows,
        chunk_columns=layout.chunk_columns,
        arrays=arrays,
        dataset="gaussian",
        dataset_digest="0",
        split="train",
    )
    acts_nd = torch.randn(rows, width, generator=torch.Generator().manual_seed(0)).half().float()
    with StoreWriter(root, header, storage) as writer:
        for part_bd in acts_nd.split(8192):
            writer.append({"layer": part_bd})
        writer.finish()
    return open_store(root, load_registry()), acts_nd


def cleared(out: Path, size: int) -> None:
    """Leave no `out`, and as much memory warm as `size` bytes of files take."""
    shutil.rmtree(out, ignore_errors=True)
    files(out, size)
    shutil.rmtree(out)
    os.sync()


def peak_bytes(work: Callable[[], Any]) -> int | None:
    """How far resident memory rises while `work` runs; None where Linux does not tell."""
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not clear.exists():
        return None

    def value(name: str) -> int:
        (kilobytes,) = re.findall(rf"{name}:\s+(\d+) kB", status.read_text(encoding="utf-8"))
        return int(kilobytes) * 1024

    clear.write_text("5")
    before = value("VmRSS")
    work()
    return value("VmHWM") - before


def scored(
    source: Store, scorer: Any, keep: Keep, storage: str, root: Path, dtype: str = "float32"
) -> None:
    """One pass into a new store at `root`."""
    scorers = {"method": NamedScorer(name="method", digest="0", scorer=scorer)}
    backend = storage_named(storage)
    header = score_header(scorers, source, "layer", backend, storage, keep, dtype)
    with StoreSink(root, header, backend, keep) as sink:
        materialize(scorers, source, "layer", [sink], CPU, Silent())


def size_of(root: Path) -> int:
    """Bytes of all files below a directory."""
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def line(
    case: str,
    metric: str,
    unit: str,
    ours: float,
    floor: float | None = None,
    peer: str | None = None,
    theirs: float | None = None,
) -> dict[str, Any]:
    """One result. No installed program writes such stores: the peer is another form of ours."""
    return {
        "bench": "scoring",
        "case": case,
        "metric": metric,
        "unit": unit,
        "ours": ours,
        "peer": peer,
        "theirs": theirs,
        "ratio": theirs / ours if theirs else None,
        "floor": floor,
        "of_floor": floor / ours if floor else None,
        "machine": machine(),
    }


def bench_stores(options: argparse.Namespace, directory: Path) -> Iterator[dict[str, Any]]:
    """Scores of positions in their three forms, beside the scorer alone."""
    width, k = 768, 4096
    source, acts_nd = activations(directory / "activations", options.rows, width, 100)
    scorer = gaussian_scorer(acts_nd[:4096], k, seed=0)
    sample_n = scorer(acts_nd[:1024]).flatten()[:1_000_000]
    few, more = (float(sample_n.quantile(1 - part)) for part in (32 / k, 0.03))
    forms = {
        "dense": (KeepAll(NONE), "zarr", "float32"),
        "dense, float16": (KeepAll(NONE), "zarr", "float16"),
        "top-k 32": (KeepTopK(NONE, 32), "zarr", "float32"),
        "threshold at 0.8 %": (KeepAbove(NONE, few), "zarr-sparse", "float32"),
        "threshold at 3 %": (KeepAbove(NONE, more), "zarr-sparse", "float32"),
    }
    root = directory / "scores"
    works: dict[str, Callable[[], Any]] = {"scorer": lambda: alone(scorer, acts_nd)}
    sizes = {}
    for name, form in forms.items():

        def work(name: str = name, form: tuple[Keep, str, str] = form) -> None:
            keep, storage, dtype = form
            scored(source, scorer, keep, storage, root, dtype)
            sizes[name] = size_of(root)

        works[name] = work
    dense = 4 * k * len(acts_nd)
    works["files"] = lambda: files(root, dense)

    def together() -> None:
        writing = threading.Thread(target=works["files"])
        writing.start()
        alone(scorer, acts_nd)
        writing.join()

    works["scorer and files"] = together
    times = in_turn(works, options.rounds, lambda: cleared(root, dense))
    for name in forms:
        case = f"{name}, {len(acts_nd)} x {k}, {width} wide"
        for metric, of in (("best time", min), ("median time", statistics.median)):
            peer = "dense", of(times["dense"])
            yield line(case, metric, "s", of(times[name]), of(times["scorer"]), *peer)
        yield line(case, "size", "MB", sizes[name] / 1e6, None, "dense", sizes["dense"] / 1e6)
    megabytes = f"{dense / 1e6:.0f} MB"
    yield line(f"files alone, {megabytes}", "best time", "s", min(times["files"]))
    case = f"scorer alone beside files of {megabytes}"
    yield line(case, "best time", "s", min(times["scorer and files"]), min(times["scorer"]))


def files(root: Path, size: int) -> None:
    """Write about `size` bytes into files of 8 MiB, and flush each."""
    root.mkdir()
    chunk = torch.randn(1 << 21).numpy().data.cast("B")
    for number in range(size // len(chunk)):
        with (root / str(number)).open("wb", buffering=0) as file:
            for first in range(0, len(chunk), PIECE):
                file.write(chunk[first : first + PIECE])
            os.fsync(file.fileno())


def alone(scorer: Any, acts_nd: Tensor) -> None:
    """Score rows a tile at a time, and keep nothing."""
    for part_bd in acts_nd.split(1024):
        scorer(part_bd)


def product(acts_nd: Tensor, weights_dk: Tensor, rows: int) -> None:
    """X W, tile by tile into the same memory."""
    tile_bk = torch.empty(rows, weights_dk.shape[1])
    for part_bd in acts_nd.split(rows):
        torch.mm(part_bd, weights_dk, out=tile_bk[: len(part_bd)])


def bench_pooled(options: argparse.Namespace, directory: Path) -> Iterator[dict[str, Any]]:
    """Scores pooled over the positions of an image, beside the bare product."""
    width, k, positions = 1024, 8192, 256
    source, acts_nd = activations(directory / "activations", options.rows, width, positions)
    scorer = gaussian_scorer(acts_nd[:4096], k, seed=0)
    weights_dk = scorer.directions_kd.T

    root = directory / "scores"

    def ours() -> None:
        scored(source, scorer, KeepAll(Pooling("max")), "zarr", root)

    peak = peak_bytes(ours)
    works: dict[str, Callable[[], Any]] = {"ours": ours}
    for rows in TILES:
        works[f"product of {rows} rows"] = lambda rows=rows: product(acts_nd, weights_dk, rows)
    n = len(acts_nd)
    times = in_turn(works, options.rounds, lambda: cleared(root, n // positions * k * 4))
    case = f"max of {positions}, {n} x {k}, {width} wide (of 1.5 million rows)"
    for metric, of in (("best time", min), ("median time", statistics.median)):
        floor = min(of(times[name]) for name in times if name != "ours")
        yield line(case, metric, "s", of(times["ours"]), floor)
    if peak is not None:
        kept = "the pooled scores", n // positions * k * 4 / 1e6
        yield line(case, "peak memory above the start", "MB", peak / 1e6, None, *kept)


CASES: Final = {"stores": bench_stores, "pooled": bench_pooled}


def show(found: dict[str, Any]) -> str:
    """One line for people."""
    text = f"{found['case']}: {found['metric']} {found['ours']:.3g} {found['unit']}"
    if found["ratio"]:
        text += f"; {found['peer']}: {found['theirs']:.3g} {found['unit']}"
    if found["floor"]:
        text += f"; floor {found['floor']:.3g} {found['unit']}, {found['of_floor']:.0%} of it"
    return text


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=sorted(CASES), help="default: all")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", help="where stores are written (default: the system's)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    for name in [options.case] if options.case else sorted(CASES):
        with tempfile.TemporaryDirectory(dir=options.directory) as directory:
            for found in CASES[name](options, Path(directory)):
                print(json.dumps(found) if options.json else show(found), flush=True)


if __name__ == "__main__":
    main()
