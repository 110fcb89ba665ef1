"""Datasets and backbones that come in packages: emoji, digits and Python source, vision and text."""

from traits_core import BackboneSpec, DatasetSpec, hookimpl
from traits_plugin_datasets.config import (
    DigitsConfig,
    EfficientNetLite0Config,
    EmojiConfig,
    MiniLMConfig,
    PixelsConfig,
    PythonSourceConfig,
)


@hookimpl
def traits_datasets() -> list[DatasetSpec]:
    """Offer `emoji`, `digits` and `python-source`."""
    return [
        DatasetSpec(
            name="emoji",
            summary="1,911 Noto Emoji drawings with 128 published CLDR attributes",
            config=EmojiConfig,
            factory="traits_plugin_datasets.emoji:Emoji",
            backbone="efficientnet-lite0",
            example={"limit": 16},
        ),
        DatasetSpec(
            name="digits",
            summary="1,797 handwritten digits of 8x8 pixels, from scikit-learn",
            config=DigitsConfig,
            factory="traits_plugin_datasets.digits:Digits",
            backbone="pixels",
            example={"limit": 40},
        ),
        DatasetSpec(
            name="python-source",
            summary="excerpts of Python's standard library, tokens labelled by tokenize, syntax by ast",
            config=PythonSourceConfig,
            factory="traits_plugin_datasets.python_source:PythonSource",
            backbone="minilm",
            example={"limit": 96},
        ),
    ]


@hookimpl
def traits_backbones() -> list[BackboneSpec]:
    """Offer `efficientnet-lite0`, `pixels` and `minilm`."""
    return [
        BackboneSpec(
            name="efficientnet-lite0",
            summary="EfficientNet-Lite0, trained on ImageNet, up to block 10 (112-d cells)",
            config=EfficientNetLite0Config,
            factory="traits_plugin_datasets.efficientnet:EfficientNetLite0",
            example={"image_size": 32},
        ),
        BackboneSpec(
            name="pixels",
            summary="raw pixels of overlapping square patches: no model at all",
            config=PixelsConfig,
            factory="traits_plugin_datasets.pixels:Pixels",
        ),
        BackboneSpec(
            name="minilm",
            summary="all-MiniLM-L6-v2, a language model of 6 blocks (384-d tokens); extra `text`",
            config=MiniLMConfig,
            factory="traits_plugin_datasets.minilm:MiniLM",
            example={"tokens": 7},
        ),
    ]
