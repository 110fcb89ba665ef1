"""From raw option values to a frozen attrs object: strict, and every mistake reported at once.

Values from the command line are strings, values from files are typed; one converter takes both and
never guesses: 3.7 is no int, "yes" is no bool, unknown keys are refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import attrs
from cattrs import Converter, transform_error

from traits_core.errors import ConfigError
from traits_core.registry.plugins import suggest

T = TypeVar("T")


def _int(value: Any, _: type) -> int:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"expected an integer, got {value!r}")


def _float(value: Any, _: type) -> float:
    if not isinstance(value, bool) and isinstance(value, (int, float, str)):
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    raise ValueError(f"expected a finite number, got {value!r}")


def _bool(value: Any, _: type) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError(f"expected true or false, got {value!r}")


def _str(value: Any, _: type) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"expected text, got {value!r}")


def _path(value: Any, _: type) -> Path:
    return Path(_str(value, str)).expanduser()


def _literal(value: Any, kind: Any) -> Any:
    allowed = get_args(kind)
    for choice in allowed:
        if value == choice or (isinstance(value, str) and value == str(choice)):
            return choice
    raise ValueError(f"{value!r} is not allowed; choose from {', '.join(map(str, allowed))}")


def _optional(value: Any, kind: Any) -> Any:
    (inner,) = (arg for arg in get_args(kind) if arg is not type(None))
    return None if value is None or value == "none" else converter.structure(value, inner)


def _tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    items = [part for part in value.split(",") if part] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise TypeError(f"expected a list, got {value!r}")
    types = get_args(kind)
    if types[-1] is Ellipsis:
        types = types[:1] * len(items)
    if len(types) != len(items):
        raise ValueError(f"expected {len(types)} values, got {value!r}")
    return tuple(
        converter.structure(item, inner) for item, inner in zip(items, types, strict=True)
    )


def _is_optional(kind: Any) -> bool:
    return type(None) in get_args(kind) and len(get_args(kind)) == 2


converter = Converter(forbid_extra_keys=True)
for _kind, _hook in ((int, _int), (float, _float), (bool, _bool), (str, _str), (Path, _path)):
    converter.register_structure_hook(_kind, _hook)
converter.register_unstructure_hook(Path, str)
converter.register_structure_hook_func(lambda kind: get_origin(kind) is Literal, _literal)
converter.register_structure_hook_func(lambda kind: get_origin(kind) is tuple, _tuple)
converter.register_structure_hook_func(_is_optional, _optional)


def structure(cls: type[T], raw: Mapping[str, Any], prefix: str = "") -> T:
    """Make a `cls` from raw values.

    Parameters
    ----------
    cls: an attrs class whose fields were declared with `option`
    raw: values by field name; `-` and `_` are the same
    prefix: how options are named in errors: `method.` makes `--method.n-clusters`

    Raises ConfigError with one line for each unknown key and each missing or ill-typed value.
    """
    attrs.resolve_types(cls)
    fields = {field.name: field for field in attrs.fields(cls)}
    given = {key.replace("-", "_"): value for key, value in raw.items()}
    problems = [_unknown(key, prefix, fields) for key in given if key not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in given:
            if field.default is attrs.NOTHING:
                problems.append(f"{flag(prefix, name)} is required: {field.metadata['help']}")
            continue
        try:
            values[name] = converter.structure(given[name], field.type)
            if field.validator is not None:
                field.validator(None, field, values[name])
        except Exception as error:  # noqa: BLE001  # validators of plugins may raise anything
            problems.append(f"{flag(prefix, name)}: {_reason(error, name)}")
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        return cls(**values)
    except Exception as error:  # a rule between fields, in __attrs_post_init__
        raise ConfigError(f"--{prefix}*: {error}") from error


def structure_record(cls: type[T], raw: Any) -> T:
    """Make an attrs object from the JSON that `unstructure` made of it.

    Raises ValueError in one line for unknown, missing or ill-typed values.
    """
    try:
        return converter.structure(raw, cls)
    except Exception as error:  # cattrs raises groups, and whatever a hook raises
        raise ValueError("; ".join(transform_error(error))) from error


def flag(prefix: str, name: str) -> str:
    """How an option is typed on the command line."""
    return f"--{prefix}{name.replace('_', '-')}"


def unstructure(value: Any) -> dict[str, Any]:
    """The plain JSON values of an attrs object; `structure` reads them back."""
    plain: dict[str, Any] = converter.unstructure(value)
    return plain


def _unknown(key: str, prefix: str, fields: Mapping[str, Any]) -> str:
    names = [flag(prefix, name) for name in fields]
    hint = suggest(flag(prefix, key), names)
    return f"no option {flag(prefix, key)}.{hint} Allowed: {', '.join(names) or 'none'}"


def _reason(error: Exception, name: str) -> str:
    """attrs' validators begin with the field's name, which the option's name already says."""
    text = str(error.args[0]) if error.args else type(error).__name__
    return text.removeprefix(f"'{name}' ")
