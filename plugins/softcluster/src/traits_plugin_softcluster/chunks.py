"""Soft clustering of token activations in NPZ chunks, from files to files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np
import torch
from torch import Tensor

from traits_core import DataError, NullComm
from traits_plugin_softcluster.config import SoftClusterConfig
from traits_plugin_softcluster.exemplars import Exemplars
from traits_plugin_softcluster.membership_files import ChunkMemberships
from traits_plugin_softcluster.method import SoftCluster
from traits_plugin_softcluster.position_members import PositionMembers
from traits_plugin_softcluster.scorer import SoftClusterScorer
from traits_plugin_softcluster.statistics import ClusterStatistics
from traits_plugin_softcluster.token_chunks import TokenBlock, TokenChunk, open_chunks
from traits_plugin_softcluster.token_masses import TokenMasses


@attrs.frozen(eq=False)
class ChunkClusters:
    """What `fit_chunks` found.

    Parameters
    ----------
    scorer: the clusters
    exemplars: the positions that belong most to each; their chunks are counted as the paths were
    statistics: of all tokens
    tokens: which tokens the clusters are made of
    files: memberships of each chunk, in the order of the paths: `ChunkMemberships.load` reads them
    """

    scorer: SoftClusterScorer
    exemplars: Exemplars
    statistics: ClusterStatistics
    tokens: TokenMasses
    files: tuple[Path, ...]


def fit_chunks(
    paths: Sequence[Path],
    output_dir: Path,
    config: SoftClusterConfig,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    batch_size: int = 8192,
    n_exemplars: int = 10,
    context_window: int = 5,
) -> ChunkClusters:
    """Learn clusters from the tokens of NPZ chunks, and write their memberships, chunk by chunk.

    `output_dir` gets `scorer.safetensors`, `exemplars.safetensors` and `memberships/<chunk>.npz`.
    Chunks are read in another order in each epoch; the rows of a batch are neighbours, so shuffled
    sequences learn best. Memory: the state of the method, its sample, masks and token ids of all
    chunks, one batch, the memberships of one chunk (at most 28 bytes x tokens x `top_m`), and 12 bytes for
    each pair of a cluster and a token id that occur together.

    Parameters
    ----------
    paths: NPZ files, as `TokenChunk` describes them
    config: as for training on a store
    seed: of the start, of the sample and of the order of the chunks
    device: where clusters are learned
    batch_size: positions of a batch at most, one sequence at least
    n_exemplars: positions that are kept of each cluster
    context_window: positions kept on either side of each

    Raises DataError for chunks that are missing, damaged, of different widths or of equal names.
    """
    counts = Counter(path.stem for path in paths)
    if shared := sorted(name for name, count in counts.items() if count > 1):
        raise DataError(
            f"the memberships of chunks of equal names would overwrite each other: rename {shared}"
        )
    chunks = open_chunks(paths)
    method = SoftCluster(
        config,
        d_model=chunks[0].d_model,
        seed=seed,
        device=torch.device(device),
        comm=NullComm(),
    )
    method.initialize(sample_rows(chunks, method.sample_rows, seed, batch_size).to(device))
    epoch = 0
    while not method.done:
        for acts_bd in _batches(chunks, seed, epoch, batch_size):
            method.update(acts_bd.to(device))
        method.end_epoch()
        epoch += 1
    scorer = method.scorer()
    found = ChunkClusters(
        scorer,
        Exemplars.empty(config.n_clusters, n_exemplars, context_window),
        ClusterStatistics.of(scorer),
        TokenMasses.empty(config.n_clusters),
        tuple(output_dir / "memberships" / f"{path.stem}.npz" for path in paths),
    )
    found.files[0].parent.mkdir(parents=True, exist_ok=True)
    for number, chunk in enumerate(chunks):
        found = _with_members(found, number, chunk, batch_size)
    scorer.save(output_dir)
    found.exemplars.save(output_dir / "exemplars.safetensors")
    return found


def sample_rows(chunks: Sequence[TokenChunk], n_rows: int, seed: int, batch_size: int) -> Tensor:
    """Draw `n_rows` of all tokens at random, or all when there are fewer: float32 [N, D]."""
    n_tokens = sum(chunk.n_tokens for chunk in chunks)
    rng = np.random.default_rng(seed)
    chosen_n = rng.choice(n_tokens, min(n_rows, n_tokens), replace=False)
    chosen_n.sort()
    parts, first = [], 0
    for chunk in chunks:
        for block in chunk.blocks(batch_size):
            rows_bd = block.rows(torch.device("cpu"))
            low, high = np.searchsorted(chosen_n, (first, first + len(rows_bd)))
            parts.append(rows_bd[torch.from_numpy(chosen_n[low:high] - first)])
            first += len(rows_bd)
    return torch.cat(parts)[torch.from_numpy(rng.permutation(len(chosen_n)))]


def _batches(
    chunks: Sequence[TokenChunk], seed: int, epoch: int, batch_size: int
) -> Iterator[Tensor]:
    """The tokens of all chunks, chunks in an order of their own for each epoch."""
    for number in np.random.default_rng((seed, epoch)).permutation(len(chunks)):
        for block in chunks[number].blocks(batch_size):
            yield block.rows(torch.device("cpu"))


def _with_members(
    found: ChunkClusters, number: int, chunk: TokenChunk, batch_size: int
) -> ChunkClusters:
    """Write the memberships of one chunk; its tokens join the exemplars, statistics and masses."""
    entries, tokens = [], found.tokens
    for block in chunk.blocks(batch_size):
        acts_nd = block.rows(found.scorer.shift_d.device)
        values_nj, clusters_nj = found.scorer.sparse(acts_nd)
        found.statistics.add(found.scorer, acts_nd, values_nj, clusters_nj)
        members = _at_positions(number, block, values_nj, clusters_nj)
        found.exemplars.offer(members)
        tokens = tokens.plus(members)
        entries.append(members.coordinates())
    indices, values = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    ChunkMemberships(indices, values, *chunk.mask_bs.shape).save(found.files[number])
    return attrs.evolve(found, tokens=tokens)


def _at_positions(
    number: int, block: TokenBlock, values_nj: Tensor, clusters_nj: Tensor
) -> PositionMembers:
    """Put the memberships of tokens in their places; positions that are no tokens have none."""
    shape = (*block.mask_bs.shape, values_nj.shape[1])
    values_bsj, clusters_bsj = np.zeros(shape, np.float32), np.zeros(shape, np.int64)
    values_bsj[block.mask_bs] = values_nj.cpu().numpy()
    clusters_bsj[block.mask_bs] = clusters_nj.cpu().numpy()
    return PositionMembers(number, block.start, block.tokens_bs, values_bsj, clusters_bsj)
