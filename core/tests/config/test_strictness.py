"""What each type of option accepts, from text and from typed values, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs
import pytest

from traits_core import ConfigError
from traits_core.config.structure import structure

LARGE = 10**400
Choice = Literal["max", "mean", 7]


def read(kind, value):
    field = attrs.field(type=kind, metadata={"help": "a value"})
    return structure(attrs.make_class("Config", {"value": field}), {"value": value}).value


GOOD = [
    (int, "7", 7),
    (int, "-7", -7),
    (int, 7, 7),
    (int, str(10**30), 10**30),
    (float, "1e-3", 0.001),
    (float, "3", 3.0),
    (float, 3, 3.0),
    (float, 0.5, 0.5),
    (bool, "true", True),
    (bool, "false", False),
    (bool, True, True),
    (bool, False, False),
    (str, "", ""),
    (str, "3.7", "3.7"),
    (str, "none", "none"),
    (str, "größer ☃", "größer ☃"),
    (Path, "a/b", Path("a/b")),
    (Path, "~/x", Path.home() / "x"),
    (Choice, "max", "max"),
    (Choice, "7", 7),
    (Choice, 7, 7),
    (int | None, "none", None),
    (int | None, None, None),
    (int | None, "3", 3),
    (Choice | None, "mean", "mean"),
    (tuple[int, ...], "1,2,3", (1, 2, 3)),
    (tuple[int, ...], "1, 2", (1, 2)),
    (tuple[int, ...], "", ()),
    (tuple[int, ...], "5", (5,)),
    (tuple[int, ...], [1, "2"], (1, 2)),
    (tuple[int, ...], [], ()),
    (tuple[int, str], "1,a", (1, "a")),
    (tuple[str, ...], ["a,b"], ("a,b",)),
    (tuple[Choice, ...], "max,7", ("max", 7)),
    (tuple[int | None, ...], "1,none", (1, None)),
    (tuple[int, ...] | None, "none", None),
]
BAD = [
    *((int, value, "an integer") for value in ("", "x", "3.7", "1e3", "0x10", "none", "true")),
    *((int, value, "an integer") for value in (3.7, 3.0, True, None, [1], {"a": 1})),
    *((float, value, "a finite number") for value in ("", "x", "nan", "inf", "-inf", "1,5")),
    *((float, value, "a finite number") for value in (float("nan"), LARGE, True, None, [1.0])),
    *((bool, value, "true or false") for value in ("", "yes", "True", "1", 1, 0, None, [True])),
    *((str, value, "text") for value in (5, 1.5, True, None, ["a"])),
    *((Path, value, "a path") for value in ("", 5, None, ["a"])),
    *((tuple[int, ...], value, "an integer") for value in ("1,,2", "1,", ",", "a", [1.5], [[1]])),
    *((tuple[int, ...], value, "a list") for value in (1, None, {"a": 1}, True)),
    *((tuple[int, str], value, "2 values") for value in ("1", "1,a,b", "", [], [1])),
    *((int | None, value, "an integer") for value in ("None", "null", "", False)),
]


@pytest.mark.parametrize(("kind", "value", "expected"), GOOD)
def test_a_value_that_means_one_thing_is_accepted(kind, value, expected):
    result = read(kind, value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("kind", "value", "expected"), BAD)
def test_a_value_of_another_type_is_refused_and_never_converted(kind, value, expected):
    with pytest.raises(ConfigError, match=rf"^--value: expected {expected}, got [^\n]*$"):
        read(kind, value)


@pytest.mark.parametrize("value", ["", "Max", "7.0", 7.0, True, None, ["max"], 8])
def test_a_choice_is_one_of_the_listed_and_of_their_type(value):
    with pytest.raises(ConfigError, match=r"is not allowed; choose from max, mean, 7$"):
        read(Choice, value)


@pytest.mark.parametrize(("kind", "value"), [(Literal[1, 2], True), (Literal["7"], 7)])
def test_a_choice_of_another_type_is_another_choice(kind, value):
    with pytest.raises(ConfigError, match="is not allowed"):
        read(kind, value)


def test_an_enormous_value_makes_a_short_message():
    for value in ("x" * 100_000, list(range(100_000)), {"a": {"b": "c" * 100_000}}):
        with pytest.raises(ConfigError) as error:
            read(int, value)
        assert len(str(error.value)) < 500
