"""Verification finds each planted fault, names the shard and the file, and changes nothing."""

import json
import os
import shutil

import attrs
import pytest

from traits_core.stores.commit import CREATION
from traits_core.stores.files import StoredFile, checksum
from traits_core.stores.verifying.findings import Severity
from traits_core.stores.verifying.store import Depth

QUICK = Depth(jobs=1)


@pytest.fixture
def store(tmp_path, any_header, write, storage_of):
    """A whole store in each storage."""
    root = tmp_path / "store"
    write(root, any_header, storage=storage_of(any_header))
    return root


@pytest.fixture
def file(store, files_of):
    """The first file of shard 1."""
    return files_of(store, 1)[0]


def contents(root):
    return {
        path: (path.read_bytes() if path.is_file() else None, path.lstat().st_mtime_ns)
        for path in root.rglob("*")
    }


def flip(path, offset, bit=0):
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1 << bit
    path.write_bytes(raw)


@pytest.mark.parametrize("depth", [QUICK, Depth(full=True)])
def test_a_whole_store_is_clean_and_left_as_it_is(store, verified, depth):
    before = contents(store)
    assert verified(store, depth) == ()
    assert contents(store) == before


FILE_FAULTS = {
    "deleted": (lambda path: path.unlink(), "is missing"),
    "cut short": (lambda path: os.truncate(path, 7), "is 7 bytes, the manifest says"),
    "emptied": (lambda path: os.truncate(path, 0), "is 0 bytes, the manifest says"),
    "made longer": (
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
        "bytes, the manifest",
    ),
    "a directory": (lambda path: (path.unlink(), path.mkdir()), "is no regular file"),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "is no regular file"),
    "a link": (
        lambda path: (path.rename(path.parents[4] / "kept"), path.symlink_to("../../../../kept")),
        "is no regular file",
    ),
}


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_file_that_is_not_what_it_was_is_found_by_its_size(store, file, verified, fault):
    plant, words = FILE_FAULTS[fault]
    plant(store / file)
    (found,) = (f for f in verified(store, QUICK) if f.severity is Severity.DAMAGED)
    assert (found.shard, found.file) == (1, file)
    assert words in found.what


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 1.0])
def test_a_flipped_bit_in_any_file_is_found(store, verified, part, files_of):
    for shard in (0, 1, 2):
        for name in files_of(store, shard):
            path = store / name
            offset = int(part * (path.stat().st_size - 1))
            flip(path, offset, bit=3)
            (found,) = verified(store)
            assert (found.severity, found.shard, found.file) == (Severity.DAMAGED, shard, name)
            flip(path, offset, bit=3)
    assert verified(store) == ()


def test_without_full_a_file_of_each_shard_is_compared_with_its_checksum(store, verified, files_of):
    for shard in (0, 1, 2):
        flips = 0
        for name in files_of(store, shard):
            flip(store / name, 0)
            flips += len(verified(store, QUICK))
            flip(store / name, 0)
        assert flips == 1


def test_files_that_were_swapped_say_whose_bytes_they_hold(store, files_of, verified):
    one, other = files_of(store, 0)[-1], files_of(store, 1)[-1]
    (store / one).rename(store / "x")
    (store / other).rename(store / one)
    (store / "x").rename(store / other)
    first, second = verified(store)
    assert (first.shard, first.file, second.shard, second.file) == (0, one, 1, other)
    assert first.what == f"its checksum is not the manifest's: it holds the bytes of {other}"
    assert second.what.endswith(f"the bytes of {one}")


def test_a_change_of_the_files_beside_the_shards_is_found(store, files_of, verified):
    name = next(name for name in files_of(store, CREATION) if "low" in name)
    text = (store / name).read_text()
    (store / name).write_text(text.replace('"little"', '"bigger"').replace("float32", "float64"))
    (found,) = verified(store, QUICK)
    assert (found.severity, found.shard, found.file) == (Severity.DAMAGED, CREATION, name)


def test_a_change_of_any_field_of_a_manifest_line_is_found(store, verified):
    path = store / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)

    def places(value, at=()):
        if isinstance(value, dict | list):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                yield from places(item, (*at, key))
        else:
            yield at

    record = json.loads(lines[2])
    assert len(list(places(record))) > 15
    for *parents, last in places(record):
        changed = json.loads(lines[2])
        target = changed
        for key in parents:
            target = target[key]
        target[last] = target[last] + 1 if isinstance(target[last], int | float) else "other"
        text = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        path.write_bytes(b"".join([*lines[:2], text, *lines[3:]]))
        damaged, *others = verified(store, QUICK)
        assert (damaged.severity, damaged.line) == (Severity.DAMAGED, 3)
        assert any(f.what == "shard 1 is missing: rows 8 to 16" for f in others)


@pytest.mark.parametrize("line", [0, 1, 3])
def test_a_flipped_bit_in_any_line_is_found(store, verified, line):
    path = store / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    at = sum(map(len, lines[:line]))
    for offset in range(at, at + len(lines[line]), 11):
        flip(path, offset, bit=1)
        assert verified(store, QUICK)[0].severity is Severity.DAMAGED
        flip(path, offset, bit=1)


def test_a_torn_last_line_is_harmless_and_its_shard_is_missing(store, verified):
    path = store / "manifest.jsonl"
    whole = path.read_bytes()
    last = whole[:-1].rindex(b"\n") + 1
    for end in range(last + 1, len(whole), 9):
        path.write_bytes(whole[:end])
        missing, torn, *strays = verified(store, QUICK)
        assert missing.what == "shard 2 is missing: rows 16 to 20"
        assert torn.what == "the last line is torn: its writer was killed"
        assert {f.severity for f in (torn, *strays)} == {Severity.LEFTOVER}


def test_shards_without_a_line_are_missing(store, verified):
    path = store / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for kept, missing in [
        ([0, 1, 3], ["shard 1 is missing: rows 8 to 16"]),
        ([0, 2], ["shard 0 is missing: rows 0 to 8", "shard 2 is missing: rows 16 to 20"]),
        ([0], ["shards 0 to 2 are missing: rows 0 to 20"]),
        ([1, 2, 3], ["the files beside the shards are not committed"]),
        ([], ["the files beside", "shards 0 to 2 are missing"]),
    ]:
        path.write_bytes(b"".join(lines[i] for i in kept))
        found = [f for f in verified(store) if f.severity is Severity.INCOMPLETE]
        assert len(found) == len(missing)
        assert all(f.what.startswith(words) for f, words in zip(found, missing, strict=True))
        assert {f.severity for f in verified(store)} == {Severity.INCOMPLETE, Severity.LEFTOVER}


def test_lines_that_are_repeated_are_found(store, verified):
    path = store / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[2]]))
    (found,) = verified(store)
    assert (found.severity, found.line) == (Severity.DAMAGED, 5)
    assert found.what == "shard 1 is committed twice"


def test_what_belongs_to_nobody_is_found(store, verified):
    (store / "notes.txt").write_text("x")
    (store / "arrays/low/c/9").mkdir()
    (store / "arrays/low/c/9/0").write_bytes(b"x")
    (store / "tmp-0123").mkdir()
    (store / "tmp-0123/x").write_bytes(b"x")
    (store / "store.json.tmp-01").write_text("{")
    (store / "elsewhere").symlink_to("/")
    found = verified(store, QUICK)
    assert {f.severity for f in found} == {Severity.LEFTOVER}
    names = ["store.json.tmp-01", "tmp-0123", "arrays/low/c/9/0", "elsewhere", "notes.txt"]
    assert sorted(f.file for f in found) == sorted(names)


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (lambda root: (root / "store.json").unlink(), "store.json is missing"),
        (lambda root: flip(root / "store.json", 0), "store.json: "),
        (lambda root: (root / "store.json").write_text("[]"), "store format None"),
        (lambda root: os.truncate(root / "store.json", 90), "store.json: "),
        (
            lambda root: (root / "store.json").write_text(
                (root / "store.json").read_text().replace('"train"', '"test"')
            ),
            "no line of manifest.jsonl belongs to this store.json",
        ),
        (
            lambda root: (
                (root / "store.json").rename(root.parent / "s"),
                (root / "store.json").symlink_to("../s"),
            ),
            "store.json is a symbolic link",
        ),
        (
            lambda root: (
                (root / "manifest.jsonl").rename(root.parent / "m"),
                (root / "manifest.jsonl").symlink_to("../m"),
            ),
            "manifest.jsonl is a symbolic link",
        ),
    ],
)
def test_a_store_that_says_nothing_of_itself_is_unreadable(store, verified, plant, words):
    plant(store)
    (found,) = verified(store)
    assert found.severity is Severity.UNREADABLE
    assert words in found.what


def test_the_manifest_of_another_store_is_unreadable(
    tmp_path, store, any_header, write, storage_of, verified
):
    other = attrs.evolve(any_header, dataset_digest="other")
    write(tmp_path / "other", other, storage=storage_of(other))
    shutil.copy(tmp_path / "other/manifest.jsonl", store / "manifest.jsonl")
    (found,) = verified(store)
    assert found.severity is Severity.UNREADABLE


@pytest.mark.parametrize("field", ["min", "max", "absmax", "n_nan", "n_inf"])
def test_statistics_that_are_not_those_of_the_values_are_found(store, forged, verified, field):
    def lie(commit):
        if commit.shard != 2:
            return commit
        stats = commit.arrays["high"]
        lies = attrs.evolve(stats, **{field: getattr(stats, field) + 1})
        return attrs.evolve(commit, arrays={**commit.arrays, "high": lies})

    forged(store, change_commit=lie)
    found = verified(store)[0]
    assert (found.severity, found.shard) == (Severity.DAMAGED, 2)
    assert f"array 'high': {field} is " in found.what


def test_statistics_of_other_arrays_are_found(store, forged, verified):
    forged(store, change_commit=lambda c: attrs.evolve(c, arrays={}) if c.shard == 0 else c)
    (found,) = verified(store)
    assert found.what == "statistics of [], not of ['high', 'low']"


@pytest.mark.parametrize(
    ("bits", "counts"),
    [(b"\x00\x00\xc0\x7f", "1 NaN and 0 inf"), (b"\x00\x00\x80\xff", "0 NaN and 1 inf")],
)
def test_values_that_are_no_numbers_are_found(
    tmp_path, evolve, write, storage_of, forged, verified, bits, counts
):
    header = evolve(storage="raw", chunk_columns=3)
    write(tmp_path, header, storage=storage_of(header))
    path = tmp_path / "arrays/low/c/0/0"
    path.write_bytes(path.read_bytes()[:-4] + bits)

    def sign(commit):
        files = [
            StoredFile(name=f.name, bytes=f.bytes, xxh3=checksum(tmp_path / f.name))
            for f in commit.files
        ]
        return attrs.evolve(commit, files=tuple(files))

    forged(tmp_path, change_commit=sign)
    (found,) = verified(tmp_path)
    assert (found.severity, found.shard) == (Severity.DAMAGED, 0)
    assert "n_nan is 1" in found.what or "n_inf is 1" in found.what

    def count(commit):
        if commit.shard != 0:
            return commit
        nan, inf = ("NaN" in counts[:6] and counts[0] == "1"), "1 inf" in counts
        stats = attrs.evolve(commit.arrays["low"], n_nan=int(nan), n_inf=int(inf))
        return attrs.evolve(commit, arrays={**commit.arrays, "low": stats})

    forged(tmp_path, change_commit=count)
    suspect = next(f for f in verified(tmp_path, QUICK))
    assert (suspect.severity, suspect.shard) == (Severity.SUSPECT, 0)
    assert counts in suspect.what


HEADERS = {
    "dtype": lambda h: attrs.evolve(h, dtype="float16"),
    "bits": lambda h: attrs.evolve(h, dtype="bfloat16"),
    "rows": lambda h: attrs.evolve(h, rows=22),
    "fewer rows": lambda h: attrs.evolve(h, rows=18),
    "columns": lambda h: attrs.evolve(
        h, arrays=(attrs.evolve(h.arrays[0], columns=2), h.arrays[1])
    ),
    "names": lambda h: attrs.evolve(h, arrays=(h.arrays[0], attrs.evolve(h.arrays[1], name="new"))),
    "shards": lambda h: attrs.evolve(h, rows_per_shard=4),
    "storage": lambda h: attrs.evolve(h, storage="zarr" if h.storage == "raw" else "raw"),
    "no storage": lambda h: attrs.evolve(h, storage="papyrus"),
}


@pytest.mark.parametrize("change", HEADERS)
def test_a_forged_header_with_other_shapes_or_dtypes_is_found(store, forged, verified, change):
    forged(store, change_header=HEADERS[change])
    severities = {finding.severity for finding in verified(store, QUICK)}
    assert severities & {Severity.DAMAGED, Severity.UNREADABLE}
