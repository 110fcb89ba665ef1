"""Datasets that change, leak or do not fit together."""

from __future__ import annotations

import random

import attrs
import numpy as np
from good_plugin.dataset import GoodDataset

from mutants import breaks, mutate
from traits_core import Example, PositionLabels, TraitLabels

mutate(
    "check_default_backbone_is_installed",
    "'no-such-backbone' is not installed",
    "dataset",
    "NoBackbone",
    backbone="no-such-backbone",
)


@breaks("check_splits_are_named", "at least one")
class NoSplits(GoodDataset):
    splits = ()


@breaks("check_splits_are_named", "has no examples")
class EmptySplit(GoodDataset):
    def examples(self, split):
        return [] if split == "test" else super().examples(split)


@breaks("check_splits_are_named", "one name")
class SplitTwice(GoodDataset):
    splits = ("train", "train")


@breaks("check_unknown_split_is_refused", "examples('no such split')")
class AnySplit(GoodDataset):
    def colours(self, split):
        return super().colours(split if split in self.splits else "train")


@breaks("check_unknown_split_is_refused", "raised ValueError")
class UnknownSplitCrashes(GoodDataset):
    def traits(self, split):
        return None if self.splits.index(split) else super().traits(split)


@breaks("check_examples_are_stable", "the second time")
class OnlyOnce(GoodDataset):
    def examples(self, split):
        return Once(super().examples(split))


class Once(list):
    """A sequence whose iterator is used up."""

    def __init__(self, items):
        super().__init__(items)
        self.left = iter(items)

    def __iter__(self):
        return self.left


@breaks("check_examples_are_stable", "when asked for again")
class ShufflesExamples(GoodDataset):
    def examples(self, split):
        examples = super().examples(split)
        random.shuffle(examples)
        return examples


@breaks("check_examples_are_stable", "by index")
class OtherByIndex(GoodDataset):
    def examples(self, split):
        return Backwards(super().examples(split))


class Backwards(list):
    """A sequence whose indices run the other way."""

    def __getitem__(self, i):
        return super().__getitem__(-1 - i)


@breaks("check_examples_are_stable", "from another instance")
class DiffersByInstance(GoodDataset):
    made = iter(range(100))

    def __init__(self, config):
        super().__init__(config)
        self.number = next(self.made)

    def examples(self, split):
        return [attrs.evolve(e, caption=f"{self.number}") for e in super().examples(split)]


@breaks("check_ids_are_unique", "several examples")
class OneId(GoodDataset):
    def examples(self, split):
        return [attrs.evolve(example, id="a") for example in super().examples(split)]


@breaks("check_splits_share_no_example", "'0' is in 'train' and in 'test'")
class TestIsTrain(GoodDataset):
    def examples(self, split):
        return [attrs.evolve(e, id=f"{i}") for i, e in enumerate(super().examples(split))]


@breaks("check_examples_have_one_modality", "exactly one")
class ImageAndText(GoodDataset):
    def examples(self, split):
        return [attrs.evolve(example, text="red") for example in super().examples(split)]


@breaks("check_examples_have_one_modality", "float64")
class FloatImages(GoodDataset):
    def examples(self, split):
        return [attrs.evolve(e, image=e.image / 255) for e in super().examples(split)]


@breaks("check_examples_have_one_modality", "(3, 8, 8)")
class ChannelsFirst(GoodDataset):
    def examples(self, split):
        return [attrs.evolve(e, image=e.image.transpose(2, 0, 1)) for e in super().examples(split)]


@breaks("check_examples_have_one_modality", "text is empty")
class EmptyText(GoodDataset):
    def examples(self, split):
        return [Example(id=example.id, text="") for example in super().examples(split)]


@breaks("check_traits_fit_the_examples", "11 rows of labels, 12 examples")
class OneLabelTooFew(GoodDataset):
    def traits(self, split):
        traits = super().traits(split)
        return attrs.evolve(traits, labels_nt=traits.labels_nt[1:])


@breaks("check_traits_fit_the_examples", "other traits than")
class OtherTraitsInTest(GoodDataset):
    def traits(self, split):
        traits = super().traits(split)
        return attrs.evolve(traits, names=traits.names[::-1]) if split == "test" else traits


@breaks("check_traits_fit_the_examples", "one name")
class TraitTwice(GoodDataset):
    def traits(self, split):
        return attrs.evolve(super().traits(split), names=("red", "red", "blue"))


@breaks("check_traits_fit_the_examples", "no traits")
class EmptyTraits(GoodDataset):
    def traits(self, split):
        n = len(super().traits(split).labels_nt)
        return TraitLabels(labels_nt=np.zeros((n, 0), bool), names=(), groups=())


@breaks("check_traits_vary", "True")
class AllPositive(GoodDataset):
    def traits(self, split):
        traits = super().traits(split)
        return attrs.evolve(traits, labels_nt=np.ones_like(traits.labels_nt))


@breaks("check_position_labels_fit_the_examples", "for 12 examples")
class OneRowTooFew(GoodDataset):
    def position_labels(self, split):
        labels = super().position_labels(split)
        return attrs.evolve(labels, labels_np=labels.labels_np[1:])


@breaks("check_position_labels_fit_the_examples", "is none of 2")
class UnknownClass(GoodDataset):
    def position_labels(self, split):
        return attrs.evolve(super().position_labels(split), class_names=("red", "green"))


@breaks("check_position_labels_fit_the_examples", "integers")
class FloatClasses(GoodDataset):
    def position_labels(self, split):
        labels_np = super().position_labels(split).labels_np
        return PositionLabels(labels_np=labels_np / 1, class_names=("red", "green", "blue"))


@breaks("check_digest_is_stable", "another process")
class HashDigest(GoodDataset):
    @property
    def digest(self):
        return f"{hash(('train', self.config.n)):x}"


@breaks("check_digest_is_stable", "two instances")
class AddressDigest(GoodDataset):
    made = iter(range(100))

    def __init__(self, config):
        super().__init__(config)
        self.digest_ = str(next(self.made))

    @property
    def digest(self):
        return self.digest_


@breaks("check_digest_is_stable", "must be text")
class NoDigest(GoodDataset):
    digest = None


@breaks("check_global_state_is_untouched", "numpy's random generator")
class SeedsNumpy(GoodDataset):
    def colours(self, split):
        np.random.seed(0)
        return super().colours(split)
