"""What a method must keep while it learns."""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from traits_core.errors import TraitsError
from traits_core.testing.case import D_MODEL, Case, Check
from traits_core.testing.expect import (
    NotApplicable,
    expect,
    expect_close,
    expect_refusal,
    expect_same,
    expect_same_state,
    fail,
)
from traits_core.testing.learning import activations, lesson, moves, started, taught
from traits_core.testing.surroundings import other_global_seed, untouched

OTHER_SEEDS: Final = (1, 2, 3)
SMALL_BATCH_BYTES: Final = 256 * D_MODEL * 4


def check_plan_is_counted(case: Case) -> None:
    """`sample_rows` and `max_epochs` are whole numbers from 0, and `done` is a bool."""
    method = case.build()
    for name in ("sample_rows", "max_epochs"):
        value = getattr(method, name)
        expect(type(value) is int and value >= 0, f"{name} must be an int from 0, got {value!r}")
    method = started(case)
    expect(isinstance(method.done, bool), f"done must be a bool, got {method.done!r}")


def check_metrics_are_finite_numbers(case: Case) -> None:
    """`update` and `end_epoch` return finite Python numbers by name, or tensors [N] of such."""
    method = started(case)
    for move in moves(method):
        metrics = move(method)
        expect(isinstance(metrics, Mapping), f"metrics must be a mapping, got {metrics!r}")
        for name, value in metrics.items():
            if isinstance(value, Tensor) and value.ndim == 1:
                number = bool(len(value)) and bool(value.isfinite().all())
            else:
                number = type(value) in (int, float) and math.isfinite(value)
            expect(isinstance(name, str) and number, f"metric {name!r} is no number: {value!r}")


def check_same_seed_same_scorer(case: Case) -> None:
    """The seed decides: state and scores are equal, bit for bit, whatever else drew random numbers."""
    methods = []
    for global_seed in (1, 2):
        with other_global_seed(global_seed):
            methods.append(taught(case))
    first, second = methods
    what = "two methods with the same seed and batches"
    expect_same_state(second.state_dict(), first.state_dict(), what)
    expect_same(second.scorer()(activations()), first.scorer()(activations()), f"{what}: scores")


def check_seed_does_what_the_tag_says(case: Case) -> None:
    """Another seed gives another scorer, or, with the tag `deterministic`, the same."""
    scores_bk = taught(case).scorer()(activations())
    others = [taught(case, seed=seed).scorer()(activations()) for seed in OTHER_SEEDS]
    if "deterministic" in case.spec.tags:
        for seed, other_bk in zip(OTHER_SEEDS, others, strict=True):
            expect_same(other_bk, scores_bk, f"tagged `deterministic`, but with seed {seed}")
    elif all(torch.equal(other_bk, scores_bk) for other_bk in others):
        fail(
            f"seeds 0 and {OTHER_SEEDS} give equal scores: use the seed, or tag it `deterministic`"
        )


def check_training_leaves_its_input_alone(case: Case) -> None:
    """Neither the sample nor a batch is written to."""
    method = case.build()
    sample_nd = activations()[: method.sample_rows].clone()
    method.initialize(sample_nd)
    expect_same(sample_nd, activations()[: len(sample_nd)], "`initialize` writes into its sample")
    for acts_bd in lesson(0):
        kept_bd = acts_bd.clone()
        method.update(acts_bd)
        expect_same(acts_bd, kept_bd, "`update` writes into its batch")


def check_bad_activations_are_refused(case: Case) -> None:
    """Neither `initialize` nor `update` accepts NaN, infinity, another width or integers."""
    for what, acts_bd in bad_activations().items():
        expect_refusal(f"`initialize` on {what}", case.build().initialize, acts_bd)
        expect_refusal(f"`update` on {what}", started(case).update, acts_bd)


def check_few_rows_work_or_are_refused(case: Case) -> None:
    """A sample of no or one row is refused, or ends in finite scores of every prototype."""
    for rows in (0, 1):
        method = case.build()
        try:
            method.initialize(activations()[:rows])
            scorer = method.scorer()
            scores_bk = scorer(activations())
        except TraitsError:
            continue
        right = scores_bk.shape[1] == scorer.n_prototypes and scores_bk.isfinite().all()
        expect(right, f"a sample of {rows} rows: {scorer.n_prototypes} prototypes, but bad scores")


def check_global_state_is_untouched(case: Case) -> None:
    """Learning and scoring leave the process as it was: generators, default dtype, threads."""
    with untouched("learning and scoring"):
        taught(case).scorer()(activations())


def check_memory_is_bounded(case: Case) -> None:
    """Memory does not grow with the number of batches."""
    method = started(case)
    if method.done or not method.max_epochs:
        raise NotApplicable("it learns from no batches")
    gc.collect()
    tracemalloc.start()
    try:
        used = []
        for part in range(2):
            for batch in range(8 + 16 * part):
                method.update(activations(256, seed=batch + 8 * part))
            gc.collect()
            used.append(tracemalloc.get_traced_memory()[0] + _tensor_bytes())
    finally:
        tracemalloc.stop()
    grown, fed = used[1] - used[0], 24 * SMALL_BATCH_BYTES
    expect(
        grown < fed / 4,
        f"24 further batches of {SMALL_BATCH_BYTES} bytes leave {grown} more bytes in memory: "
        "keep sums, or a sample of fixed size",
    )


def check_works_on_cuda(case: Case) -> None:
    """On a GPU it learns what it learns on the CPU, and goes on from a state that lies on the CPU."""
    if not torch.cuda.is_available():
        raise NotApplicable("no CUDA device here")
    device = torch.device("cuda")
    method = case.build(device=device)
    method.initialize(activations()[: method.sample_rows].to(device))
    resumed = case.build(device=device)
    resumed.load_state_dict({name: tensor.cpu() for name, tensor in method.state_dict().items()})
    for learner in (method, resumed) if method.max_epochs else ():
        for acts_bd in lesson(0):
            learner.update(acts_bd.to(device))
        learner.end_epoch()
    scores_bk = method.scorer()(activations().to(device))
    expect(scores_bk.device.type == "cuda", f"scores of a batch on CUDA are on {scores_bk.device}")
    what = "scores after going on from a state on the CPU"
    expect_close(resumed.scorer()(activations().to(device)), scores_bk, what, tolerance=1e-3)


def bad_activations() -> dict[str, Tensor]:
    """Batches that nobody may accept, by what is wrong with them."""
    nan_bd, inf_bd = activations(), activations()
    nan_bd[3, 1], inf_bd[3, 1] = math.nan, math.inf
    return {
        "a batch with NaN": nan_bd,
        "a batch with infinity": inf_bd,
        f"rows of length {D_MODEL + 1}": activations(d_model=D_MODEL + 1),
        "a batch of integers": activations().long(),
        "one dimension": activations()[0],
    }


def _tensor_bytes() -> int:
    """The memory that all tensors of this process hold; a storage that several share counts once."""
    storages = {}
    for found in gc.get_objects():
        if issubclass(type(found), Tensor):
            storage = found.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


CHECKS: Final[tuple[Check, ...]] = (
    check_plan_is_counted,
    check_metrics_are_finite_numbers,
    check_same_seed_same_scorer,
    check_seed_does_what_the_tag_says,
    check_training_leaves_its_input_alone,
    check_bad_activations_are_refused,
    check_few_rows_work_or_are_refused,
    check_global_state_is_untouched,
    check_memory_is_bounded,
    check_works_on_cuda,
)
