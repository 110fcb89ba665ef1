"""What a scorer offers besides a call: sparse scores, blocks of them, a reconstruction, an affine map."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import torch
from torch import Tensor

from traits_core.protocols import (
    AffineScorer,
    BlockwiseScorer,
    ReconstructingScorer,
    Scorer,
    SparseScorer,
)
from traits_core.testing.case import D_MODEL, Case, Check
from traits_core.testing.expect import (
    NotApplicable,
    expect,
    expect_close,
    expect_refusal,
    expect_same,
)
from traits_core.testing.learning import ROWS, activations, taught
from traits_core.testing.method import bad_activations

TOLERANCE: Final = 1e-4
"""Of the largest score of a row: closer scores may be ranked either way."""


def check_sparse_scores_are_some_of_the_prototypes(case: Case) -> None:
    """`sparse` returns float32 values and int64 prototypes [B, J], row-wise, none twice in a row."""
    scorer: Any = _scorer_with(case, SparseScorer, "sparse")
    values_bj, prototypes_bj = scorer.sparse(activations())
    expect(
        values_bj.ndim == 2 and values_bj.shape == prototypes_bj.shape,
        f"values are {tuple(values_bj.shape)}, prototypes {tuple(prototypes_bj.shape)}",
    )
    expect(len(values_bj) == len(activations()), f"{len(values_bj)} rows of sparse scores")
    expect(values_bj.dtype == torch.float32, f"sparse values are {values_bj.dtype}")
    expect(prototypes_bj.dtype == torch.int64, f"sparse prototypes are {prototypes_bj.dtype}")
    expect(
        ((prototypes_bj >= 0) & (prototypes_bj < scorer.n_prototypes)).all(),
        f"sparse prototypes leave [0, {scorer.n_prototypes})",
    )
    sorted_bj = prototypes_bj.sort(dim=1).values
    expect(not (sorted_bj[:, 1:] == sorted_bj[:, :-1]).any(), "a prototype stands twice in a row")
    alone_bk = torch.cat([_dense(scorer, row_d[None]) for row_d in activations()])
    expect_close(alone_bk, _dense(scorer, activations()), "sparse scores of rows alone")


def check_sparse_scores_keep_the_largest(case: Case) -> None:
    """The prototype with the largest sparse value of a row has the largest dense score too."""
    scorer: Any = _scorer_with(case, SparseScorer, "sparse")
    values_bj, prototypes_bj = scorer.sparse(activations())
    scores_bk = scorer(activations())
    named_b1 = prototypes_bj.gather(1, values_bj.argmax(dim=1, keepdim=True))
    found_b, best_b = scores_bk.gather(1, named_b1)[:, 0], scores_bk.amax(dim=1)
    kept_b = values_bj.amax(dim=1) > 0
    expect_close(found_b[kept_b], best_b[kept_b], "scores of the first sparse prototype, and best")


def check_blocks_are_the_columns_of_the_scores(case: Case) -> None:
    """`blocks` yields float32 [B, `width`] without gradients: side by side, what calling it returns."""
    scorer: Any = _scorer_with(case, BlockwiseScorer, "blocks")
    k = scorer.n_prototypes
    for rows, width in product((ROWS, 0), (1, k // 2 + 1, k + 1)):
        acts_bd = activations()[:rows].requires_grad_()
        found = [(block, torch.is_grad_enabled()) for block in scorer.blocks(acts_bd, width)]
        for block_bw, gradients_on in found:
            expect(block_bw.dtype == torch.float32, f"a block is {block_bw.dtype}")
            expect(not block_bw.requires_grad, "a block carries gradients")
            expect(gradients_on, "gradients stay off between blocks")
        widths = [block_bw.shape[1] for block_bw, _ in found]
        wanted = [min(width, k - start) for start in range(0, k, width)]
        expect(widths == wanted, f"blocks of {width} of {k} have widths {widths}, not {wanted}")
        joined_bk = torch.cat([block_bw for block_bw, _ in found], dim=1)
        expect_close(joined_bk, scorer(acts_bd), f"blocks of {width}, and scores")


def check_blocks_take_what_scoring_takes(case: Case) -> None:
    """The activations are not written to; by the first block, bad ones are refused."""
    scorer: Any = _scorer_with(case, BlockwiseScorer, "blocks")
    acts_bd = activations()
    list(scorer.blocks(acts_bd, 1))
    expect_same(acts_bd, activations(), "blocks write into their input")
    for what, bad_bd in bad_activations().items():
        expect_refusal(f"blocks of {what}", lambda bad_bd=bad_bd: next(scorer.blocks(bad_bd, 1)))


def check_reconstruction_is_an_activation(case: Case) -> None:
    """`reconstruct` returns finite float32 [B, D], row-wise, nearer to the activations than zero is."""
    scorer: Any = _scorer_with(case, ReconstructingScorer, "reconstruct")
    rebuilt_bd = scorer.reconstruct(activations())
    expect(
        rebuilt_bd.shape == activations().shape and rebuilt_bd.dtype == torch.float32,
        f"the reconstruction is {rebuilt_bd.dtype} {tuple(rebuilt_bd.shape)}",
    )
    expect(rebuilt_bd.isfinite().all(), "the reconstruction of finite activations is not finite")
    expect(not rebuilt_bd.requires_grad, "the reconstruction carries gradients")
    alone_bd = torch.cat([scorer.reconstruct(row_d[None]) for row_d in activations()])
    expect_close(alone_bd, rebuilt_bd, "reconstructions of rows alone, and of the batch")
    error = (rebuilt_bd - activations()).square().sum()
    nothing = activations().square().sum()
    expect(error < nothing, f"squared error {error:.4g}, and {nothing:.4g} of zeros")


def check_affine_parts_rank_as_the_scores_do(case: Case) -> None:
    """Of two prototypes, the latents of `affine` favour the one that the scores favour."""
    scorer: Any = _scorer_with(case, AffineScorer, "affine")
    parts, k = scorer.affine(), scorer.n_prototypes
    shapes = {
        "encoder_dk": (D_MODEL, k),
        "bias_k": (k,),
        "decoder_kd": (k, D_MODEL),
        "shift_d": (D_MODEL,),
    }
    for name, shape in shapes.items():
        tensor = getattr(parts, name)
        expect(
            tuple(tensor.shape) == shape and tensor.dtype == torch.float32,
            f"{name} is {tensor.dtype} {tuple(tensor.shape)} instead of float32 {shape}",
        )
    latents_bk = (activations() - parts.shift_d) @ parts.encoder_dk + parts.bias_k
    scores_bk = scorer(activations())
    wrong_bkk = _favours(scores_bk) & _favours(-latents_bk)
    expect(not wrong_bkk.any(), f"{int(wrong_bkk.sum())} pairs of prototypes are ranked otherwise")


def _favours(values_bk: Tensor) -> Tensor:
    """Bool [B, K, K]: the first prototype is above the second by more than rounding explains."""
    margin_b = TOLERANCE * values_bk.abs().amax(dim=1)
    return values_bk[:, :, None] - values_bk[:, None, :] > margin_b[:, None, None]


def _dense(scorer: Any, acts_bd: Tensor) -> Tensor:
    values_bj, prototypes_bj = scorer.sparse(acts_bd)
    dense_bk = torch.zeros(len(acts_bd), scorer.n_prototypes)
    return dense_bk.scatter_(1, prototypes_bj, values_bj)


def _scorer_with(case: Case, contract: type, member: str) -> Scorer:
    scorer = taught(case).scorer()
    if not isinstance(scorer, contract):
        raise NotApplicable(f"its scorer has no `{member}`")
    return scorer


CHECKS: Final[tuple[Check, ...]] = (
    check_sparse_scores_are_some_of_the_prototypes,
    check_sparse_scores_keep_the_largest,
    check_blocks_are_the_columns_of_the_scores,
    check_blocks_take_what_scoring_takes,
    check_reconstruction_is_an_activation,
    check_affine_parts_rank_as_the_scores_do,
)
