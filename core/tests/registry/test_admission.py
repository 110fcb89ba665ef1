"""Which plugins are imported at all: version ranges, TRAITS_DISABLE_PLUGINS, repeated entry points."""

from __future__ import annotations

import sys
from importlib.metadata import version

import pytest

from traits_core.registry.loader import load_registry
from traits_core.registry.plugins import Status

CORE = version("traits-core")


@pytest.mark.parametrize("requirement", ["traits-core>=99", "Traits_Core<0.1", "traits.core==7.*"])
def test_an_incompatible_plugin_is_never_imported(site, requirement):
    module = site.install("other", "raise RuntimeError", requires=("attrs", requirement))
    plugin = site.plugin("other")
    assert plugin.status == Status.INCOMPATIBLE
    assert plugin.reason.startswith("needs ")
    assert plugin.reason.endswith(f"and this is traits-core {CORE}")
    assert module not in sys.modules


@pytest.mark.parametrize(
    "requirement",
    [
        f"traits-core=={CORE}",
        "traits-core",
        "traits-core>=99; python_version < '3'",
        "traits-core[testing]>=99; extra == 'dev'",
        "another-core>=99",
    ],
)
def test_a_requirement_that_is_met_or_does_not_apply_admits(site, requirement):
    site.offer("other", "m", requires=(requirement,))
    assert site.plugin("other").status == Status.OK


def test_an_unreadable_requirement_is_a_reason_not_a_crash(site):
    module = site.install("other", "", requires=("traits-core >> 1",))
    plugin = site.plugin("other")
    assert plugin.status == Status.INCOMPATIBLE
    assert plugin.reason.startswith("unreadable requirement 'traits-core >> 1'")
    assert module not in sys.modules


@pytest.mark.parametrize(
    "listed", ["my-dist", "short", "my_dist", "MY.DIST", "absent, short ,", ",,short"]
)
def test_a_plugin_is_disabled_by_its_name_or_its_distribution(site, listed):
    module = site.offer("my-dist", "m", point="short")
    plugin = site.plugin("my-dist", TRAITS_DISABLE_PLUGINS=listed)
    assert plugin.status == Status.DISABLED
    assert plugin.reason == "named in TRAITS_DISABLE_PLUGINS"
    assert module not in sys.modules


@pytest.mark.parametrize("listed", ["", " ", ",", "my", "my-dist-2", "m"])
def test_other_names_disable_nothing(site, listed):
    site.offer("my-dist", "m", point="short")
    assert site.plugin("my-dist", TRAITS_DISABLE_PLUGINS=listed).status == Status.OK


def test_an_entry_point_that_is_found_twice_is_loaded_once(site):
    site.offer("one", "m")
    registry = load_registry({}, site.points() * 2)
    assert [plugin.distribution for plugin in registry.plugins] == ["traits-core", "one"]
    assert registry.get("method", "m").name == "m"


def test_the_order_of_discovery_does_not_matter(site):
    for distribution in ("b", "a", "c"):
        site.offer(distribution, f"m-{distribution}", "shared")
    points = site.points()
    assert load_registry({}, points) == load_registry({}, points[::-1])


def test_the_core_offers_its_own_storage_probe_and_nothing_broken():
    (own,) = load_registry({}, []).plugins
    assert (own.name, own.distribution, own.status) == ("builtin", "traits-core", Status.OK)
    assert {"storage", "probe"} <= {spec.kind for spec in own.specs}
