"""Commands whose options depend on which plugins were named: built anew for each command line.

typer sees a function with a synthesised signature. Only its public API is used: it ships click
inside itself, and what is inside changes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import attrs
import typer

from traits_core.config.fields import optional_type
from traits_core.config.run_config import DEFAULTS, RawConfig, RunOptions, kind_of, names_of
from traits_core.config.sources import merge, parse_set, read_config
from traits_core.registry.plugins import Registry

TYPE_NAMES: Final = {
    int: "INT",
    float: "FLOAT",
    str: "TEXT",
    Path: "PATH",
    bool: "true|false",
}


def dynamic_command(
    function: Callable[..., None],
    kinds: tuple[str, ...],
    registry: Registry,
    arguments: Sequence[str],
) -> Callable[..., None]:
    """Give `function(raw, **own)` the options of the plugins that `arguments` name.

    Parameters
    ----------
    function: takes the merged raw configuration first, then its own typer parameters
    kinds: the kinds of plugin objects that the command composes
    registry: the installed plugins
    arguments: the words of the command line, to see which plugins are meant
    """
    chosen = names_of(_peek(arguments, kinds), registry, kinds)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    ]
    generated = [
        _config_option(),
        *(_name_option(kind, registry) for kind in kinds),
        *(
            parameter
            for kind, spec in chosen.items()
            for parameter in _field_options(f"{kind}.", spec.config)
        ),
        *_field_options("", RunOptions),
        _set_option(),
    ]
    keys = {parameter.name for parameter in generated}

    def command(**values: Any) -> None:
        given = {key: values.pop(key) for key in list(values) if key in keys}
        function(_raw_config(given), **values)

    command.__doc__ = function.__doc__
    command.__signature__ = inspect.Signature([*generated, *own])  # type: ignore[attr-defined]  # read by typer
    command.__annotations__ = {p.name: p.annotation for p in [*generated, *own]}
    return command


def _raw_config(given: Mapping[str, Any]) -> RawConfig:
    """Merge file, `--set` pairs and options, low to high; the last two are one command line."""
    file = {} if given["config"] is None else read_config(Path(given["config"]))
    typed: dict[str, dict[str, Any]] = {}
    for key, value in given.items():
        if value is None or key in ("config", "set_"):
            continue
        section, separator, name = key.partition("__")
        if not separator:
            section, name = ("run", key) if key in attrs.fields_dict(RunOptions) else (key, "name")
        text = str(value).lower() if isinstance(value, bool) else value
        typed.setdefault(section, {})[name] = text
    return merge(file, merge(parse_set(given["set_"] or []), typed))


def _peek(arguments: Sequence[str], kinds: tuple[str, ...]) -> RawConfig:
    """The plugin names in the words of a command line, before it is parsed."""
    file: RawConfig = {}
    pairs: list[str] = []
    typed: dict[str, dict[str, Any]] = {}
    for flag, value in _flags(arguments):
        if flag == "--config":
            file = read_config(Path(value))
        elif flag == "--set" and value.partition("=")[0].endswith(".name"):
            pairs.append(value)
        elif flag.removeprefix("--") in kinds:
            typed[flag.removeprefix("--")] = {"name": value}
    return merge(file, merge(parse_set(pairs), typed))


def _flags(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each `--flag value` and `--flag=value`."""
    for word, following in zip_longest(arguments, arguments[1:]):
        flag, equals, value = word.partition("=")
        if word.startswith("--") and (equals or following is not None):
            yield flag, value if equals else following


def _config_option() -> inspect.Parameter:
    return _parameter("config", "--config", "FILE", "TOML file, or the run.json of a run")


def _set_option() -> inspect.Parameter:
    annotation = Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.OPTION=VALUE",
            help="set one option by its path, e.g. method.n_clusters=64; may be repeated",
        ),
    ]
    return inspect.Parameter(
        "set_", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _name_option(kind: str, registry: Registry) -> inspect.Parameter:
    names = ", ".join(spec.name for spec in registry.specs(kind_of(kind))) or "none installed"
    default = DEFAULTS.get(kind, "the dataset's own" if kind == "backbone" else None)
    text = f"{names} [default: {default}]" if default else names
    return _parameter(kind, f"--{kind}", "NAME", text)


def _field_options(prefix: str, config: type) -> list[inspect.Parameter]:
    """One parameter per attrs field; values stay strings until they are structured."""
    attrs.resolve_types(config)
    parameters = []
    for field in attrs.fields(config):
        name = f"{prefix.replace('.', '__')}{field.name}"
        flag = f"--{prefix}{field.name.replace('_', '-')}"
        text = field.metadata["help"] + _default(field.default)
        if field.type is bool:
            flag = f"{flag}/--{prefix}no-{field.name.replace('_', '-')}"
            parameters.append(_parameter(name, flag, None, text, bool))
        else:
            parameters.append(_parameter(name, flag, _metavar(field.type), text))
    return parameters


def _parameter(
    name: str, flag: str, metavar: str | None, text: str, kind: type = str
) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, typer.Option(flag, metavar=metavar, help=text)],
    )


def _default(default: Any) -> str:
    """As it would be typed."""
    if default is attrs.NOTHING:
        return " [required]"
    if default in (None, ()) or isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        return ""
    if isinstance(default, bool):
        default = str(default).lower()
    elif isinstance(default, tuple):
        default = ",".join(map(str, default))
    return f" [default: {default}]"


def _metavar(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        items = get_args(kind)
        return ",".join("..." if item is Ellipsis else _metavar(item) for item in items)
    return TYPE_NAMES.get(kind) or _metavar(optional_type(kind))
