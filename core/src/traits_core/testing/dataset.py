"""What a dataset must keep: examples in a fixed order, labels that fit them, a digest of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from traits_core.protocols import Dataset
from traits_core.records import Example, PositionLabels, TraitLabels
from traits_core.specs import DatasetSpec
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import NotApplicable, expect, expect_refusal
from traits_core.testing.fresh import run_fresh
from traits_core.testing.surroundings import untouched

_DIGEST: Final = """
import importlib
from traits_core.config.structure import structure
def load(path):
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
config = structure(load(given["config"]), given["example"])
print(json.dumps(load(given["factory"])(config).digest))
"""


def check_splits_are_named(case: Case) -> None:
    """There is a split at least; each has a name of its own and at least one example."""
    dataset: Dataset = case.build()
    splits = list(dataset.splits)
    named = splits and all(isinstance(split, str) and split for split in splits)
    expect(named, f"splits must be names, at least one, got {splits}")
    expect(len(set(splits)) == len(splits), f"two splits have one name: {splits}")
    for split in splits:
        expect(len(dataset.examples(split)) > 0, f"split {split!r} has no examples")


def check_unknown_split_is_refused(case: Case) -> None:
    """A split that does not exist is an error of the user, not of the program."""
    dataset: Dataset = case.build()
    for part in (dataset.examples, dataset.traits, dataset.position_labels):
        expect_refusal(f"{part.__name__}('no such split')", part, "no such split")


def check_examples_are_stable(case: Case) -> None:
    """Examples come in one order: again, by index, and from another instance."""
    dataset, twin = case.build(), case.build()
    for split in dataset.splits:
        examples = dataset.examples(split)
        first = [_contents(example) for example in examples]
        expect(
            len(first) == len(examples), f"{split!r}: len() is {len(examples)}, not {len(first)}"
        )
        for what, others in (
            ("the second time", iter(examples)),
            ("when asked for again", iter(dataset.examples(split))),
            ("by index", (examples[i] for i in range(len(examples)))),
            ("from another instance", iter(twin.examples(split))),
        ):
            expect(
                [_contents(each) for each in others] == first, f"{split!r}: other examples {what}"
            )


def check_ids_are_unique(case: Case) -> None:
    """An id is text, and names one example of its split."""
    for split, examples in _splits(case.build()):
        ids = [example.id for example in examples]
        expect(all(isinstance(i, str) and i for i in ids), f"{split!r}: ids must be text")
        twice = sorted({i for i in ids if ids.count(i) > 1})
        expect(not twice, f"{split!r}: ids that name several examples: {', '.join(twice[:3])}")


def check_splits_share_no_example(case: Case) -> None:
    """What is trained on is not tested on: no id is in two splits."""
    seen: dict[str, str] = {}
    for split, examples in _splits(case.build()):
        for example in examples:
            other = seen.setdefault(example.id, split)
            expect(other == split, f"example {example.id!r} is in {other!r} and in {split!r}")


def check_examples_have_one_modality(case: Case) -> None:
    """An example is an RGB picture, uint8 [height, width, 3], or a text; never both, nor neither."""
    for split, examples in _splits(case.build()):
        for example in examples:
            where = f"{split!r}, example {example.id!r}"
            both = f"{where}: exactly one of image and text must be set"
            expect((example.image is None) != (example.text is None), both)
            if example.image is None:
                expect(example.text, f"{where}: the text is empty")
                continue
            form = (example.image.dtype, example.image.ndim, example.image.shape[-1:])
            expect(
                form == (np.dtype(np.uint8), 3, (3,)) and example.image.size,
                f"{where}: images are uint8 [height, width, 3], "
                f"not {example.image.dtype} {example.image.shape}",
            )


def check_traits_fit_the_examples(case: Case) -> None:
    """Trait labels have a row for each example, and the same traits in every split."""
    names: tuple[str, ...] | None = None
    for split, examples, traits in _traits(case.build()):
        n_rows = len(traits.labels_nt)
        expect(
            n_rows == len(examples), f"{split!r}: {n_rows} rows of labels, {len(examples)} examples"
        )
        expect(traits.names, f"{split!r}: no traits: return None where there are none")
        expect(len(set(traits.names)) == len(traits.names), f"{split!r}: two traits have one name")
        expect(names in (None, traits.names), f"{split!r}: other traits than in the split before")
        names = traits.names


def check_traits_vary(case: Case) -> None:
    """In every split some examples have a trait, and some have not."""
    for split, _, traits in _traits(case.build()):
        share = float(traits.labels_nt.mean())
        expect(0 < share < 1, f"{split!r}: all {traits.labels_nt.size} labels are {share == 1}")


def check_position_labels_fit_the_examples(case: Case) -> None:
    """Position labels have a row for each example, and name a class or an ignored value."""
    dataset: Dataset = case.build()
    found = [(split, dataset.position_labels(split)) for split in dataset.splits]
    labelled = [(split, labels) for split, labels in found if labels is not None]
    if not labelled:
        raise NotApplicable("it has no labels of positions")
    for split, labels in labelled:
        _expect_classes(split, labels, len(dataset.examples(split)))


def check_digest_is_stable(case: Case) -> None:
    """The digest is text, and the same in another instance and in another process."""
    digest = case.build().digest
    expect(isinstance(digest, str) and digest, f"digest must be text, got {digest!r}")
    twin = case.build().digest
    expect(twin == digest, f"two instances have the digests {digest} and {twin}")
    config = case.spec.config
    fresh = run_fresh(
        _DIGEST,
        config=f"{config.__module__}:{config.__qualname__}",
        factory=case.spec.factory,
        example=dict(case.spec.example),
    )
    expect(fresh == digest, f"another process has the digest {fresh}, this one {digest}")


def check_default_backbone_is_installed(case: Case) -> None:
    """The backbone that is used unless another is asked for exists."""
    assert isinstance(case.spec, DatasetSpec)
    known = [spec.name for spec in case.registry.specs("backbone")]
    wanted = case.spec.backbone
    expect(wanted in known, f"backbone {wanted!r} is not installed; installed: {', '.join(known)}")


def check_global_state_is_untouched(case: Case) -> None:
    """Reading examples and labels leaves the process as it was."""
    with untouched("reading the dataset"):
        dataset: Dataset = case.build()
        for split, examples in _splits(dataset):
            list(examples)
            dataset.traits(split)
            dataset.position_labels(split)


def _splits(dataset: Dataset) -> Iterator[tuple[str, list[Example]]]:
    for split in dataset.splits:
        yield split, list(dataset.examples(split))


def _traits(dataset: Dataset) -> Iterator[tuple[str, list[Example], TraitLabels]]:
    labelled = [
        (split, examples, traits)
        for split, examples in _splits(dataset)
        if (traits := dataset.traits(split)) is not None
    ]
    if not labelled:
        raise NotApplicable("it has no traits")
    yield from labelled


def _contents(example: Example) -> tuple[object, ...]:
    image = None if example.image is None else (example.image.shape, example.image.tobytes())
    return (example.id, example.caption, example.text, example.spans, image)


def _expect_classes(split: str, labels: PositionLabels, n_examples: int) -> None:
    labels_np, n_classes = labels.labels_np, len(labels.class_names)
    form = f"{labels_np.dtype} {labels_np.shape}"
    expect(
        labels_np.ndim == 2 and np.issubdtype(labels_np.dtype, np.integer),
        f"{split!r}: labels of positions are integers [examples, positions], not {form}",
    )
    expect(len(labels_np) == n_examples, f"{split!r}: {form} for {n_examples} examples")
    known = np.union1d(np.arange(n_classes), labels.ignore)
    stray = np.setdiff1d(labels_np, known)
    expect(not stray.size, f"{split!r}: class {stray[:1]} is none of {n_classes}, and not ignored")


CHECKS: Final[tuple[Check, ...]] = (
    check_splits_are_named,
    check_unknown_split_is_refused,
    check_examples_are_stable,
    check_ids_are_unique,
    check_splits_share_no_example,
    check_examples_have_one_modality,
    check_traits_fit_the_examples,
    check_traits_vary,
    check_position_labels_fit_the_examples,
    check_digest_is_stable,
    check_default_backbone_is_installed,
    check_global_state_is_untouched,
)
