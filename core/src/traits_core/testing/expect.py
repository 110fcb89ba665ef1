"""How a check says that something is wrong: the property, what broke it, and the first difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

from traits_core.errors import TraitsError

if TYPE_CHECKING:
    from torch import Tensor


class ContractError(AssertionError):
    """A plugin object breaks its contract."""


class NotApplicable(Exception):  # noqa: N818  # no error: the check has nothing to say here
    """The property means nothing for this object, and why."""


def fail(text: str) -> NoReturn:
    """Raise ContractError."""
    raise ContractError(text)


def expect(condition: object, text: str) -> None:
    """Raise ContractError with `text` unless `condition` is true."""
    if not condition:
        raise ContractError(text)


def expect_refusal(what: str, call: Callable[..., object], *arguments: object) -> None:
    """Expect `call(*arguments)` to raise a TraitsError; `what` says what was asked for."""
    try:
        call(*arguments)
    except TraitsError:
        return
    except Exception as error:
        raise ContractError(
            f"{what} must be refused with a TraitsError, but raised {one_line(error)}"
        ) from error
    fail(f"{what} must be refused with a TraitsError, but was accepted")


def expect_same(found: Tensor, wanted: Tensor, what: str) -> None:
    """Expect equal shape, dtype and values, bit for bit (NaN equals NaN)."""
    if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
        fail(f"{what}: {_form(found)} and {_form(wanted)}")
    _expect_none((found != wanted) & ~((found != found) & (wanted != wanted)), found, wanted, what)


def expect_close(found: Tensor, wanted: Tensor, what: str, tolerance: float = 1e-4) -> None:
    """Expect equal shapes, and values that differ by at most `tolerance` of the largest magnitude."""
    if found.shape != wanted.shape:
        fail(f"{what}: {_form(found)} and {_form(wanted)}")
    if wanted.numel():
        allowed = tolerance * float(wanted.abs().amax()) + 1e-12
        _expect_none(~((found - wanted).abs() <= allowed), found, wanted, what)


def expect_same_state(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], what: str) -> None:
    """Expect the same names, and the same tensor under each."""
    if set(found) != set(wanted):
        fail(f"{what}: tensors {sorted(found)} and {sorted(wanted)}")
    for name, tensor in wanted.items():
        expect_same(found[name].cpu(), tensor.cpu(), f"{what}: {name}")


def one_line(error: BaseException) -> str:
    """Type and first line of an exception."""
    lines = str(error).strip().splitlines() or ["without a message"]
    return f"{type(error).__name__}: {lines[0]}"


def _expect_none(different: Tensor, found: Tensor, wanted: Tensor, what: str) -> None:
    if different.any():
        index = tuple(different.nonzero()[0].tolist())
        fail(
            f"{what}: {int(different.sum())} of {different.numel()} values differ, "
            f"first at {list(index)}: {found[index].item()} and {wanted[index].item()}"
        )


def _form(tensor: Tensor) -> str:
    return f"{tensor.dtype} {tuple(tensor.shape)}"
