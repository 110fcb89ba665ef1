"""What a method must keep when training is interrupted and goes on in another process."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from traits_core.tensors import load_tensors, save_tensors
from traits_core.testing.case import D_MODEL, Case, Check
from traits_core.testing.expect import NotApplicable, expect_same, expect_same_state, fail
from traits_core.testing.learning import Move, activations, moves, started, taught


def check_resume_equals_uninterrupted(case: Case) -> None:
    """Interrupted after any batch or epoch and continued, it ends in the same state and scores."""
    with TemporaryDirectory() as directory:
        method = started(case)
        done: list[Move] = []
        checkpoints = [Path(directory) / "0.safetensors"]
        save_tensors(checkpoints[0], method.state_dict())
        for move in moves(method):
            move(method)
            done.append(move)
            checkpoints.append(Path(directory) / f"{len(done)}.safetensors")
            save_tensors(checkpoints[-1], method.state_dict())
        final, _ = load_tensors(checkpoints[-1])
        scores_bk = method.scorer()(activations())
        for boundary, checkpoint in enumerate(checkpoints):
            resumed = case.build()
            resumed.load_state_dict(load_tensors(checkpoint)[0])
            for move in done[boundary:]:
                move(resumed)
            what = f"resumed after {boundary} of {len(done)} steps, and uninterrupted"
            expect_same_state(resumed.state_dict(), final, what)
            expect_same(resumed.scorer()(activations()), scores_bk, f"{what}: scores")
            if resumed.done != method.done:
                fail(f"{what}: done is {resumed.done} and {method.done}")


def check_foreign_state_is_refused(case: Case) -> None:
    """The state of a method for another width is not accepted, nor one with nothing in it."""
    state = taught(case).state_dict()
    if not state:
        raise NotApplicable("it has no state")
    wider = case.build(d_model=D_MODEL + 1)
    for method, foreign, what in (
        (wider, state, f"the state of a method with d_model {D_MODEL} for one with {D_MODEL + 1}"),
        (case.build(), {}, "a state without tensors"),
    ):
        try:
            method.load_state_dict(foreign)
        except Exception:  # noqa: S112  # the core wraps whatever is raised
            continue
        fail(f"`load_state_dict` accepts {what}")


CHECKS: Final[tuple[Check, ...]] = (
    check_resume_equals_uninterrupted,
    check_foreign_state_is_refused,
)
