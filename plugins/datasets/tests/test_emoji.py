"""The dataset `emoji`, checked against Unicode's own rules wherever these say what must hold."""

import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from traits_core import DataError
from traits_plugin_datasets.config import EmojiConfig
from traits_plugin_datasets.emoji import FILE, SHA256, Emoji
from traits_plugin_datasets.emoji_file import EmojiFile

PEOPLE = re.compile(
    r"\b(men|man|women|woman|people|person|facing right)\b(?!\N{RIGHT SINGLE QUOTATION MARK})|[:, ]"
)


def positives(file, trait):
    """Hexcodes of the emoji that have a trait."""
    column = file.labels_nt[:, file.traits.index(trait)]
    return {code for code, has in zip(file.hexcodes, column, strict=True) if has}


def test_counts_are_as_published(emoji, emoji_file):
    assert len(emoji_file.pictures) == 1911
    assert Counter(emoji_file.groups) == {"group": 9, "subgroup": 41, "tag": 78}
    assert [len(emoji.examples(split)) for split in emoji.splits] == [956, 955]
    assert emoji_file.labels_nt.mean() == pytest.approx(0.024, abs=0.0005)


def test_names_are_unique_and_ids_too(emoji, emoji_file):
    assert len(set(emoji_file.traits)) == len(emoji_file.traits)
    ids = [example.id for split in emoji.splits for example in emoji.examples(split)]
    assert sorted(ids) == sorted(set(emoji_file.hexcodes))


def test_every_trait_has_positives_in_both_splits(emoji):
    for split in emoji.splits:
        assert emoji.traits(split).labels_nt.sum(axis=0).min() >= 3


def test_no_two_traits_are_the_same(emoji_file):
    assert np.unique(emoji_file.labels_nt, axis=1).shape == emoji_file.labels_nt.shape


def test_traits_have_fifteen_positives_and_agree_with_their_group(emoji_file):
    assert emoji_file.labels_nt.sum(axis=0).min() >= 15
    for trait, group in zip(emoji_file.traits, emoji_file.groups, strict=True):
        assert trait.startswith(f"{group}::")


def test_country_flags_are_the_pairs_of_regional_indicators(emoji_file):
    pair = re.compile(r"1F1[EF][0-9A-F]-1F1[EF][0-9A-F]")
    expected = {code for code in emoji_file.hexcodes if pair.fullmatch(code)}
    assert positives(emoji_file, "subgroup::country-flag") == expected
    assert len(expected) > 250


def test_captions_and_labels_agree_with_the_unicode_character_database(emoji_file):
    names = {
        code: unicodedata.name(chr(int(code.split("-")[0], 16)), "") for code in emoji_file.hexcodes
    }
    clocks = {code for code, name in names.items() if name.startswith("CLOCK FACE")}
    assert len(clocks) == 24
    assert clocks <= positives(emoji_file, "tag::clock") & positives(emoji_file, "subgroup::time")
    captions = dict(zip(emoji_file.hexcodes, emoji_file.captions, strict=True))
    assert captions["1F600"].upper() == names["1F600"] == "GRINNING FACE"
    equal = sum(captions[code].upper() == name for code, name in names.items() if "-" not in code)
    assert equal > 600


@pytest.mark.parametrize(("code", "channel"), [("2764-FE0F", 0), ("1F49A", 1), ("1F499", 2)])
def test_red_green_and_blue_hearts_have_their_colour(emoji, code, channel):
    (heart,) = [
        example
        for split in emoji.splits
        for example in emoji.examples(split)
        if example.id in (code, code.removesuffix("-FE0F"))
    ]
    assert heart.caption in ("red heart", "green heart", "blue heart")
    inside = heart.image[(heart.image < 250).any(axis=2)]
    assert inside.mean(axis=0).argmax() == channel


def test_pictures_are_drawings_on_white(emoji):
    for example in emoji.examples("train")[::50]:
        assert example.image.shape == (64, 64, 3)
        assert example.image.dtype == np.uint8
        assert example.image.min() < 255
    (grinning,) = [
        example
        for split in emoji.splits
        for example in emoji.examples(split)[:3]
        if example.caption == "grinning face"
    ]
    assert (grinning.image[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()


def test_no_base_is_in_both_splits(emoji_file):
    test = {base for base, t in zip(emoji_file.bases, emoji_file.test_n, strict=True) if t}
    train = {base for base, t in zip(emoji_file.bases, emoji_file.test_n, strict=True) if not t}
    assert test
    assert train
    assert not test & train


def test_no_two_captions_that_differ_in_people_alone_are_in_both_splits(emoji_file):
    sides = defaultdict(set)
    members = defaultdict(list)
    for caption, side in zip(emoji_file.captions, emoji_file.test_n, strict=True):
        if PEOPLE.search(caption) and not caption.startswith(("flag", "family")):
            role = " ".join(PEOPLE.sub(" ", caption).split())
            sides[role].add(bool(side))
            members[role].append(caption)
    assert {"man health worker", "woman health worker", "health worker"} <= {
        *members["health worker"]
    }
    assert [members[role] for role, both in sides.items() if len(both) == 2] == []


def test_families_of_one_composition_are_in_one_split(emoji_file):
    sides = defaultdict(set)
    for caption, side in zip(emoji_file.captions, emoji_file.test_n, strict=True):
        if caption.startswith("family: "):
            adults = len(re.findall("man|woman|adult", caption))
            sides[adults, caption.count(",")].add(bool(side))
    assert len(sides) == 4
    assert all(len(both) == 1 for both in sides.values())


def test_no_picture_is_in_both_splits(emoji_file):
    sides = defaultdict(set)
    for picture, side in zip(emoji_file.pictures, emoji_file.test_n, strict=True):
        sides[picture].add(bool(side))
    assert len(sides) < len(emoji_file.pictures)  # some flags are the same picture
    assert all(len(both) == 1 for both in sides.values())


def test_examples_and_labels_are_in_the_same_order(emoji):
    for split in emoji.splits:
        labels = emoji.traits(split)
        flags = labels.labels_nt[:, labels.names.index("subgroup::country-flag")]
        assert [example.caption.startswith("flag: ") for example in emoji.examples(split)[:]] == [
            bool(flag) or example.caption in ("flag: England", "flag: Scotland", "flag: Wales")
            for flag, example in zip(flags, emoji.examples(split), strict=True)
        ]


def test_examples_are_a_sequence(emoji):
    examples = emoji.examples("train")
    assert examples[-1].id == examples[len(examples) - 1].id
    assert [example.id for example in examples[3:9:2]] == [examples[i].id for i in (3, 5, 7)]
    with pytest.raises(IndexError):
        examples[len(examples)]


def test_limit_takes_a_spread_of_the_same_examples(emoji):
    few = Emoji(EmojiConfig(limit=20))
    for split in few.splits:
        everything = {example.id: row for row, example in enumerate(emoji.examples(split))}
        rows = [everything[example.id] for example in few.examples(split)]
        assert len(rows) == 20
        assert rows == sorted(rows)
        assert max(rows) > len(everything) * 0.9
        assert (few.traits(split).labels_nt == emoji.traits(split).labels_nt[rows]).all()


def test_digest_knows_the_limit_and_nothing_else(emoji):
    assert emoji.digest == Emoji(EmojiConfig()).digest
    assert emoji.digest != Emoji(EmojiConfig(limit=20)).digest


@pytest.mark.parametrize("part", ["examples", "traits", "position_labels"])
def test_unknown_split_is_refused(emoji, part):
    with pytest.raises(DataError, match="emoji has no split 'val': choose from train, test"):
        getattr(emoji, part)("val")


def test_positions_have_no_labels(emoji):
    assert emoji.position_labels("train") is None


def test_packed_file_reads_back(emoji_file):
    again = EmojiFile.unpack(emoji_file.pack())
    assert again.pictures == emoji_file.pictures
    assert (again.labels_nt == emoji_file.labels_nt).all()
    assert again.bases == emoji_file.bases


def test_notice_names_the_sources(emoji_file):
    notice = (Path(__file__).parents[1] / "NOTICE").read_text(encoding="utf-8")
    assert len(emoji_file.sources) == 2
    for sha256 in emoji_file.sources.values():
        assert sha256 in notice
    assert SHA256
    assert FILE in notice
