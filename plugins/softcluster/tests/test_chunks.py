import itertools

import attrs
import numpy as np
import pytest
import torch

from traits_core import DataError
from traits_plugin_softcluster.chunks import fit_chunks, sample_rows
from traits_plugin_softcluster.config import SoftClusterConfig
from traits_plugin_softcluster.exemplars import Exemplars
from traits_plugin_softcluster.membership_files import ChunkMemberships
from traits_plugin_softcluster.scorer import SoftClusterScorer
from traits_plugin_softcluster.statistics import analyze
from traits_plugin_softcluster.token_chunks import TokenChunk, open_chunks

CONFIG = SoftClusterConfig(n_clusters=12, center=False, max_epochs=4, seeding_rows=400)
LENGTH = 10


@pytest.fixture
def chunks(tmp_path, planted):
    """Three chunks of tokens, and the clusters [sequences, positions] that they are of."""
    rows_nd, labels_n, _ = planted(n=900, kappa=300.0)
    rng = np.random.default_rng(0)
    arrays = []
    for i, size in enumerate((400, 300, 200)):
        part = slice((0, 400, 700)[i], (400, 700, 900)[i])
        shape = (size // LENGTH, LENGTH)
        mask_bs = rng.random(shape) < 0.8
        arrays.append(
            {
                "activations": rows_nd[part].numpy().reshape(*shape, 16),
                "attention_mask": mask_bs,
                "token_ids": labels_n[part].numpy().reshape(shape),
            }
        )
        np.savez(tmp_path / f"chunk_{i}.npz", **arrays[-1])
    return [tmp_path / f"chunk_{i}.npz" for i in range(3)], arrays


@pytest.fixture
def found(chunks, tmp_path):
    return fit_chunks(
        chunks[0], tmp_path / "out", CONFIG, batch_size=64, n_exemplars=4, context_window=2
    )


def test_memberships_of_every_token_are_written_and_of_no_other_position(chunks, found):
    for arrays, path in zip(chunks[1], found.files, strict=True):
        stored = ChunkMemberships.load(path)
        shape = arrays["attention_mask"].shape
        assert (stored.total_sequences, stored.sequence_length) == shape
        indices_e3 = stored.indices_e3
        assert [tuple(i) for i in indices_e3] == sorted({tuple(i) for i in indices_e3})
        dense_bsk = np.zeros((*shape, 12), np.float32)
        dense_bsk[tuple(indices_e3.T)] = stored.values_e
        assert (stored.values_e > 0).all()
        mask_bs = arrays["attention_mask"]
        np.testing.assert_allclose(dense_bsk.sum(axis=2), mask_bs, atol=1e-5)
        values_nj, clusters_nj = found.scorer.sparse(
            torch.from_numpy(arrays["activations"][mask_bs])
        )
        expected_nk = torch.zeros(len(values_nj), 12).scatter_(1, clusters_nj, values_nj)
        np.testing.assert_allclose(dense_bsk[mask_bs], expected_nk, atol=1e-5)


def test_planted_tokens_are_the_exemplars_of_their_clusters(chunks, found):
    """Token ids are the planted clusters, so all exemplars of a cluster are of one token."""
    exemplars = found.exemplars
    assert (exemplars.values_kn > 0.9).all()
    middle_kn = exemplars.tokens_knw[:, :, 2]
    assert sorted(tokens[0] for tokens in middle_kn.tolist()) == list(range(12))
    assert all(len(set(tokens)) == 1 for tokens in middle_kn.tolist())
    for k, n in itertools.product(range(12), range(4)):
        chunk, sequence, position = exemplars.places_kn3[k, n]
        assert chunks[1][chunk]["token_ids"][sequence, position] == middle_kn[k, n]
        assert chunks[1][chunk]["attention_mask"][sequence, position]


def test_the_files_are_what_was_returned(found, tmp_path):
    loaded = SoftClusterScorer.load(tmp_path / "out", torch.device("cpu"))
    assert torch.equal(loaded.centres.centres_kd, found.scorer.centres.centres_kd)
    exemplars = Exemplars.load(tmp_path / "out" / "exemplars.safetensors")
    np.testing.assert_array_equal(exemplars.values_kn, found.exemplars.values_kn)


def test_statistics_are_those_of_all_tokens(chunks, found):
    batches = [torch.from_numpy(a["activations"][a["attention_mask"]]) for a in chunks[1]]
    expected = analyze(found.scorer, batches)
    assert torch.equal(found.statistics.sizes_k, expected.sizes_k)
    torch.testing.assert_close(found.statistics.density_k, expected.density_k)


def test_each_cluster_is_made_of_its_own_token(found):
    tokens_kn, parts_kn = found.tokens.largest(1)
    assert sorted(tokens_kn[:, 0].tolist()) == list(range(12))
    assert (parts_kn > 0.9).all()


def test_the_seed_decides(chunks, found, tmp_path):
    again = fit_chunks(chunks[0], tmp_path / "again", CONFIG, batch_size=64)
    assert torch.equal(again.scorer.centres.centres_kd, found.scorer.centres.centres_kd)
    other = fit_chunks(chunks[0], tmp_path / "other", CONFIG, batch_size=64, seed=1)
    assert not torch.equal(other.scorer.centres.centres_kd, found.scorer.centres.centres_kd)


def test_chunks_come_in_another_order_in_each_epoch(chunks, tmp_path, monkeypatch):
    read, blocks = [], TokenChunk.blocks

    def followed(chunk, n_rows):
        read.append(chunk.path.stem)
        return blocks(chunk, n_rows)

    monkeypatch.setattr(TokenChunk, "blocks", followed)
    fit_chunks(chunks[0], tmp_path / "out", attrs.evolve(CONFIG, exact_epochs=0))
    sample, *epochs, members = zip(*[iter(read)] * 3, strict=True)
    assert members == sample == ("chunk_0", "chunk_1", "chunk_2")
    assert len(epochs) == 4
    assert all(sorted(epoch) == sorted(sample) for epoch in epochs)
    assert len(set(epochs)) > 1


def test_the_sample_is_of_all_tokens_without_repetition(chunks):
    opened = open_chunks(chunks[0])
    every = sample_rows(opened, 10_000, seed=0, batch_size=64)
    n_tokens = sum(int(a["attention_mask"].sum()) for a in chunks[1])
    assert len({tuple(row) for row in every.tolist()}) == len(every) == n_tokens
    few = {tuple(row) for row in sample_rows(opened, 90, seed=0, batch_size=64).tolist()}
    assert len(few) == 90
    for arrays in chunks[1]:  # a random 90 of about 720: none of three chunks is left out
        tokens = {tuple(row) for row in arrays["activations"][arrays["attention_mask"]].tolist()}
        assert 5 < len(few & tokens) < 65


def test_chunks_of_equal_names_are_refused(chunks, tmp_path):
    with pytest.raises(DataError, match=r"equal names .* rename \['chunk_0'\]"):
        fit_chunks([chunks[0][0]] * 2, tmp_path / "out", CONFIG)
