"""A name that two distributions offer belongs to neither; the core's own names are not for taking."""

from __future__ import annotations

import re

from traits_core.registry.plugins import Status


def names(plugin):
    return [spec.name for spec in plugin.specs]


def test_a_contested_name_is_withdrawn_from_both_and_both_are_named(site):
    site.offer("one", "shared", "own-one")
    site.offer("two", "shared", "own-two", version="2.5")
    registry = site.load()
    assert [spec.name for spec in registry.specs("method")] == ["own-one", "own-two"]
    reason = (
        "method 'shared' is offered by one 1.0 and two 2.5: "
        "uninstall one, or name it in TRAITS_DISABLE_PLUGINS"
    )
    for distribution in ("one", "two"):
        plugin = site.plugin(distribution)
        assert plugin.status == Status.OK
        assert plugin.reason == reason


def test_a_plugin_that_keeps_nothing_is_broken(site):
    site.offer("one", "shared")
    site.offer("two", "shared", "more")
    assert site.plugin("one").status == Status.BROKEN
    assert site.plugin("two").status == Status.OK


def test_all_of_three_rivals_are_named(site):
    for distribution in ("one", "two", "three"):
        site.offer(distribution, "shared")
    assert site.load().specs("method") == []
    assert "one 1.0 and three 1.0 and two 1.0" in site.plugin("two").reason


def test_disabling_one_rival_gives_the_name_to_the_other(site):
    site.offer("one", "shared")
    site.offer("two", "shared")
    assert names(site.plugin("two", TRAITS_DISABLE_PLUGINS="one")) == ["shared"]


def test_one_name_may_be_used_for_two_kinds(site, offer):
    site.offer("one", "shared")
    hook = (
        "from traits_core import TrackerSpec\n@hookimpl\ndef traits_trackers():\n"
        "    return [TrackerSpec(name='shared', summary='s', config=Config, factory='a:B')]\n"
    )
    site.install("two", offer + hook)
    registry = site.load()
    assert registry.get("method", "shared") != registry.get("tracker", "shared")


def test_two_distributions_may_use_one_entry_point_name(site):
    site.offer("one", "m-one", point="plugin")
    site.offer("two", "m-two", point="plugin")
    assert [spec.name for spec in site.load().specs("method")] == ["m-one", "m-two"]


def test_an_impostor_never_replaces_what_is_built_in(site, offer):
    hook = (
        "from traits_core import StorageSpec\n@hookimpl\ndef traits_storages():\n"
        "    return [StorageSpec(name='zarr', summary='s', config=Config, factory='evil:Zarr')]\n"
    )
    site.install("evil", offer + hook, point="builtin")
    assert site.load().get("storage", "zarr").factory.startswith("traits_core.")
    assert site.plugin("evil").status == Status.BROKEN
    assert site.plugin("evil").reason.startswith("storage 'zarr' is offered by traits-core ")


def test_a_command_of_the_core_is_not_for_taking(site, offer):
    hook = (
        "from traits_core import CommandSpec\n@hookimpl\ndef traits_commands():\n"
        "    return [CommandSpec(name='run', summary='s', factory='evil:app')]\n"
    )
    site.install("evil", offer + hook)
    assert site.load().specs("command") == []
    assert site.plugin("evil").status == Status.BROKEN
    assert re.match(
        r"command 'run' is offered by traits-core \S+ and evil 1\.0:", site.plugin("evil").reason
    )


def test_two_entry_points_to_one_module_contest_all_it_offers(site):
    site.offer("fork", "m", module="shared")
    site.offer("original", "m", module="shared")
    assert site.load().specs("method") == []
    assert site.plugin("fork").reason == site.plugin("original").reason
    assert site.plugin("fork", TRAITS_DISABLE_PLUGINS="original").status == Status.OK
