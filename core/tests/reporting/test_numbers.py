import math

import pytest

from traits_core.reporting.numbers import column_title, is_number, show, show_ratio

DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0, "0.000"), (0.5, "0.500"), (0.31403, "0.314"), (-0.25, "-0.250")),
        *((0.0076, "0.0076"), (-0.00078, "-0.00078"), (5.1e-5, "5.1e-05")),
        *((12.34, "12.3"), (-638.46, "-638.5"), (21935.3, "21,935")),
        *((7, "7"), (4096, "4,096"), (True, "yes"), (False, "no"), ("a b", "a b"), ("", "")),
        *((None, DASH), (math.nan, DASH), (math.inf, DASH), (-math.inf, DASH)),
    ],
)
def test_values_are_written_for_people(value, text):
    assert show(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.914, "0.91"), (1.6, "1.60"), (9.07, "9.1"), (34.4, "34"), (1e4, "10,000")],
)
def test_ratios_have_two_or_three_digits(ratio, text):
    assert show_ratio(ratio) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, True), (0.5, True), (True, False), (math.nan, False), (math.inf, False), ("1", False)],
)
def test_booleans_text_and_undefined_values_are_not_numbers(value, expected):
    assert is_number(value) is expected


def test_known_columns_have_titles_and_others_lose_their_underscores():
    assert column_title("map") == "mAP"
    assert column_title("mean_purity") == "mean purity"
