"""A spec that is wrong cannot be made, and says in one line what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Optional

import attrs
import pytest

from traits_core import DatasetSpec, MethodSpec, PluginError, option


@attrs.frozen
class Empty:
    """No options."""


GOOD = {
    "name": "my-method2",
    "summary": "what it does",
    "config": Empty,
    "factory": "package.module:Class",
    "scorer": "package:Class",
}


def config_with(kind, name="value", text="a help text"):
    return attrs.make_class(
        "Config", {name: attrs.field(default=None, type=kind, metadata={"help": text})}
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        *(
            ("name", name, f"method name {name!r} must be lower-case words joined by '-'")
            for name in ("", "K", "k_means", "-k", "k-", "k--m", "1k", "k m", "k\n", "ü", None, 5)
        ),
        *(
            ("summary", text, "summary must be one line without a full stop")
            for text in ("", "Ends.", "two\nlines", None)
        ),
        *(
            ("factory", path, "factory must read 'package.module:Class'")
            for path in ("", "package.module", ":C", "m:", "m:C.d", "1m:C", "m:C()", "m C:D", None)
        ),
        ("scorer", "nowhere", "scorer must read 'package.module:Class'"),
        ("config", dict, "config must be an attrs class"),
        ("config", Empty(), "config must be an attrs class"),
        ("config", config_with(int, text=""), "option 'value' has no help text"),
        ("config", config_with(int, "name"), "option 'name' must have another name"),
        ("config", config_with(int, "_hidden"), "option '_hidden' must have another name"),
        ("config", config_with(int, "nClusters"), "option 'nClusters' must have another name"),
        *(
            ("config", config_with(kind), "option 'value' has type ")
            for kind in (
                dict,
                list[int],
                tuple,
                object,
                int | str,
                int | str | None,
                tuple[tuple[int, ...], ...],
                Literal[1.5],
                Literal[None, "a"],
                None,
            )
        ),
    ],
)
def test_a_wrong_spec_is_refused(field, value, message):
    with pytest.raises(PluginError) as error:
        MethodSpec(**{**GOOD, field: value})
    assert message in str(error.value)
    assert "\n" not in str(error.value).replace(repr(value), "")


@pytest.mark.parametrize(
    "kind",
    [
        int,
        float,
        bool,
        str,
        Path,
        Literal["a", 1],
        int | None,
        Optional[Path],  # noqa: UP045  # plugins may write it so
        Literal["a"] | None,
        tuple[int, ...],
        tuple[int, str, float],
        tuple[Literal["a", "b"], ...] | None,
    ],
)
def test_every_documented_type_of_option_is_accepted(kind):
    assert MethodSpec(**{**GOOD, "config": config_with(kind)}).config


def test_a_good_spec_is_a_value_that_can_be_hashed_and_compared():
    spec = MethodSpec(**GOOD, example={"n": 1}, tags={"deterministic"})
    assert spec == MethodSpec(**GOOD, example={"n": 1}, tags=["deterministic"])
    assert hash(spec) == hash(MethodSpec(**GOOD, example={"n": 1}, tags=["deterministic"]))
    assert spec != MethodSpec(**GOOD, example={"n": 2}, tags={"deterministic"})
    assert spec.kind == "method"


def test_a_dataset_names_its_backbone():
    values = {key: value for key, value in GOOD.items() if key != "scorer"}
    assert DatasetSpec(**values, backbone="pixels").backbone == "pixels"
    with pytest.raises(PluginError, match="dataset name 'Not A Name'"):
        DatasetSpec(**values, backbone="Not A Name")


def test_the_public_way_to_declare_an_option_carries_its_help():
    @attrs.frozen
    class Config:
        size: int = option(3, help="how large", validator=attrs.validators.ge(1))

    assert MethodSpec(**{**GOOD, "config": Config}).config().size == 3


def test_load_returns_what_the_factory_names():
    spec = MethodSpec(**{**GOOD, "factory": "json.decoder:JSONDecoder", "scorer": "json:loads"})
    assert spec.load().__name__ == "JSONDecoder"
    assert spec.load_scorer_class().__name__ == "loads"


@pytest.mark.parametrize("factory", ["no_such_module:C", "json:Absent", "json.absent:C"])
def test_a_factory_that_cannot_be_imported_is_a_plugin_error(factory):
    with pytest.raises(PluginError, match=f"^method 'my-method2': cannot import '{factory}'"):
        MethodSpec(**{**GOOD, "factory": factory}).load()
