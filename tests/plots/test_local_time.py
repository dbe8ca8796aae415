import numpy as np
import polars as pl
import pytest
from plot_checks import check_page
from plot_tables import LOCAL_TIME

from optkit import plots


def test_hours_are_those_of_the_recipients() -> None:
    ax = plots.with_local_time(LOCAL_TIME)
    counts = np.asarray(ax.images[0].get_array())
    assert counts.sum() == 2
    assert counts[0, 9] == 1, "a Monday"
    assert counts[6, 23] == 1, "a Sunday"
    assert "33.3% may be in another time zone" in ax.get_xlabel()
    assert "33.3% without a time zone are left out" in ax.get_xlabel()
    check_page(ax)


def test_nothing_is_said_about_time_zones_where_each_is_known() -> None:
    known = LOCAL_TIME.head(2).with_columns(ambiguous=pl.lit(value=False))
    assert plots.with_local_time(known).get_xlabel() == "hour of the recipient's day"


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({}, "Rows"),
        ({"status": ["opt-out"] * 3}, "Opt-outs"),
        ({"status": ["opt-out", "opt-in", "opt-in"]}, "Events"),
        ({"kind": ["re-opt-in"] * 3}, "Re-opt-ins"),
        ({"delivery_status": ["sent"] * 3}, "Messages"),
    ],
)
def test_the_title_says_what_the_rows_are(columns: dict[str, list[str]], word: str) -> None:
    ax = plots.with_local_time(LOCAL_TIME.with_columns(pl.DataFrame(columns).get_columns()))
    assert ax.get_title().startswith(f"{word} by the recipients' weekday")
    assert f"of 3 {word.lower()} 33.3%" in ax.get_xlabel()
