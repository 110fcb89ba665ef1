"""Whatever one plugin does, the others offer what they offered before, and its reason is told."""

from __future__ import annotations

import itertools
import re
import sys

import pytest

from traits_core.registry.plugins import Status

BROKEN = {
    "import-error": ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_"),
    "syntax-error": ("def (", "SyntaxError: invalid syntax"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "base-exception": ("raise BaseException('gone')", "BaseException: gone"),
    "silent-error": ("raise ValueError", "ValueError"),
    "long-error": ("raise ValueError('a\\nb ' * 999)", r"ValueError: a b a b .* \.\.\.$"),
    "no-hooks": ("x = 1", "offers nothing: mark its hooks with @traits_core.hookimpl"),
    "forgot-the-mark": ("def traits_methods(): return [method('m')]", "offers nothing"),
    "returns-none": (
        "@hookimpl\ndef traits_methods(): pass",
        r"traits_methods\(\) must return a l",
    ),
    "returns-names": (
        "@hookimpl\ndef traits_methods(): return ['m']",
        r"traits_methods\(\) must return MethodSpec objects, got 'm'",
    ),
    "wrong-kind": (
        "@hookimpl\ndef traits_datasets(): return [method('m')]",
        r"traits_datasets\(\) must return DatasetSpec objects, got MethodSpec",
    ),
    "raises": ("@hookimpl\ndef traits_methods(): 1 / 0", "ZeroDivisionError: division by zero"),
    "half-raises": (
        (
            "@hookimpl\ndef traits_methods(): return [method('m')]\n"
            "@hookimpl\ndef traits_storages(): raise KeyError('late')"
        ),
        "KeyError: 'late'",
    ),
    "typo": (
        "@hookimpl\ndef traits_metods(): return [method('m')]",
        r"no hook 'traits_metods'\. Did you mean 'traits_methods'\? Allowed: traits_methods, ",
    ),
    "takes-arguments": (
        (
            "@hookimpl\ndef traits_datasets(): return []\n"
            "@hookimpl\ndef traits_methods(config): return []"
        ),
        r"PluginValidationError: .*Argument\(s\) \{'config'\} are declared",
    ),
    "offers-twice": (
        "@hookimpl\ndef traits_methods(): return [method('m'), method('m')]",
        "offers method 'm' twice",
    ),
}


@pytest.mark.parametrize("distribution", BROKEN)
def test_a_broken_plugin_says_why_in_one_line(site, offer, distribution):
    source, reason = BROKEN[distribution]
    site.install(distribution, offer + source)
    plugin = site.plugin(distribution)
    assert plugin.status == Status.BROKEN
    assert re.match(reason, plugin.reason)
    assert "\n" not in plugin.reason
    assert len(plugin.reason) <= 500
    assert plugin.specs == ()


@pytest.mark.parametrize("distribution", BROKEN)
def test_a_broken_plugin_takes_nothing_from_those_before_and_after_it(site, offer, distribution):
    site.offer("aa-first", "first")
    site.offer("zz-last", "last")
    alone = site.load().specs("method")
    site.install(distribution, offer + BROKEN[distribution][0])
    registry = site.load()
    assert registry.specs("method") == alone
    assert [spec.name for spec in alone] == ["first", "last"]
    assert [plugin.status for plugin in registry.plugins].count(Status.BROKEN) == 1


def test_what_a_plugin_offers_is_the_same_beside_every_set_of_others(site, offer):
    site.offer("good-one", "one", "uno")
    site.offer("good-two", "two")
    for distribution in ("exits", "typo", "takes-arguments", "half-raises"):
        site.install(distribution, offer + BROKEN[distribution][0])
    site.install("too-new", "raise SystemExit", requires=("traits-core>=99",))
    everything = {plugin.distribution: plugin for plugin in site.load().plugins}
    names = sorted(set(everything) - {"traits-core"})
    assert len(names) == 7
    for size in range(len(names)):
        for disabled in itertools.combinations(names, size):
            for plugin in site.load(TRAITS_DISABLE_PLUGINS=",".join(disabled)).plugins:
                if plugin.distribution in disabled:
                    assert plugin.status == Status.DISABLED
                else:
                    assert plugin == everything[plugin.distribution]


def test_an_interruption_at_import_is_not_swallowed(site):
    site.install("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        site.load()


def test_what_a_plugin_prints_at_import_never_reaches_stdout(site, capsys):
    site.offer("chatty", "m")
    source = site.root / "chatty" / "__init__.py"
    source.write_text(source.read_text() + "print('hello')")
    assert site.plugin("chatty").status == Status.OK
    assert capsys.readouterr() == ("", "hello\n")


def test_a_distribution_that_lost_its_metadata_is_still_listed(site):
    site.offer("half-removed", "m")
    (site.root / "half_removed-1.0.dist-info" / "METADATA").unlink()
    plugin = site.plugin("unknown")
    assert (plugin.name, plugin.version, plugin.status) == ("half-removed", "unknown", Status.OK)


def test_a_factory_is_not_imported_before_it_is_used(site, offer):
    hook = "@hookimpl\ndef traits_methods(): return [method('m', factory='lazy.code:Absent')]\n"
    site.install("lazy", offer + hook)
    (site.root / "lazy" / "code.py").write_text("")
    spec = site.load().get("method", "m")
    assert "lazy.code" not in sys.modules
    with pytest.raises(Exception, match=r"^method 'm': cannot import 'lazy.code:Absent': Attrib"):
        spec.load()
    assert "lazy.code" in sys.modules
