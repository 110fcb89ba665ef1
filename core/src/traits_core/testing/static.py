"""What every spec must keep, whatever its kind: a light module, options that can be typed, a range.

Names, summaries, types of options and missing help texts need no check: a spec with a bad one cannot
be made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal, get_args, get_origin

import attrs
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from traits_core.config.run_config import Choice, digest_of
from traits_core.config.structure import flag, structure
from traits_core.errors import ConfigError, TraitsError
from traits_core.registry.plugins import suggest
from traits_core.specs import MethodSpec
from traits_core.testing.case import Case, Check
from traits_core.testing.expect import NotApplicable, expect, fail, one_line
from traits_core.testing.fresh import run_fresh

CORE: Final = "traits-core"
HEAVY: Final = ("torch", "numpy", "zarr", "wandb", "sklearn", "PIL", "transformers")
TAGS: Final = ("assigns-rows", "deterministic", "unchecked-reads")
UPPER_BOUNDS: Final = ("<", "<=", "==", "~=")
_IMPORT: Final = """
import importlib
importlib.import_module(given["module"])
print(json.dumps([name for name in given["heavy"] if name in sys.modules]))
"""


def check_import_is_light(case: Case) -> None:
    """Importing the entry point's module imports no heavy library: `traits --help` stays fast."""
    module = case.plugin.module.partition(":")[0]
    found = run_fresh(_IMPORT, module=module, heavy=HEAVY)
    expect(
        not found,
        f"importing {module} imports {', '.join(found)}: name the code in `factory`, as text, and "
        "import heavy libraries in that module only",
    )


def check_factory_can_be_imported(case: Case) -> None:
    """`factory` (and `scorer` of a method) names something that can be called."""
    expect(callable(case.spec.load()), f"factory {case.spec.factory!r} is not callable")
    if isinstance(case.spec, MethodSpec):
        loader = getattr(case.spec.load_scorer_class(), "load", None)
        expect(callable(loader), f"scorer {case.spec.scorer!r} has no `load(directory, device)`")


def check_version_range(case: Case) -> None:
    """The metadata says which versions of traits-core it works with, up to which one."""
    if case.plugin.distribution == CORE:
        raise NotApplicable("part of traits-core itself")
    wanted = [Requirement(line) for line in case.requires]
    ranges = [each.specifier for each in wanted if canonicalize_name(each.name) == CORE]
    expect(
        any(bound.operator in UPPER_BOUNDS for specifiers in ranges for bound in specifiers),
        f"{case.plugin.distribution} must depend on a range of {CORE} with an upper bound, e.g. "
        f"'{CORE}>=0.1,<0.2'; its metadata says {', '.join(map(str, case.requires)) or 'nothing'}",
    )


def check_tags_are_known(case: Case) -> None:
    """No tag is misspelt: one that nobody knows changes nothing, without a word."""
    for tag in sorted(case.spec.tags):
        expect(tag in TAGS, f"nobody knows the tag {tag!r}.{suggest(tag, TAGS)} {', '.join(TAGS)}")


def check_option_help(case: Case) -> None:
    """Each help text is one line."""
    for field in attrs.fields(case.spec.config):
        text = field.metadata.get("help")
        one = isinstance(text, str) and text.strip() and "\n" not in text
        expect(one, f"help of option {field.name!r} must be one line of text: {text!r}")


def check_defaults_are_valid(case: Case) -> None:
    """The defaults pass the config's own validators; required options are in the spec's example."""
    required = [f.name for f in attrs.fields(case.spec.config) if f.default is attrs.NOTHING]
    missing = [name for name in required if name not in case.spec.example]
    expect(not missing, f"required options have no value in the example: {', '.join(missing)}")
    given = {name: case.spec.example[name] for name in required}
    try:
        structure(case.spec.config, given)
    except ConfigError as error:
        fail(f"the defaults are refused: {error}")


def check_example_is_valid(case: Case) -> None:
    """The spec's example is a valid configuration."""
    try:
        case.options()
    except ConfigError as error:
        fail(f"the example is refused: {error}")


def check_config_is_a_value(case: Case) -> None:
    """A config cannot be changed; two with equal values are equal and have one hash."""
    options, twin = case.options(), case.options()
    expect(options == twin, "two configs with equal values are not equal: use attrs.frozen")
    try:
        expect(hash(options) == hash(twin), "two configs with equal values have different hashes")
    except TypeError as error:
        fail(f"the config cannot be hashed ({error}): use attrs.frozen, and tuples for lists")
    for field in attrs.fields(case.spec.config):
        try:
            setattr(options, field.name, getattr(options, field.name))
        except attrs.exceptions.FrozenInstanceError:
            continue
        fail(f"option {field.name!r} of a config can be changed: use attrs.frozen")


def check_config_round_trip(case: Case) -> None:
    """A config, written to a run's JSON and read back, is the same config with the same digest."""
    options = case.options()
    plain = Choice(case.spec, options).to_json()
    read = json.loads(json.dumps(plain))
    del read["name"]
    again: Any = structure(case.spec.config, read)
    expect(again == options, f"a config comes back from JSON as another: {options} and {again}")
    digest = digest_of(Choice(case.spec, again).to_json())
    expect(digest == digest_of(plain), f"the digest of {options} changes when it is read back")


def check_bad_value_names_the_option(case: Case) -> None:
    """A senseless value is refused by the config, in words that name its option, or does no harm."""
    prefix = f"{case.spec.kind}."
    for name, value in _bad_values(case.spec.config):
        try:
            options: Any = structure(case.spec.config, {**case.spec.example, name: value}, prefix)
        except ConfigError as error:
            named = flag(prefix, name) in str(error) or name in str(error)
            expect(named, f"{flag(prefix, name)} {value!r}: the error does not name it: {error}")
            continue
        try:
            case.build(options)
        except (TraitsError, NotApplicable):
            continue
        except Exception as error:  # a factory may raise anything
            fail(
                f"{flag(prefix, name)} {value!r} passes the config, and the factory then raises "
                f"{one_line(error)}: give the option a validator"
            )


def _bad_values(config: type) -> Iterator[tuple[str, object]]:
    """Words for numbers and choices, and numbers far below zero; a config may accept the latter."""
    for field in attrs.fields(attrs.resolve_types(config)):
        kinds = {field.type, *get_args(field.type)}
        if kinds & {int, float} and get_origin(field.type) is not tuple:
            yield field.name, -(10**9)
        if kinds & {int, float, bool} or get_origin(field.type) is Literal:
            yield field.name, "no such value"


CHECKS: Final[tuple[Check, ...]] = (
    check_import_is_light,
    check_factory_can_be_imported,
    check_version_range,
    check_tags_are_known,
    check_option_help,
    check_defaults_are_valid,
    check_example_is_valid,
    check_config_is_a_value,
    check_config_round_trip,
    check_bad_value_names_the_option,
)
