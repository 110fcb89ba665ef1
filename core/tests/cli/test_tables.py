"""Tables of the terminal line up."""

from traits_core.cli.tables import format_table


def test_numbers_and_columns_without_any_value_are_to_the_right_and_text_to_the_left():
    rows = [{"name": "a", "map": 0.5, "lift": None}, {"name": "bbbbb", "map": None, "lift": None}]
    assert format_table(rows, ["name", "map", "lift"]).splitlines() == [
        "name      map  lift",
        "-----  ------  ----",
        "a      0.5000     -",
        "bbbbb       -     -",
    ]
