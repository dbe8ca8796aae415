from typing import Any

import polars as pl
from plot_checks import check_page, written
from plot_tables import RATES

from optkit import plots


def test_funnel_names_senders_outside_the_limits_and_its_denominator() -> None:
    ax: Any = plots.opt_out_rates(RATES)
    assert "+12025550101" in written(ax)
    assert "ACME" not in written(ax)
    assert "overall\n6.1%" in written(ax), "6,744 of 110,050"
    assert "audience" in ax.get_xlabel()
    assert "seen in the history" in plots.opt_out_rates(RATES.with_columns(denominator=None)).get_xlabel()
    check_page(ax)


def test_funnel_draws_the_limits_of_each_row_of_all_or_of_some() -> None:
    for table in (RATES, RATES.head(3)):
        lines = plots.opt_out_rates(table).collections[0].get_segments()  # type: ignore[attr-defined]
        drawn = [(line[0][0], line[0][1], line[1][1]) for line in lines]
        assert drawn == table.filter(pl.col("n") > 0).select("n", "limit_low", "limit_high").rows()


def test_rates_that_are_not_judged_have_no_limits_and_no_signal() -> None:
    nothing = {"limit_low": pl.lit(None, pl.Float64), "limit_high": pl.lit(None, pl.Float64)}
    table = RATES.with_columns(**nothing, signal=pl.lit(None, pl.String), denominator=pl.lit("observed"))
    funnel: Any = plots.opt_out_rates(table)
    assert not funnel.collections[0].get_segments()
    assert funnel.get_title() == "Share who ever opted out by sender"
    assert funnel.get_ylim()[1] < 1.2
    check_page(funnel)
    assert "usual" not in written(plots.opt_out_rates(table, kind="dumbbell"))


def test_dumbbell_has_one_row_per_sender_with_both_rates_and_the_signal() -> None:
    ax: Any = plots.opt_out_rates(RATES, kind="dumbbell")
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == ["+12025550101 (2,000)", "+12025550102 (50)", "ACME (8,000)", "72975 (100,000)"]
    assert written(ax).count("usual") == 3
    raw, shrunken = (points.get_offsets()[:, 0].tolist() for points in ax.collections[-2:])
    assert raw == [0.12, 0.08, 0.0625, 0.06]
    assert shrunken == [0.1145, 0.0711, 0.0627, 0.06]
    check_page(ax)
