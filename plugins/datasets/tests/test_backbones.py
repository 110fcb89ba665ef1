"""What holds for both backbones, and what each sees where."""

import numpy as np
import pytest
import torch

from traits_core import ConfigError, DataError, Example
from traits_plugin_datasets.config import DigitsConfig, EfficientNetLite0Config, PixelsConfig
from traits_plugin_datasets.digits import Digits
from traits_plugin_datasets.efficientnet import EfficientNetLite0
from traits_plugin_datasets.pixels import Pixels


@pytest.fixture(params=["efficientnet-lite0", "pixels"])
def backbone(request, efficientnet):
    if request.param == "pixels":
        return Pixels(PixelsConfig(image_size=16, patch=5, stride=3, gray=False), device="cpu")
    return efficientnet


def test_activations_have_the_shape_that_the_spec_says(backbone, emoji):
    outputs = backbone(emoji.examples("test")[:3], backbone.layers)
    assert list(outputs) == list(backbone.layers)
    for layer, acts_bpd in outputs.items():
        spec = backbone.feature_spec(layer)
        rows, columns = spec.grid
        assert acts_bpd.shape == (3, rows * columns, spec.d_model)
        assert acts_bpd.shape[1] == backbone.positions_per_example(layer)
        assert acts_bpd.dtype == torch.float32
        assert not acts_bpd.requires_grad
        assert acts_bpd.isfinite().all()
        assert spec.layer == layer


def test_activations_do_not_depend_on_the_batch(backbone, emoji):
    examples = emoji.examples("train")[:60:10]
    layer = backbone.default_layer
    together = backbone(examples, [layer])[layer]
    for row, example in enumerate(examples):
        torch.testing.assert_close(
            backbone([example], [layer])[layer][0], together[row], rtol=1e-4, atol=1e-4
        )


def test_a_layer_is_the_same_whatever_else_is_asked_for(backbone, emoji):
    examples = emoji.examples("train")[:2]
    every = backbone(examples, list(reversed(backbone.layers)))
    for layer in backbone.layers:
        assert torch.equal(backbone(examples, [layer])[layer], every[layer])


def test_a_second_instance_gives_the_same(backbone, emoji):
    kind = type(backbone)
    config = EfficientNetLite0Config() if kind is EfficientNetLite0 else backbone._config
    layer = backbone.default_layer
    examples = emoji.examples("train")[:2]
    assert torch.equal(
        kind(config, device="cpu")(examples, [layer])[layer], backbone(examples, [layer])[layer]
    )


def test_text_is_refused(backbone):
    with pytest.raises(DataError, match="example 'a' is no image"):
        backbone([Example(id="a", text="hello")], [backbone.default_layer])


def test_unknown_layer_is_refused(backbone):
    with pytest.raises(ConfigError, match="no layer 'block-99': choose from"):
        backbone.feature_spec("block-99")
    with pytest.raises(ConfigError, match="no layer 'block-99'"):
        backbone([], ["block-99"])


def test_positions_are_row_major(backbone):
    layer = backbone.default_layer
    rows, columns = backbone.feature_spec(layer).grid
    white = np.full((64, 64, 3), 255, np.uint8)
    marked = white.copy()
    marked[-8:, :8] = 0  # bottom left
    acts = backbone([Example(id="w", image=white), Example(id="m", image=marked)], [layer])[layer]
    changed_p = (acts[1] - acts[0]).norm(dim=1)
    assert changed_p.argmax() == (rows - 1) * columns


def test_image_size_sets_the_grid(emoji):
    small = EfficientNetLite0(EfficientNetLite0Config(image_size=48), device="cpu")
    assert small.feature_spec("block-7").grid == (3, 3)
    assert small(emoji.examples("train")[:1], ["block-7"])["block-7"].shape == (1, 9, 80)


def test_image_size_is_part_of_the_feature_spec(efficientnet):
    small = EfficientNetLite0(EfficientNetLite0Config(image_size=48), device="cpu")
    assert small.feature_spec("block-10") != efficientnet.feature_spec("block-10")


def test_pixels_of_a_digit_are_its_patches():
    backbone = Pixels(PixelsConfig(), device="cpu")
    spec = backbone.feature_spec("patches")
    assert (spec.grid, spec.d_model) == ((5, 5), 16)
    examples = Digits(DigitsConfig(limit=4)).examples("train")
    acts_bpd = backbone(examples, ["patches"])["patches"]
    for example, acts_pd in zip(examples, acts_bpd, strict=True):
        gray = example.image[:, :, 0].astype(np.float32) / 255
        expected = [gray[r : r + 4, c : c + 4].ravel() for r in range(5) for c in range(5)]
        assert np.array_equal(acts_pd.numpy(), np.stack(expected))


def test_colour_patches_are_channel_row_column():
    image = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    backbone = Pixels(PixelsConfig(image_size=4, patch=2, stride=2, gray=False), device="cpu")
    acts_pd = backbone([Example(id="a", image=image)], ["patches"])["patches"][0]
    assert torch.equal(
        acts_pd[1], torch.from_numpy(image[:2, 2:].transpose(2, 0, 1).ravel() / 255).float()
    )
