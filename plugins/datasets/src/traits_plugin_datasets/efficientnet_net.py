"""EfficientNet-Lite0 up to block 10 in plain torch, batch normalisation folded into the convolutions.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019; the
Lite variant has ReLU6 instead of swish and no squeeze-and-excitation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
import torch.nn.functional as F  # noqa: N812  # its usual name
from torch import Tensor, nn


@attrs.frozen
class Stage:
    """Blocks of one shape: the first has `stride` and changes the width, the others are residual."""

    expansion: int
    kernel: int
    stride: int
    width: int
    blocks: int


STEM_WIDTH: Final = 32
STAGES: Final = (
    Stage(1, 3, 1, 16, 1),  # block 0
    Stage(6, 3, 2, 24, 2),  # 1, 2
    Stage(6, 5, 2, 40, 2),  # 3, 4
    Stage(6, 3, 2, 80, 3),  # 5, 6, 7: here one cell is 16x16 pixels
    Stage(6, 5, 1, 112, 3),  # 8, 9, 10
)
WIDTHS: Final = tuple(stage.width for stage in STAGES for _ in range(stage.blocks))
"""Length of a cell's vector after each block."""


class SameConv(nn.Conv2d):
    """Convolution with bias and TensorFlow's padding: the odd pixel goes to the right and bottom."""

    def __init__(
        self, d_in: int, d_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(d_in, d_out, kernel, stride, groups=groups)

    def forward(self, x_bchw: Tensor) -> Tensor:
        return super().forward(
            F.pad(x_bchw, (*self._pad(x_bchw.shape[3]), *self._pad(x_bchw.shape[2])))
        )

    def _pad(self, size: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2


class Block(nn.Module):
    """Inverted residual: widen, filter each channel, narrow without a nonlinearity, add the input."""

    def __init__(self, d_in: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = d_in * stage.expansion
        self.expand = SameConv(d_in, wide) if stage.expansion > 1 else None
        self.depthwise = SameConv(wide, wide, stage.kernel, stride, groups=wide)
        self.project = SameConv(wide, stage.width)
        self.residual = stride == 1 and d_in == stage.width

    def forward(self, x_bchw: Tensor) -> Tensor:
        wide = x_bchw if self.expand is None else F.relu6(self.expand(x_bchw))
        out: Tensor = self.project(F.relu6(self.depthwise(wide)))
        return x_bchw + out if self.residual else out


class Network(nn.Module):
    """Stem and blocks 0 to 10."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, STEM_WIDTH, 3, 2)
        self.blocks = nn.ModuleList()
        d_in = STEM_WIDTH
        for stage in STAGES:
            for repeat in range(stage.blocks):
                self.blocks.append(Block(d_in, stage, stage.stride if repeat == 0 else 1))
                d_in = stage.width

    def forward(self, x_bchw: Tensor, wanted: frozenset[int]) -> Mapping[int, Tensor]:
        """Return the output [B, C, H, W] of each wanted block; blocks after the last one don't run.

        x_bchw: normalised pixels, (x - 127) / 128
        """
        outputs = {}
        h_bchw = F.relu6(self.stem(x_bchw))
        for index, block in enumerate(self.blocks):
            if index > max(wanted, default=-1):
                break
            h_bchw = block(h_bchw)
            if index in wanted:
                outputs[index] = h_bchw
        return outputs
