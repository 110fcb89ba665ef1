"""From raw option values to a frozen attrs object: strict, and every mistake reported at once.

Values from the command line are strings, values from files are typed; one converter takes both and
never guesses: 3.7 is no int, "yes" is no bool, unknown keys are refused.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import attrs
from cattrs import Converter, transform_error

from traits_core.config.fields import optional_type
from traits_core.errors import ConfigError
from traits_core.registry.plugins import suggest

T = TypeVar("T")


SHORT: Final = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 120


def _int(value: Any, _: type) -> int:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _expected("an integer", value)


def _float(value: Any, _: type) -> float:
    if not isinstance(value, bool) and isinstance(value, (int, float, str)):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise _expected("a finite number", value)


def _bool(value: Any, _: type) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise _expected("true or false", value)


def _str(value: Any, _: type) -> str:
    if isinstance(value, str):
        return value
    raise _expected("text", value)


def _path(value: Any, _: type) -> Path:
    if isinstance(value, str) and value:
        return Path(value).expanduser()
    raise _expected("a path", value)


def _literal(value: Any, kind: Any) -> Any:
    allowed = get_args(kind)
    for choice in allowed:
        if type(value) in (type(choice), str) and str(value) == str(choice):
            return choice
    raise ValueError(
        f"{SHORT.repr(value)} is not allowed; choose from {', '.join(map(str, allowed))}"
    )


def _optional(value: Any, kind: Any) -> Any:
    """`none` is None, because TOML has no null: an optional text cannot be the word itself."""
    if value is None or value == "none":
        return None
    return converter.structure(value, optional_type(kind))


def _tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    items = [item.strip() for item in value.split(",")] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise _expected("a list", value)
    types = get_args(kind)
    if types[-1] is Ellipsis:
        items = [] if value == "" else items
        types = types[:1] * len(items)
    if len(types) != len(items):
        raise _expected(f"{len(types)} values", value)
    return tuple(converter.structure(item, inner) for item, inner in zip(items, types, strict=True))


def _expected(what: str, value: Any) -> ValueError:
    return ValueError(f"expected {what}, got {SHORT.repr(value)}")


def _is(origin: Any) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


converter = Converter(forbid_extra_keys=True)
for _kind, _hook in ((int, _int), (float, _float), (bool, _bool), (str, _str), (Path, _path)):
    converter.register_structure_hook(_kind, _hook)
converter.register_unstructure_hook(Path, str)
converter.register_structure_hook_func(_is(Literal), _literal)
converter.register_structure_hook_func(_is(tuple), _tuple)
converter.register_structure_hook_func(lambda kind: optional_type(kind) is not None, _optional)


def structure(cls: type[T], raw: Mapping[str, Any], prefix: str = "") -> T:
    """Make a `cls` from raw values.

    Parameters
    ----------
    cls: an attrs class whose fields were declared with `option`
    raw: values by field name; `-` and `_` are the same
    prefix: how options are named in errors: `method.` makes `--method.n-clusters`

    Raises ConfigError with one line for each unknown key and each missing or ill-typed value.
    """
    fields = _fields(cls)
    given = {key.replace("-", "_"): value for key, value in raw.items()}
    problems = [_unknown(key, prefix, fields) for key in given if key not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in given:
            if field.default is attrs.NOTHING:
                problems.append(f"{flag(prefix, name)} is required: {field.metadata['help']}")
            continue
        try:
            assert field.type is not None
            values[name] = converter.structure(given[name], field.type)
            if field.validator is not None:
                field.validator(None, field, values[name])
        except Exception as error:  # validators of plugins may raise anything
            problems.append(f"{flag(prefix, name)}: {_reason(error, name)}")
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        return cls(**values)
    except Exception as error:  # a rule between fields, in __attrs_post_init__
        raise ConfigError(f"{flag(prefix, '*')}: {_reason(error, '')}") from error


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


def _fields(cls: Any) -> dict[str, attrs.Attribute[Any]]:
    return {field.name: field for field in attrs.fields(attrs.resolve_types(cls))}


def _unknown(key: str, prefix: str, fields: Mapping[str, Any]) -> str:
    names = [flag(prefix, name) for name in fields]
    hint = suggest(flag(prefix, key), names, prefix=f"--{prefix}")
    return f"no option {flag(prefix, key)}.{hint} Allowed: {', '.join(names) or 'none'}"


def _reason(error: Exception, name: str) -> str:
    """One line; attrs' validators begin with the field's name, which the option's name already says."""
    text = " ".join(str(error.args[0]).split()) if error.args else type(error).__name__
    return text.removeprefix(f"'{name}' ")
