"""Every mistake is reported at once, one a line, under the name that the user typed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traits_core import ConfigError, option
from traits_core.config.structure import structure, structure_record, unstructure


@attrs.frozen
class Config:
    """One option of each type."""

    n_clusters: int = option(8, help="how many", validator=attrs.validators.ge(1))
    tol: float = option(0.5, help="how close")
    normalize: bool = option(True, help="whether")
    metric: Literal["cosine", "euclidean"] = option("cosine", help="which")
    layer: str | None = option(None, help="where")
    sizes: tuple[int, ...] = option((1, 2), help="how large")
    folder: Path = option(Path("data"), help="in which folder")  # attrs, which makes a field of it
    limit: int | None = option(None, help="at most")

    def __attrs_post_init__(self) -> None:
        if self.limit is not None and self.limit > self.n_clusters:
            raise ValueError(f"limit {self.limit} must be at most\nn_clusters {self.n_clusters}")


@attrs.frozen
class Required:
    """One option without a default."""

    path: Path = option(help="where the files are")  # attrs, which makes a field of it


def lines(raw, prefix="", cls=Config):
    with pytest.raises(ConfigError) as error:
        structure(cls, raw, prefix)
    return str(error.value).splitlines()


def test_nothing_given_is_the_defaults():
    assert structure(Config, {}) == Config()


def test_dashes_and_underscores_are_the_same():
    assert structure(Config, {"n-clusters": "5"}) == structure(Config, {"n_clusters": 5})


def test_several_mistakes_are_reported_at_once_one_a_line():
    raw = {"n_clusters": "abc", "tol": "nan", "zzz": 1, "metric": "l1", "limit": "3"}
    assert lines(raw, "method.") == [
        (
            "no option --method.zzz. Allowed: --method.n-clusters, --method.tol, --method.normalize, "
            "--method.metric, --method.layer, --method.sizes, --method.folder, --method.limit"
        ),
        "--method.n-clusters: expected an integer, got 'abc'",
        "--method.tol: expected a finite number, got 'nan'",
        "--method.metric: 'l1' is not allowed; choose from cosine, euclidean",
    ]


def test_an_unknown_option_is_answered_with_the_nearest():
    (line,) = lines({"n_cluster": 3}, "method.")
    assert line.startswith("no option --method.n-cluster. Did you mean '--method.n-clusters'?")


def test_an_unknown_option_of_something_without_options_says_so():
    assert lines({"x": 1}, "dataset.", attrs.make_class("None_", {})) == [
        "no option --dataset.x. Allowed: none"
    ]


def test_a_missing_option_is_named_with_its_help():
    assert lines({}, "dataset.", Required) == ["--dataset.path is required: where the files are"]


def test_a_validator_speaks_in_the_name_of_the_option():
    assert lines({"n_clusters": 0}, "method.") == ["--method.n-clusters: must be >= 1: 0"]


def test_a_rule_between_options_is_one_line_too():
    assert lines({"limit": 9}, "method.") == ["--method.*: limit 9 must be at most n_clusters 8"]


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyError("key"), ValueError(), OSError(2)])
def test_a_validator_that_raises_anything_is_a_config_error(error):
    def refuse(instance, field, value):
        raise error

    @attrs.frozen
    class Odd:
        value: int = option(1, help="a value", validator=refuse)

    (line,) = lines({"value": 2}, "", Odd)
    assert line.startswith("--value: ")


configs = st.builds(
    Config,
    n_clusters=st.integers(min_value=1),
    tol=st.floats(allow_nan=False, allow_infinity=False),
    layer=st.none() | st.text().filter(lambda text: text != "none"),
    sizes=st.lists(st.integers()).map(tuple),
    folder=st.sampled_from([Path("a"), Path("/a/b c"), Path("..")]),
)


@given(configs)
def test_what_is_written_is_read_back(config):
    assert structure(Config, unstructure(config)) == config
    assert structure_record(Config, unstructure(config)) == config


def as_typed(value):
    """A plain JSON value, as it would be typed on a command line."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


@given(configs)
def test_text_from_the_command_line_means_the_same_as_typed_values(config):
    text = {key: as_typed(value) for key, value in unstructure(config).items()}
    assert structure(Config, text) == config


@pytest.mark.parametrize(
    "raw", [None, [], "text", 3, {"path": 3}, {}, {"path": "a", "more": 1}, {"path": None}]
)
def test_a_record_that_is_not_one_is_a_value_error_in_one_line(raw):
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        structure_record(Required, raw)
