"""Build data/emoji.npz from two npm packages: `python build_emoji.py SOURCES [OUT]`.

SOURCES is a folder in which `npm pack` has put emoji-datasource-google@16.0.0 (the pictures) and
emojibase-data@17.0.0 (the labels). Rule for the traits: each group, subgroup and tag of the English
CLDR data that at least 15 of the pictured emoji carry; columns that repeat an earlier one are dropped.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from archives import EMOJI_DATASOURCE, EMOJIBASE
from emoji_split import base_of, merge_identical, test_half
from numpy.typing import NDArray
from PIL import Image

from traits_plugin_datasets.emoji_file import EmojiFile

DATA = Path(__file__).parents[1] / "src/traits_plugin_datasets/data"
PICTURES = "package/img/google/64/"
MIN_POSITIVES = 15


@attrs.frozen(kw_only=True)
class Emoji:
    """One emoji that has both a picture and labels; `attributes` are (group, value) pairs."""

    hexcode: str
    caption: str
    picture: bytes
    attributes: tuple[tuple[str, str], ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path, help="folder with the two archives")
    parser.add_argument("out", type=Path, nargs="?", default=DATA / "emoji.npz")
    arguments = parser.parse_args()
    content = build(arguments.sources).pack()
    arguments.out.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    sys.stdout.write(f"{arguments.out}: {len(content)} bytes, sha256 {digest}\n")


def build(sources: Path) -> EmojiFile:
    """Return the whole dataset, in CLDR order."""
    pictures = read_pictures(EMOJI_DATASOURCE.verified(sources))
    emoji = list(read_emoji(EMOJIBASE.verified(sources), pictures))
    attributes = select_attributes(emoji)
    labels_nt = np.array([[a in one.attributes for a in attributes] for one in emoji])
    attributes, labels_nt = drop_repeated(attributes, labels_nt)
    own_bases = [base_of(one.hexcode) for one in emoji]
    bases = merge_identical(own_bases, [one.picture for one in emoji])
    return EmojiFile(
        pictures=tuple(one.picture for one in emoji),
        labels_nt=labels_nt,
        test_n=test_half(bases, labels_nt),
        hexcodes=tuple(one.hexcode for one in emoji),
        captions=tuple(one.caption for one in emoji),
        bases=bases,
        traits=tuple(f"{group}::{value}" for group, value in attributes),
        groups=tuple(group for group, _ in attributes),
        sources={archive.package: archive.sha256 for archive in (EMOJI_DATASOURCE, EMOJIBASE)},
    )


def read_pictures(archive: Path) -> dict[str, bytes]:
    """Return each 64x64 picture as a PNG file, by hexcode without variation selectors."""
    pictures = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.startswith(PICTURES) and (file := tar.extractfile(member)):
                pictures[plain(Path(member.name).stem.upper())] = file.read()
    return pictures


def on_white(png: bytes) -> bytes:
    """Composite a PNG file on white; return it as a lossless WebP file."""
    drawing = Image.open(io.BytesIO(png)).convert("RGBA")
    canvas = Image.new("RGBA", drawing.size, "white")
    canvas.alpha_composite(drawing)
    buffer = io.BytesIO()
    canvas.convert("RGB").save(buffer, "WEBP", lossless=True, quality=80, method=4)
    return buffer.getvalue()


def read_emoji(archive: Path, pictures: Mapping[str, bytes]) -> Iterator[Emoji]:
    """Yield, in CLDR order, each emoji of the English data that has a group and a picture."""
    with tarfile.open(archive) as tar:
        rows = read_json(tar, "package/en/data.json")
        names = read_json(tar, "package/meta/groups.json")
    for row in sorted((row for row in rows if "group" in row), key=lambda row: row["order"]):
        picture = pictures.get(plain(row["hexcode"]))
        if picture is None:
            continue
        yield Emoji(
            hexcode=row["hexcode"],
            caption=row["label"],
            picture=on_white(picture),
            attributes=(
                ("group", names["groups"][str(row["group"])]),
                ("subgroup", names["subgroups"][str(row["subgroup"])]),
                *(("tag", tag) for tag in sorted(set(row.get("tags", ())))),
            ),
        )


def read_json(tar: tarfile.TarFile, name: str) -> Any:
    file = tar.extractfile(name)
    assert file is not None, name
    return json.load(file)


def plain(hexcode: str) -> str:
    """Drop variation selector 16, which file names and CLDR place differently."""
    return "-".join(point for point in hexcode.split("-") if point != "FE0F")


def select_attributes(emoji: list[Emoji]) -> list[tuple[str, str]]:
    """Return the attributes with enough positives: groups, subgroups, tags, each the commonest first."""
    counts = Counter(attribute for one in emoji for attribute in one.attributes)
    frequent = [attribute for attribute, n in counts.items() if n >= MIN_POSITIVES]
    return sorted(frequent, key=lambda attribute: (attribute[0], -counts[attribute], attribute[1]))


def drop_repeated(
    attributes: list[tuple[str, str]], labels_nt: NDArray[np.bool_]
) -> tuple[list[tuple[str, str]], NDArray[np.bool_]]:
    """Keep the first of each set of equal columns."""
    _, first = np.unique(labels_nt, axis=1, return_index=True)
    kept = np.sort(first)
    return [attributes[column] for column in kept], labels_nt[:, kept]


if __name__ == "__main__":
    main()
