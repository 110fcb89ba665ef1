"""Commands whose options depend on which plugins were named: built anew for each command line.

typer sees a function with a synthesised signature. Only its public API is used: it ships click
inside itself, and what is inside changes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import attrs
import typer

from traits_core.config.run_config import DEFAULTS, RawConfig, RunOptions, names_of
from traits_core.config.sources import merge, parse_set, read_config
from traits_core.registry.plugins import Registry

TYPE_NAMES: Final = {int: "INT", float: "FLOAT", str: "TEXT", Path: "PATH"}


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
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    generated = [
        _config_option(),
        *(_name_option(kind, registry) for kind in kinds),
        *_field_options("", RunOptions, "Run"),
        *(
            parameter
            for kind, spec in chosen.items()
            for parameter in _field_options(f"{kind}.", spec.config, f"{spec.name} ({kind})")
        ),
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
    """Merge file, `--set` pairs and options, low to high."""
    file = read_config(Path(given["config"])) if given["config"] else {}
    typed: dict[str, dict[str, Any]] = {}
    for key, value in given.items():
        if value is None or key in ("config", "set_"):
            continue
        section, separator, name = key.partition("__")
        if not separator:
            section, name = ("run", key) if key in attrs.fields_dict(RunOptions) else (key, "name")
        text = str(value).lower() if isinstance(value, bool) else value
        typed.setdefault(section, {})[name] = text
    return merge(file, parse_set(given["set_"] or []), typed)


def _peek(arguments: Sequence[str], kinds: tuple[str, ...]) -> RawConfig:
    """The plugin names in the words of a command line, before it is parsed."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    layers: list[RawConfig] = []
    sets = [pair for flag, pair in zip(arguments, arguments[1:], strict=False) if flag == "--set"]
    for word, value in zip(words, words[1:], strict=False):
        if word == "--config":
            layers.insert(0, read_config(Path(value)))
        elif word.startswith("--") and word[2:] in kinds:
            layers.append({word[2:]: {"name": value}})
    named = parse_set(pair for pair in sets if pair.partition("=")[0].endswith(".name"))
    files = layers[:1] if "--config" in words else []
    return merge(*files, named, *layers[len(files) :])


def _config_option() -> inspect.Parameter:
    return _parameter("config", "--config", "FILE", "TOML file, or the run.json of a run", None)


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
    names = ", ".join(spec.name for spec in registry.specs(kind)) or "none installed"
    default = DEFAULTS.get(kind, "the dataset's own" if kind == "backbone" else None)
    text = f"{names} [default: {default}]" if default else names
    return _parameter(kind, f"--{kind}", "NAME", text, "What to compose")


def _field_options(prefix: str, config: type, panel: str) -> list[inspect.Parameter]:
    """One parameter per attrs field; values stay strings until they are structured."""
    attrs.resolve_types(config)
    parameters = []
    for field in attrs.fields(config):
        name = f"{prefix.replace('.', '__')}{field.name}"
        flag = f"--{prefix}{field.name.replace('_', '-')}"
        text = field.metadata["help"] + _default(field.default)
        if field.type is bool:
            flag = f"{flag}/--{prefix}no-{field.name.replace('_', '-')}"
            parameters.append(_parameter(name, flag, None, text, panel, kind=bool))
        else:
            parameters.append(_parameter(name, flag, _metavar(field.type), text, panel))
    return parameters


def _parameter(
    name: str,
    flag: str,
    metavar: str | None,
    text: str,
    panel: str | None,
    kind: type = str,
) -> inspect.Parameter:
    option = typer.Option(flag, metavar=metavar, help=text, rich_help_panel=panel)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def _default(default: Any) -> str:
    if default is attrs.NOTHING:
        return " [required]"
    if default is None or isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        return ""
    shown = str(default).lower() if isinstance(default, bool) else default
    return f" [default: {shown}]"


def _metavar(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        return f"{_metavar(get_args(kind)[0])},..."
    inner = [arg for arg in get_args(kind) if arg is not type(None)]
    return TYPE_NAMES.get(inner[0] if inner else kind, "VALUE")

