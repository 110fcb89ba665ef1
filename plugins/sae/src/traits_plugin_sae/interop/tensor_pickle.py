"""Reads the pickle of a dict of tensors without unpickling: nothing that it says is executed.

A machine runs it that knows text, numbers, tuples, dicts and tensors, and refuses everything else.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import torch

MARK: Final = object()
TENSOR: Final = "torch._utils _rebuild_tensor_v2"
PARAMETER: Final = "torch._utils _rebuild_parameter"
DICT: Final = "collections OrderedDict"
STORAGES: Final[Mapping[str, torch.dtype]] = {
    "torch FloatStorage": torch.float32,
    "torch DoubleStorage": torch.float64,
    "torch HalfStorage": torch.float16,
    "torch BFloat16Storage": torch.bfloat16,
    "torch IntStorage": torch.int32,
    "torch LongStorage": torch.int64,
}
GLOBALS: Final = {TENSOR, PARAMETER, DICT, *STORAGES}
VALUES: Final = {
    "BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
}  # fmt: skip
CONSTANTS: Final = {"NEWTRUE": True, "NEWFALSE": False, "NONE": None, "EMPTY_TUPLE": ()}


@attrs.frozen
class Storage:
    """A member of the zip: `numel` values of `dtype`."""

    dtype: torch.dtype
    key: str
    numel: int


@attrs.frozen
class Stored:
    """A tensor as it is described: a strided view of a storage."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def check(self) -> None:
        """Raise ValueError when the view leaves its storage, or repeats values of it."""
        numbers = (self.offset, *self.size, *self.stride)
        if len(self.size) != len(self.stride) or not all(
            type(number) is int and number >= 0 for number in numbers
        ):
            raise ValueError("a tensor has no proper shape")
        numel = math.prod(self.size)
        steps = sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        if numel and max(numel - 1, self.offset + steps) >= self.storage.numel:
            raise ValueError("a tensor is larger than its storage")


def read_pickle(pickle: bytes) -> dict[str, Stored]:
    """The tensors that a pickled dict names; what else it holds is passed over.

    Raises ValueError (or another error of a malformed pickle) when it is anything but such a dict.
    """
    described = _Machine().run(pickle)
    return {
        name: stored
        for name, stored in described.items()
        if isinstance(name, str) and isinstance(stored, Stored)
    }


class _Machine:
    """Runs a pickle whose only objects are text, numbers, tuples, dicts and tensors."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, pickle: bytes) -> dict[Any, Any]:
        """The dict that the pickle describes; raises ValueError when it is anything else."""
        for opcode, argument, _ in pickletools.genops(pickle):
            self._step(opcode.name, argument)
        (result,) = self._stack
        if not isinstance(result, dict):
            raise ValueError("it holds no dict of tensors")  # noqa: TRY004  # of the file, not of an argument
        return result

    def _step(self, name: str, argument: Any) -> None:
        if name in VALUES:
            self._stack.append(argument)
        elif name in CONSTANTS:
            self._stack.append(CONSTANTS[name])
        elif name == "GLOBAL":
            if argument not in GLOBALS:
                raise ValueError(f"it asks for {argument!r}, which is code: refused")
            self._stack.append(argument)
        elif name in _STEPS:
            _STEPS[name](self, argument)
        else:
            raise ValueError(f"its pickle uses {name}, which no dict of tensors needs: refused")

    def _marked(self) -> list[Any]:
        """Pop down to the last mark."""
        start = max(place for place, item in enumerate(self._stack) if item is MARK)
        items = self._stack[start + 1 :]
        del self._stack[start:]
        return items

    def _last(self, n: int) -> tuple[Any, ...]:
        """Pop `n` items."""
        items = tuple(self._stack[len(self._stack) - n :])
        del self._stack[len(self._stack) - n :]
        return items

    def _put(self, argument: Any) -> None:
        self._memo[argument] = self._stack[-1]

    def _memoize(self, argument: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, argument: Any) -> None:
        self._stack.append(self._memo[argument])

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict):
            raise ValueError("it sets items of what is no dict")  # noqa: TRY004  # as above
        target.update(zip(items[::2], items[1::2], strict=True))

    def _storage(self, argument: Any) -> None:
        _, kind, key, _, numel = self._stack.pop()
        self._stack.append(Storage(STORAGES[kind], key, numel))

    def _reduce(self, argument: Any) -> None:
        function, arguments = self._last(2)
        if function == TENSOR:
            self._stack.append(Stored(*arguments[:4]))
        elif function == PARAMETER:
            self._stack.append(arguments[0])
        elif function == DICT and arguments == ():
            self._stack.append({})
        else:
            raise ValueError("it calls what cannot be called: refused")


_STEPS: Final[Mapping[str, Callable[[_Machine, Any], None]]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "STOP": lambda machine, _: None,
    "EMPTY_DICT": lambda machine, _: machine._stack.append({}),
    "MARK": lambda machine, _: machine._stack.append(MARK),
    "TUPLE": lambda machine, _: machine._stack.append(tuple(machine._marked())),
    "TUPLE1": lambda machine, _: machine._stack.append(machine._last(1)),
    "TUPLE2": lambda machine, _: machine._stack.append(machine._last(2)),
    "TUPLE3": lambda machine, _: machine._stack.append(machine._last(3)),
    "SETITEM": lambda machine, _: machine._set(list(machine._last(2))),
    "SETITEMS": lambda machine, _: machine._set(machine._marked()),
    "BUILD": lambda machine, _: machine._stack.pop(),  # attributes of a dict: versions of modules
    "BINPUT": _Machine._put,
    "LONG_BINPUT": _Machine._put,
    "MEMOIZE": _Machine._memoize,
    "BINGET": _Machine._get,
    "LONG_BINGET": _Machine._get,
    "BINPERSID": _Machine._storage,
    "REDUCE": _Machine._reduce,
}
