"""What the scorer of a method must keep: row-wise, repeatable, frozen."""

from __future__ import annotations

from typing import Final

import torch

from traits_core.testing.case import Case, Check
from traits_core.testing.expect import expect, expect_close, expect_refusal, expect_same
from traits_core.testing.learning import activations, lesson, started, taught
from traits_core.testing.method import bad_activations

LOW_PRECISION: Final = 1e-3


def check_scorer_interface(case: Case) -> None:
    """Activations [B, D] become finite float32 scores [B, K] without gradients; K is `n_prototypes`."""
    scorer = taught(case).scorer()
    n_prototypes = scorer.n_prototypes
    expect(
        type(n_prototypes) is int and n_prototypes > 0,
        f"n_prototypes must be an int from 1, got {n_prototypes!r}",
    )
    acts_bd = activations().requires_grad_()
    scores_bk = scorer(acts_bd)
    shape = (len(acts_bd), n_prototypes)
    expect(
        tuple(scores_bk.shape) == shape, f"scores are {tuple(scores_bk.shape)} instead of {shape}"
    )
    expect(scores_bk.dtype == torch.float32, f"scores are {scores_bk.dtype} instead of float32")
    expect(scores_bk.device == acts_bd.device, f"scores are on {scores_bk.device}")
    expect(scores_bk.isfinite().all(), "scores of finite activations are not finite")
    expect(not scores_bk.requires_grad, "scores carry gradients: score inside torch.no_grad()")


def check_scorer_takes_any_number_of_rows(case: Case) -> None:
    """A batch of no rows gives no scores, a batch of one row gives one."""
    scorer = taught(case).scorer()
    for rows in (0, 1):
        shape = tuple(scorer(activations()[:rows]).shape)
        wanted = (rows, scorer.n_prototypes)
        expect(shape == wanted, f"scores of {rows} rows are {shape} instead of {wanted}")


def check_scores_do_not_depend_on_the_batch(case: Case) -> None:
    """The scores of a row are the same alone, and among other rows in any order."""
    scorer = taught(case).scorer()
    acts_bd = activations(40)
    scores_bk = scorer(acts_bd)
    expect_close(scorer(acts_bd.flip(0)).flip(0), scores_bk, "scores of rows in reverse order")
    alone_bk = torch.cat([scorer(row_d[None]) for row_d in acts_bd])
    expect_close(alone_bk, scores_bk, "scores of rows alone, and of the batch")
    far_bd = torch.cat([acts_bd, 100 * activations(40, seed=5)])
    expect_close(scorer(far_bd)[:40], scores_bk, "scores beside rows that are far away")


def check_scoring_leaves_its_input_alone(case: Case) -> None:
    """The activations are not written to."""
    scorer = taught(case).scorer()
    acts_bd = activations()
    scorer(acts_bd)
    expect_same(acts_bd, activations(), "scoring writes into its input")


def check_scoring_is_repeatable(case: Case) -> None:
    """Scoring changes nothing: the same rows get the same scores again, after others too."""
    scorer = taught(case).scorer()
    returned_bk = scorer(activations())
    first_bk = returned_bk.clone()
    expect_same(scorer(activations()), first_bk, "scores of the same rows, the second time")
    scorer(10 + activations(seed=3))
    expect_same(returned_bk, first_bk, "scores that were returned, after other rows were scored")
    expect_same(scorer(activations()), first_bk, "scores of the same rows, after other rows")


def check_scorer_takes_any_float_dtype(case: Case) -> None:
    """float16, bfloat16 and float64 give the float32 scores of the same values."""
    scorer = taught(case).scorer()
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        acts_bd = activations().to(dtype)
        scores_bk = scorer(acts_bd)
        expect(scores_bk.dtype == torch.float32, f"scores of {dtype} are {scores_bk.dtype}")
        what = f"scores of {dtype}, and of the same values in float32"
        expect_close(scores_bk, scorer(acts_bd.float()), what, LOW_PRECISION)


def check_scorer_is_a_snapshot(case: Case) -> None:
    """A scorer does not change when its method learns on."""
    method = started(case)
    scorer = method.scorer()
    before_bk = scorer(activations()).clone()
    for acts_bd in lesson(0) if method.max_epochs else []:
        method.update(acts_bd)
    if method.max_epochs:
        method.end_epoch()
    expect_same(scorer(activations()), before_bk, "scores before and after its method learned on")


def check_scorer_refuses_bad_activations(case: Case) -> None:
    """NaN, infinity, another width and integers are refused."""
    scorer = taught(case).scorer()
    for what, acts_bd in bad_activations().items():
        expect_refusal(f"scoring {what}", scorer, acts_bd)


CHECKS: Final[tuple[Check, ...]] = (
    check_scorer_interface,
    check_scorer_takes_any_number_of_rows,
    check_scores_do_not_depend_on_the_batch,
    check_scoring_leaves_its_input_alone,
    check_scoring_is_repeatable,
    check_scorer_takes_any_float_dtype,
    check_scorer_is_a_snapshot,
    check_scorer_refuses_bad_activations,
)
