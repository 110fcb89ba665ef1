"""Backbones that mix examples or layers up, or are not what they say."""

from __future__ import annotations

import attrs
import torch
from good_plugin.backbone import GoodBackbone

from mutants import breaks


@breaks("check_layers_are_named", "no layer")
class NoLayers(GoodBackbone):
    layers = ()


@breaks("check_layers_are_named", "blocks/3")
class LayerIsAPath(GoodBackbone):
    layers = ("means", "blocks/3")


@breaks("check_layers_are_named", "none of")
class DefaultIsNoLayer(GoodBackbone):
    layers = ("means",)


@breaks("check_layers_are_named", "one name")
class LayerTwice(GoodBackbone):
    layers = ("means", "squares", "means")


@breaks("check_unknown_layer_is_refused", "raised KeyError")
class UnknownLayerCrashes(GoodBackbone):
    def positions_per_example(self, layer):
        return {"means": 4, "squares": 4}[layer]


@breaks("check_unknown_layer_is_refused", "a pass up to")
class IgnoresUnknownLayers(GoodBackbone):
    def __call__(self, examples, layers):
        return super().__call__(examples, [layer for layer in layers if layer in self.layers])


@breaks("check_activations_are_what_is_said", "(3, 3, 3)")
class OnePositionTooFew(GoodBackbone):
    def __call__(self, examples, layers):
        found = super().__call__(examples, layers)
        return {layer: acts_bpd[:, 1:] for layer, acts_bpd in found.items()}


@breaks("check_activations_are_what_is_said", "float64")
class DoubleActivations(GoodBackbone):
    def __call__(self, examples, layers):
        found = super().__call__(examples, layers)
        return {layer: acts_bpd.double() for layer, acts_bpd in found.items()}


@breaks("check_activations_are_what_is_said", "gradients")
class WithGradients(GoodBackbone):
    def __call__(self, examples, layers):
        scale = torch.ones((), requires_grad=True)
        found = super().__call__(examples, layers)
        return {layer: acts_bpd * scale for layer, acts_bpd in found.items()}


@breaks("check_activations_are_what_is_said", "not finite")
class LogOfZero(GoodBackbone):
    def __call__(self, examples, layers):
        found = super().__call__(examples, layers)
        return {layer: (acts_bpd - acts_bpd).log() for layer, acts_bpd in found.items()}


@breaks("check_feature_spec_says_what_it_is", "layer is 'means'")
class SpecOfAnotherLayer(GoodBackbone):
    def feature_spec(self, layer):
        return attrs.evolve(super().feature_spec(layer), layer="means")


@breaks("check_feature_spec_says_what_it_is", "is a path")
class CheckpointIsAPath(GoodBackbone):
    def feature_spec(self, layer):
        return attrs.evolve(super().feature_spec(layer), checkpoint="/tmp/weights.pt")


@breaks("check_feature_spec_says_what_it_is", "grid (4, 4)")
class WrongGrid(GoodBackbone):
    def feature_spec(self, layer):
        return attrs.evolve(super().feature_spec(layer), grid=(4, 4))


@breaks("check_feature_spec_says_what_it_is", "backbone is 'other'")
class OtherName(GoodBackbone):
    def feature_spec(self, layer):
        return attrs.evolve(super().feature_spec(layer), backbone="other")


@breaks("check_feature_spec_says_what_it_is", "another instance")
class SpecOfTheInstance(GoodBackbone):
    made = iter(range(100))

    def __init__(self, config, *, device):
        super().__init__(config, device=device)
        self.number = next(self.made)

    def feature_spec(self, layer):
        return attrs.evolve(super().feature_spec(layer), checkpoint=f"{self.number}")


@breaks("check_examples_do_not_depend_on_the_batch", "alone and in a batch")
class BatchNormInTrainingMode(GoodBackbone):
    def __call__(self, examples, layers):
        found = super().__call__(examples, layers)
        return {layer: acts_bpd - acts_bpd.mean(0) for layer, acts_bpd in found.items()}


@breaks("check_examples_do_not_depend_on_the_batch", "reverse order")
class AddsThePlaceInTheBatch(GoodBackbone):
    def __call__(self, examples, layers):
        place_b11 = torch.arange(len(examples))[:, None, None] * (examples[0].image.shape[0] < 20)
        found = super().__call__(examples, layers)
        return {layer: acts_bpd + place_b11 for layer, acts_bpd in found.items()}


@breaks("check_layer_order_does_not_matter", "asked for among")
class AnswersInItsOwnOrder(GoodBackbone):
    def __call__(self, examples, layers):
        found = super().__call__(examples, sorted(layers))
        return dict(zip(layers, found.values(), strict=True))


@breaks("check_activations_are_repeatable", "the second time")
class Dropout(GoodBackbone):
    def __call__(self, examples, layers):
        found = super().__call__(examples, layers)
        return {layer: torch.dropout(acts_bpd, 0.5, True) for layer, acts_bpd in found.items()}


@breaks("check_activations_are_repeatable", "from another instance")
class RandomWeights(GoodBackbone):
    def __init__(self, config, *, device):
        super().__init__(config, device=device)
        self.weight = torch.randn(())

    def __call__(self, examples, layers):
        found = super().__call__(examples, layers)
        return {layer: self.weight * acts_bpd for layer, acts_bpd in found.items()}


@breaks("check_wrong_modality_is_refused", "text must be refused")
class TakesText(GoodBackbone):
    def __call__(self, examples, layers):
        if examples[0].image is None:
            return {layer: torch.zeros(len(examples), 4, 3) for layer in layers}
        return super().__call__(examples, layers)


@breaks("check_wrong_modality_is_refused", "raised TypeError")
class TextCrashes(GoodBackbone):
    def pixels(self, example):
        return example.image / 255


@breaks("check_examples_are_left_alone", "is changed by a pass")
class FlipsThePicture(GoodBackbone):
    def pixels(self, example):
        if example.image is not None:
            example.image[:] = example.image[::-1].copy()
        return super().pixels(example)


@breaks("check_global_state_is_untouched", "gradient mode")
class TurnsGradientsOff(GoodBackbone):
    def __init__(self, config, *, device):
        super().__init__(config, device=device)
        torch.set_grad_enabled(False)
