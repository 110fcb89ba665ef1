import pytest

from traits_core.reporting.ranking import rank_traits
from traits_core.reporting.summary import headline_sentences, traits_sentence


def headline(interval=None, **maps):
    rows = [{"row": row, "map": value} for row, value in maps.items()]
    if interval:
        rows[-1] |= {"map_ci95_low": interval[0], "map_ci95_high": interval[1]}
    return tuple(rows)


def text(table):
    return " ".join(headline_sentences(table, "k-means"))


def test_a_better_method_is_said_to_be_so_many_times_each_null():
    table = headline(constant=0.027, gaussian=0.153, method=0.245)
    assert text(table) == (
        "k-means reaches a mean average precision of 0.245: "
        "9.1 times a constant score and 1.60 times Gaussian directions."
    )


def test_a_method_below_a_null_is_said_to_do_worse():
    table = headline(constant=0.027, gaussian=0.2, activations=0.3, method=0.1)
    assert text(table).endswith(
        "3.7 times a constant score. It does worse than "
        "Gaussian directions (0.200) and random training activations (0.300)."
    )


def test_a_null_inside_the_interval_is_level_whichever_side_it_is_on():
    for null in (0.24, 0.26):
        table = headline((0.23, 0.27), activations=null, method=0.25)
        assert f"It is level with random training activations ({null:.3f})." in text(table)
        assert "times" not in text(table)
        assert "worse" not in text(table)


def test_equal_numbers_without_an_interval_are_level():
    assert "level with a constant score" in text(headline(constant=0.1, method=0.1))


def test_a_null_of_zero_is_not_divided_by():
    assert "0.300: more than permuted labels (0.000)." in text(headline(permuted=0.0, method=0.3))
    assert "level with" in text(headline(permuted=0.0, method=0.0))


@pytest.mark.parametrize("value", [None, float("nan")])
def test_an_undefined_number_is_not_talked_about(value):
    assert text(headline(constant=0.1, method=value)) == ""
    assert text(headline(constant=value, method=0.2)) == (
        "k-means reaches a mean average precision of 0.200."
    )


def test_a_headline_without_map_has_no_sentence():
    assert headline_sentences(({"row": "method", "loss": 0.5},), "k-means") == ()
    assert headline_sentences((), "k-means") == ()


def test_traits_are_counted_against_chance_and_against_each_null():
    aps = {"a": (0.5, 0.2, 0.6), "b": (0.3, 0.4, 0.1), "c": (0.05, 0.04, 0.2)}
    rows = ("method", "gaussian", "activations")
    table = tuple(
        {"row": row, "trait": trait, "ap": ap, "prevalence": 0.1, "lift": (ap - 0.1) / 0.9}
        for trait, values in aps.items()
        for row, ap in zip(rows, values, strict=True)
    )
    assert traits_sentence(rank_traits(table)) == (
        "2 of 3 traits lie above chance, 2 above Gaussian directions "
        "and 1 above random training activations."
    )
