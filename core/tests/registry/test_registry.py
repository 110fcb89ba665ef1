"""Finding specs by kind and name, and what a wrong name is told."""

from __future__ import annotations

import pytest

from traits_core import ConfigError


def test_an_unknown_name_is_answered_with_the_nearest_and_all_installed(site):
    site.offer("some", "kmeans", "random")
    with pytest.raises(ConfigError) as error:
        site.load().get("method", "kmeanz")
    assert str(error.value) == (
        "no method named 'kmeanz'. Did you mean 'kmeans'? Installed: kmeans, random."
    )


def test_an_unknown_name_is_answered_with_the_plugins_that_might_have_had_it(site):
    site.install("broken", "1 / 0")
    site.offer("off", "m")
    with pytest.raises(ConfigError) as error:
        site.load(TRAITS_DISABLE_PLUGINS="off").get("method", "m")
    assert str(error.value).splitlines() == [
        "no method named 'm'. Installed: none.",
        "  broken 1.0 (broken): ZeroDivisionError: division by zero",
        "  off 1.0 (disabled): named in TRAITS_DISABLE_PLUGINS",
    ]


def test_specs_of_a_kind_are_sorted_by_name_whoever_offers_them(site):
    site.offer("a", "z", "b")
    site.offer("z", "a")
    assert [spec.name for spec in site.load().specs("method")] == ["a", "b", "z"]


def test_the_owner_of_a_spec_is_the_plugin_that_offers_it(site):
    site.offer("one", "m")
    registry = site.load()
    assert registry.owner(registry.get("method", "m")).label == "one 1.0"
    assert registry.owner(registry.get("storage", "zarr")).distribution == "traits-core"
    assert len({registry.owner(spec) for spec in registry.specs("storage")}) == 1
