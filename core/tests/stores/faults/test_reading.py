"""A store that is damaged, incomplete or hostile is an error, and never zeros."""

import hashlib
import json
import os

import attrs
import pytest

from traits_core.errors import ConfigError, StoreError
from traits_core.stores.commit import Commit
from traits_core.stores.files import StoredFile
from traits_core.stores.json_records import load_header
from traits_core.stores.manifest import append_commit, load_manifest
from traits_core.stores.reader import is_complete, open_store
from traits_core.stores.writer import StoreWriter


def flip(path, offset, bit=0):
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1 << bit
    path.write_bytes(raw)


@pytest.mark.parametrize("offset", [0, 17, -5, -1])
def test_a_flipped_bit_in_a_chunk_is_found_when_it_is_read(tmp_path, write, registry, offset):
    write(tmp_path)
    flip(tmp_path / "arrays/low/c/3/0", offset)
    store = open_store(tmp_path, registry)
    store.read("low", 0, 12)
    with pytest.raises(StoreError, match=f"{tmp_path}: shard 1 is damaged"):
        store.read("low", 0, 20)


def test_a_deleted_chunk_is_found_when_the_store_is_opened(tmp_path, write, registry):
    write(tmp_path)
    (tmp_path / "arrays/high/c/4/0").unlink()
    with pytest.raises(StoreError, match="arrays/high/c/4/0 is missing"):
        open_store(tmp_path, registry)


def test_a_chunk_that_is_deleted_later_is_found_when_it_is_read(tmp_path, write, registry):
    write(tmp_path)
    store = open_store(tmp_path, registry)
    (tmp_path / "arrays/high/c/4/0").unlink()
    with pytest.raises(StoreError, match=r"shard 2 is damaged.*arrays/high/c/4/0 is missing"):
        store.read("high", 16, 17)


def test_a_chunk_that_is_cut_short_later_is_found_when_it_is_read(tmp_path, write, registry):
    write(tmp_path)
    store = open_store(tmp_path, registry)
    os.truncate(tmp_path / "arrays/high/c/0/0", 7)
    with pytest.raises(StoreError, match="shard 0 is damaged"):
        store.read("high", 0, 1)


@pytest.mark.parametrize("size", [0, 3, 47, 53])
def test_a_file_of_another_length_is_found_when_the_store_is_opened(
    tmp_path, write, registry, size
):
    write(tmp_path)
    os.truncate(tmp_path / "arrays/low/c/0/0", size)
    with pytest.raises(StoreError, match=f"{size} bytes, the manifest says"):
        open_store(tmp_path, registry)


def test_a_change_of_the_array_metadata_is_found(tmp_path, write, registry):
    write(tmp_path)
    path = tmp_path / "arrays/low/zarr.json"
    path.write_text(path.read_text().replace('"little"', '"bigger"'))
    with pytest.raises(StoreError, match=r"arrays/low/zarr.json is damaged"):
        open_store(tmp_path, registry)


def test_a_store_that_lacks_shards_says_how_many_and_what_to_do(
    tmp_path, header, storage, values, registry
):
    with StoreWriter(tmp_path, header, storage) as writer:
        writer.append({name: x[:17] for name, x in values().items()})
        assert writer.committed_rows == 16
        words = "incomplete: 2 of 3 shards; run the command that wrote it again"
        with pytest.raises(StoreError, match=words):  # also while it is being written
            open_store(tmp_path, registry)


def test_a_manifest_that_is_cut_anywhere_in_its_last_line_is_healed_by_resuming(
    tmp_path, write, registry, assert_holds
):
    data = write(tmp_path)
    path = tmp_path / "manifest.jsonl"
    whole = path.read_bytes()
    last = whole[:-1].rindex(b"\n") + 1
    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        assert not is_complete(tmp_path)
        with pytest.raises(StoreError, match="2 of 3 shards"):
            open_store(tmp_path, registry)
        if (end - last) % 40 == 0 or end == len(whole) - 1:
            write(tmp_path)
            assert path.read_bytes() == whole
            assert_holds(tmp_path, data)


def test_a_flipped_bit_anywhere_in_the_manifest_is_never_believed(tmp_path, write, registry):
    write(tmp_path)
    path = tmp_path / "manifest.jsonl"
    whole, header = path.read_bytes(), load_header(tmp_path)
    last = whole[:-1].rindex(b"\n") + 1
    for offset in {*range(0, len(whole), 3), last - 1, len(whole) - 1}:
        flip(path, offset, bit=offset % 8)
        if offset >= last - 1:  # the line break before the last line makes one of two
            assert load_manifest(tmp_path, header).rows == (16 if offset >= last else 8)
        else:
            with pytest.raises(StoreError, match="is damaged"):
                load_manifest(tmp_path, header)
        path.write_bytes(whole)


def test_lines_that_are_repeated_or_left_out_are_refused(tmp_path, write, registry):
    write(tmp_path)
    path = tmp_path / "manifest.jsonl"
    a, b, c, d = path.read_bytes().splitlines(keepends=True)
    for lines, words in [
        ([a, b, b, d], r"line 3 is damaged \(shard 0 is committed twice\)"),
        ([a, b, c, d, d], r"line 5 is damaged \(shard 2 is committed twice\)"),
        ([a, a, b, c, d], r"line 2 is damaged \(shard -1 is committed twice\)"),
        ([a, b, d], "2 of 3 shards"),
        ([b, c, d], "incomplete"),
    ]:
        path.write_bytes(b"".join(lines))
        with pytest.raises(StoreError, match=words):
            open_store(tmp_path, registry)


def test_the_order_of_lines_does_not_matter(tmp_path, write, registry, assert_holds):
    data = write(tmp_path)
    digest = open_store(tmp_path, registry).digest
    path = tmp_path / "manifest.jsonl"
    a, b, c, d = path.read_bytes().splitlines(keepends=True)
    for lines in ([a, c, b, d], [d, c, b, a]):
        path.write_bytes(b"".join(lines))
        assert_holds(tmp_path, data)
        assert open_store(tmp_path, registry).digest == digest


def test_the_manifest_of_a_store_with_another_header_is_refused(tmp_path, write, evolve, registry):
    write(tmp_path / "a")
    write(tmp_path / "b", header=evolve(split="test"))
    (tmp_path / "a/manifest.jsonl").write_bytes((tmp_path / "b/manifest.jsonl").read_bytes())
    with pytest.raises(StoreError, match="line 1 is damaged"):
        open_store(tmp_path / "a", registry)


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/etc/passwd",
        "arrays/../../outside",
        "a//b",
        "./a",
        "a/",
        "",
        "a\\..\\b",
        "a\0b",
        "a\n",
        "store.json",
        "manifest.jsonl",
        "manifest.1.jsonl",
        "LOCK",
        "tmp-1/x",
    ],
)
def test_a_file_name_that_leaves_the_store_is_refused(tmp_path, header, registry, name, evolve):
    header = evolve(rows=8)
    (tmp_path / "outside").write_bytes(b"x")
    root = tmp_path / "store"
    root.mkdir()
    (root / "store.json").write_text(json.dumps(attrs.asdict(header)))
    for shard, rows in ((-1, 0), (0, 8)):
        files = (StoredFile(name=name, bytes=1, xxh3="0"),) if shard == 0 else ()
        commit = Commit(shard=shard, row_start=0, rows=rows, files=files, arrays={})
        append_commit(root, header, commit)
    with pytest.raises(StoreError, match="is not allowed in a store"):
        open_store(root, registry)


def test_a_symbolic_link_in_place_of_a_file_or_directory_is_refused(tmp_path, write, registry):
    write(tmp_path / "a")
    write(tmp_path / "b")
    chunk = tmp_path / "a/arrays/low/c/0/0"
    chunk.rename(tmp_path / "kept")
    chunk.symlink_to(tmp_path / "kept")
    with pytest.raises(StoreError, match="no regular file"):
        open_store(tmp_path / "a", registry)
    (tmp_path / "b/arrays").rename(tmp_path / "arrays")
    (tmp_path / "b/arrays").symlink_to(tmp_path / "arrays")
    with pytest.raises(StoreError, match="a symbolic link"):
        open_store(tmp_path / "b", registry)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda h: h.update(version=2), "store format 2; this version of traits reads format 1"),
        (lambda h: h.pop("version"), "store format None"),
        (lambda h: h.update(extra=1), "extra"),
        (lambda h: h.pop("rows"), "'rows' is missing"),
        (lambda h: h.update(rows="20"), "'20' is no int"),
        (lambda h: h.update(rows=20.0), "20.0 is no int"),
        (lambda h: h.update(rows=True), "True is no int"),
        (lambda h: h.update(rows=0), "rows >= 1"),
        (lambda h: h.update(rows=21), "no whole examples"),
        (lambda h: h.update(rows_per_shard=9), "no multiple of chunk_rows"),
        (lambda h: h.update(kind="prayers"), "'prayers'"),
        (lambda h: h.update(dtype="object"), "'object'"),
        (lambda h: h.update(chunk_rows=10**13, rows_per_shard=10**13), "too large"),
        (lambda h: h["arrays"][0].update(name="../x"), "'../x'"),
        (lambda h: h["arrays"][0].update(name="HIGH"), "different names"),
        (lambda h: h["arrays"][0].update(columns=0), "at least 1"),
        (lambda h: h["arrays"][0]["feature"].update(grid=[1]), "values"),
        (lambda h: h.update(arrays=[]), "different names"),
        (lambda h: h.update(arrays={}), "different names"),
    ],
)
def test_a_header_that_is_not_as_specified_is_refused(tmp_path, write, registry, edit, words):
    write(tmp_path)
    path = tmp_path / "store.json"
    value = json.loads(path.read_text())
    edit(value)
    path.write_text(json.dumps(value))
    with pytest.raises(StoreError, match=words) as caught:
        open_store(tmp_path, registry)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"version": NaN}'])
def test_a_header_that_is_no_json_object_is_refused(tmp_path, registry, text):
    (tmp_path / "store.json").write_bytes(text)
    with pytest.raises(StoreError, match=r"store\.json"):
        open_store(tmp_path, registry)


def test_a_place_without_a_store_is_said_to_have_none(tmp_path, registry):
    assert not is_complete(tmp_path / "nowhere")
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StoreError, match="no store is here"):
            open_store(root, registry)


def test_a_storage_that_is_not_installed_is_named(tmp_path, write, evolve, registry):
    write(tmp_path, header=evolve(storage="papyrus"))
    with pytest.raises(ConfigError, match="papyrus"):
        open_store(tmp_path, registry)


@pytest.mark.parametrize(
    "ask",
    [
        lambda s: s.read("low", -1, 3),
        lambda s: s.read("low", 0, 21),
        lambda s: s.read("low", 3, 2),
        lambda s: s.read("middle", 0, 1),
        lambda s: s.read("low", 0, 1, columns=slice(0, 4)),
        lambda s: s.read("low", 0, 1, columns=slice(-1, None)),
        lambda s: s.read("low", 0, 1, columns=slice(0, 2, 2)),
    ],
)
def test_rows_columns_and_arrays_that_are_not_there_are_refused(tmp_path, write, registry, ask):
    write(tmp_path)
    with pytest.raises(StoreError, match=str(tmp_path)):
        ask(open_store(tmp_path, registry))


def test_no_rows_are_an_empty_tensor(tmp_path, write, registry):
    write(tmp_path)
    assert open_store(tmp_path, registry).read("low", 8, 8).shape == (0, 3)


def test_a_reader_never_writes(tmp_path, write, registry):
    write(tmp_path)

    def state():
        files = sorted(p for p in tmp_path.rglob("*") if p.is_file())
        return {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    before = state()
    open_store(tmp_path, registry).read("low", 0, 20)
    assert state() == before
