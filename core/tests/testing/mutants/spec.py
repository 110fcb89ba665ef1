"""Specs and configs that are wrong, whatever their kind."""

from __future__ import annotations

import attrs
from attrs.validators import ge

from mutants import mutate
from traits_core import option


@attrs.frozen
class TwoLinesOfHelp:
    n: int = option(3, help="number\nof things")


@attrs.frozen
class BadDefault:
    n: int = option(0, help="number of things", validator=ge(1))


@attrs.frozen
class Required:
    n: int = option(help="number of things")


@attrs.define
class CanBeChanged:
    n: int = option(3, help="number of things")


@attrs.frozen(eq=False)
class NeverEqual:
    n: int = option(3, help="number of things")


@attrs.frozen
class HoldsAList:
    sizes: tuple[int, ...] = attrs.field(
        default=(1, 2), converter=list, metadata={"help": "sizes of layers"}
    )


@attrs.frozen
class Doubles:
    n: int = attrs.field(default=3, converter=lambda n: 2 * n, metadata={"help": "half of it"})


@attrs.frozen
class NamesNoOption:
    n: int = option(3, help="number of things")
    m: int = option(3, help="number of other things", validator=ge(1))

    def __attrs_post_init__(self) -> None:
        if self.n < 1:
            raise ValueError("must be positive")


@attrs.frozen
class AcceptsAnything:
    n_prototypes: int = option(3, help="number of prototypes")
    max_epochs: int = option(2, help="passes", validator=ge(1))


class NoLoad:
    """A scorer that can be saved only."""


def wrong(check, says, name, **changes):
    if "config" in changes:
        changes.setdefault("example", {})
    mutate(check, says, "method", name, **changes)


wrong("check_import_is_light", "numpy", "Heavy", plugin={"module": "mutants.heavy_module"})
wrong("check_import_is_light", "No module", "Nowhere", plugin={"module": "mutants.nowhere:x"})
wrong(
    "check_factory_can_be_imported",
    "mutants.spec:Missing",
    "Missing",
    factory="mutants.spec:Missing",
)
wrong("check_factory_can_be_imported", "not callable", "Value", factory="mutants:RANGE")
wrong("check_factory_can_be_imported", "no `load", "NoLoad", scorer="mutants.spec:NoLoad")
wrong("check_version_range", "upper bound", "Unbounded", requires=("traits-core>=0.1",))
wrong("check_version_range", "nothing", "NoRequirement", requires=())
wrong("check_tags_are_known", "Did you mean 'deterministic'", "Typo", tags={"determinstic"})
wrong("check_option_help", "one line", "TwoLinesOfHelp", config=TwoLinesOfHelp)
wrong("check_defaults_are_valid", "must be >= 1", "BadDefault", config=BadDefault)
wrong("check_defaults_are_valid", "no value in the example: n", "Required", config=Required)
wrong("check_example_is_valid", "no option", "UnknownKey", example={"n_prototype": 3})
wrong("check_example_is_valid", "n-prototypes", "BadExample", example={"n_prototypes": 0})
wrong("check_config_is_a_value", "cannot be hashed", "CanBeChanged", config=CanBeChanged)
wrong("check_config_is_a_value", "not equal", "NeverEqual", config=NeverEqual)
wrong("check_config_is_a_value", "cannot be hashed", "HoldsAList", config=HoldsAList)
wrong("check_config_round_trip", "as another", "Doubles", config=Doubles)
wrong("check_bad_value_names_the_option", "does not name", "NamesNoOption", config=NamesNoOption)
wrong("check_bad_value_names_the_option", "validator", "AcceptsAnything", config=AcceptsAnything)
