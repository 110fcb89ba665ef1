"""What a backbone must keep: it is what it says it is, and an example's activations are its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor

from traits_core.errors import DataError
from traits_core.protocols import Backbone
from traits_core.records import Example
from traits_core.stores.header import ARRAY_NAME
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import (
    NotApplicable,
    expect,
    expect_close,
    expect_refusal,
    expect_same,
)
from traits_core.testing.surroundings import untouched

SIZES: Final = ((24, 24), (24, 36), (17, 9))
TEXTS: Final = (
    "a small house by the sea, with a garden",
    "rain fell all day on the roofs",
    "they counted the ships, one by one, all night, and then began again",
)
"""At least seven words each: a backbone may refuse texts with fewer tokens than it has positions."""


def check_layers_are_named(case: Case) -> None:
    """Layers have names that can be files, each its own, and the default is one of them."""
    backbone: Backbone = case.build()
    layers = list(backbone.layers)
    expect(layers, "there is no layer")
    for layer in layers:
        fits = isinstance(layer, str) and ARRAY_NAME.match(layer)
        expect(fits, f"layer {layer!r} must be letters, digits, '.', '_' and '-', 64 at most")
    expect(len(set(layers)) == len(layers), f"two layers have one name: {layers}")
    default = backbone.default_layer
    expect(default in layers, f"the default layer {default!r} is none of {layers}")


def check_unknown_layer_is_refused(case: Case) -> None:
    """A layer that does not exist is an error of the user, not of the program."""
    backbone: Backbone = case.build()
    examples = accepted_examples(backbone)
    for part in (backbone.feature_spec, backbone.positions_per_example):
        expect_refusal(f"{part.__name__}('no-such-layer')", part, "no-such-layer")
    expect_refusal("a pass up to 'no-such-layer'", backbone, examples, ["no-such-layer"])


def check_activations_are_what_is_said(case: Case) -> None:
    """Each layer gives finite float32 [B, P, D], P and D as `positions_per_example` and the spec say."""
    backbone: Backbone = case.build()
    examples = accepted_examples(backbone)
    found = backbone(examples, list(backbone.layers))
    for layer in backbone.layers:
        spec, positions = backbone.feature_spec(layer), backbone.positions_per_example(layer)
        expect(layer in found, f"layer {layer!r} was asked for, and is not in the answer")
        shape, wanted = tuple(found[layer].shape), (len(examples), positions, spec.d_model)
        expect(shape == wanted, f"layer {layer!r} gives {shape}, its spec says {wanted}")
        dtype = found[layer].dtype
        expect(dtype == torch.float32, f"layer {layer!r} gives {dtype} instead of float32")
        expect(found[layer].isfinite().all(), f"layer {layer!r}: activations are not finite")
        expect(not found[layer].requires_grad, f"layer {layer!r}: activations carry gradients")


def check_feature_spec_says_what_it_is(case: Case) -> None:
    """The spec names backbone, weights and layer, in every instance alike; the grid has all positions."""
    backbone, twin = case.build(), case.build()
    for layer in backbone.layers:
        spec = backbone.feature_spec(layer)
        where = f"feature spec of layer {layer!r}"
        expect(spec.layer == layer, f"{where}: layer is {spec.layer!r}")
        expect(spec.backbone == case.spec.name, f"{where}: backbone is {spec.backbone!r}")
        for field in ("checkpoint", "position", "preprocessing"):
            expect(getattr(spec, field), f"{where}: {field} is empty")
        expect("/" not in spec.checkpoint, f"{where}: checkpoint {spec.checkpoint!r} is a path")
        expect(twin.feature_spec(layer) == spec, f"{where}: another instance has another")
        if spec.grid is not None:
            cells, positions = int(np.prod(spec.grid)), backbone.positions_per_example(layer)
            expect(cells == positions, f"{where}: grid {spec.grid} for {positions} positions")


def check_examples_do_not_depend_on_the_batch(case: Case) -> None:
    """An example has the same activations alone, and among others in any order."""
    backbone: Backbone = case.build()
    examples, layers = accepted_examples(backbone), list(backbone.layers)
    together = backbone(examples, layers)
    for i, example in enumerate(examples):
        alone = backbone([example], layers)
        for layer in layers:
            what = f"layer {layer!r}, example {i} alone and in a batch"
            expect_close(alone[layer][0], together[layer][i], what, tolerance=1e-3)
    reverse = backbone(examples[::-1], layers)
    for layer in layers:
        what = f"layer {layer!r}, examples in reverse order"
        expect_close(reverse[layer].flip(0), together[layer], what, tolerance=1e-3)


def check_layer_order_does_not_matter(case: Case) -> None:
    """Each layer gives its own activations, whichever others are asked for, in any order."""
    backbone: Backbone = case.build()
    examples, layers = accepted_examples(backbone), list(backbone.layers)
    if len(layers) < 2:
        raise NotApplicable("it has one layer")
    alone = {layer: backbone(examples, [layer])[layer] for layer in layers}
    for asked in (layers, layers[::-1]):
        together = backbone(examples, asked)
        for layer in asked:
            what = f"layer {layer!r} asked for among {asked}, and alone"
            expect_close(together[layer], alone[layer], what)


def check_activations_are_repeatable(case: Case) -> None:
    """The same examples give the same activations, bit for bit, again and from another instance."""
    backbone, twin = case.build(), case.build()
    examples, layers = accepted_examples(backbone), list(backbone.layers)
    first = _copied(backbone(examples, layers))
    again, other = backbone(examples, layers), twin(examples, layers)
    for layer in layers:
        expect_same(again[layer], first[layer], f"layer {layer!r}, the second time")
        expect_same(other[layer], first[layer], f"layer {layer!r}, from another instance")


def check_wrong_modality_is_refused(case: Case) -> None:
    """A model of pictures refuses text, and the other way round."""
    backbone: Backbone = case.build()
    wrong = _texts() if accepted_examples(backbone)[0].text is None else _pictures()
    given = "text" if wrong[0].image is None else "pictures"
    expect_refusal(given, backbone, wrong, [backbone.default_layer])


def check_examples_are_left_alone(case: Case) -> None:
    """Pictures are not written to."""
    backbone: Backbone = case.build()
    examples = accepted_examples(backbone)
    if examples[0].image is None:
        raise NotApplicable("it reads text")
    backbone(examples, list(backbone.layers))
    for example, before in zip(examples, _pictures(), strict=True):
        same = np.array_equal(example.image, before.image)  # type: ignore[arg-type]  # both pictures
        expect(same, f"the picture {example.id!r} is changed by a pass")


def check_global_state_is_untouched(case: Case) -> None:
    """Building it and a pass leave the process as it was."""
    with untouched("a forward pass"):
        backbone: Backbone = case.build()
        backbone(accepted_examples(backbone), [backbone.default_layer])


def accepted_examples(backbone: Backbone) -> list[Example]:
    """Three pictures, or three texts for a backbone that refuses pictures."""
    try:
        backbone(_pictures(), [backbone.default_layer])
    except DataError:
        return _texts()
    return _pictures()


def _pictures() -> list[Example]:
    """Made anew each time, so that nobody's changes stay."""
    rng = np.random.default_rng(0)
    return [
        Example(id=f"{height}x{width}", image=rng.integers(0, 256, (height, width, 3), np.uint8))
        for height, width in SIZES
    ]


def _texts() -> list[Example]:
    return [Example(id=str(i), text=text) for i, text in enumerate(TEXTS)]


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


CHECKS: Final[tuple[Check, ...]] = (
    check_layers_are_named,
    check_unknown_layer_is_refused,
    check_activations_are_what_is_said,
    check_feature_spec_says_what_it_is,
    check_examples_do_not_depend_on_the_batch,
    check_layer_order_does_not_matter,
    check_activations_are_repeatable,
    check_wrong_modality_is_refused,
    check_examples_are_left_alone,
    check_global_state_is_untouched,
)
