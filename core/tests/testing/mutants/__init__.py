"""Plugin objects that are wrong in one point each, and the check that must say so."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

import attrs

from traits_core.registry.loader import load_registry
from traits_core.registry.plugins import Registry
from traits_core.testing.case import Case, find_cases

GOOD = load_registry({}, [EntryPoint("good", "good_plugin", "traits.plugins")])
RANGE = ("attrs>=24", "traits-core>=0.1,<0.2")


@attrs.frozen(kw_only=True)
class Mutant:
    """`check` must fail for `case`, with `says` in its reason."""

    name: str
    check: str
    says: str
    case: Case


MUTANTS: list[Mutant] = []


def good_cases() -> list[Case]:
    """One case of each kind."""
    return [attrs.evolve(case, requires=RANGE) for case in find_cases(GOOD, "good")]


def mutate(
    check: str,
    says: str,
    kind: str,
    name: str,
    plugin: dict[str, Any] | None = None,
    **changes: Any,
) -> Mutant:
    """The good object of a kind with some fields of its spec, case or plugin changed."""
    good = next(case for case in good_cases() if case.spec.kind == kind)
    requires = changes.pop("requires", good.requires)
    spec = attrs.evolve(good.spec, **changes)
    its_plugin = attrs.evolve(good.plugin, specs=(spec,), **(plugin or {}))
    others = tuple(
        attrs.evolve(p, specs=tuple(s for s in p.specs if s.kind != kind)) for p in GOOD.plugins
    )
    registry = Registry((its_plugin, *others))
    case = Case(spec=spec, plugin=its_plugin, registry=registry, requires=requires)
    mutant = Mutant(name=name, check=check, says=says, case=case)
    MUTANTS.append(mutant)
    return mutant


def breaks(check: str, says: str, **changes: Any) -> Callable[[type], type]:
    """Register a class as the factory of a mutant; its module is called as its kind is."""

    def register(cls: type) -> type:
        kind = cls.__module__.rpartition(".")[2]
        factory = f"{cls.__module__}:{cls.__name__}"
        mutate(check, says, kind, cls.__name__, factory=factory, **changes)
        return cls

    return register


def breaks_as_scorer(check: str, says: str) -> Callable[[type], type]:
    """Register a class as the scorer of the good method."""
    from good_plugin.method import GoodMethod  # torch: trackers run without it

    def register(cls: type) -> type:
        method = type(f"MethodOf{cls.__name__}", (GoodMethod,), {"scorer_class": cls})
        setattr(sys.modules[cls.__module__], method.__name__, method)
        names = {
            "factory": f"{cls.__module__}:{method.__name__}",
            "scorer": f"{cls.__module__}:{cls.__name__}",
        }
        mutate(check, says, "method", cls.__name__, **names)
        return cls

    return register
