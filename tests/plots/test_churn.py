from typing import Any

import polars as pl
from matplotlib.colors import to_hex
from plot_checks import check_page, written
from plot_tables import CHURN, by_sender

from optkit import plots


def test_churn_draws_opt_outs_up_re_opt_ins_down_and_the_net() -> None:
    ax: Any = plots.churn(CHURN)
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == [80, 1204, 90, 70, 60, 20, -10, -20, -130, 0, -30, -5]
    assert list(ax.lines[0].get_ydata()) == [70, 1184, -40, 70, 30, 15]
    assert {"opt-outs", "re-opt-ins", "net", "1,000"} <= set(written(ax))
    check_page(ax)


def test_churn_draws_incomplete_periods_hollow() -> None:
    ax: Any = plots.churn(CHURN)
    hollow = [to_hex(bar.get_facecolor()) == "#ffffff" for bar in ax.patches]
    assert hollow == [True, False, False, False, False, True] * 2
    assert "hollow" in ax.get_xlabel()
    assert "hollow" not in plots.churn(CHURN.filter("complete")).get_xlabel()


def test_churn_of_groups_draws_their_sum() -> None:
    ax: Any = plots.churn(by_sender(CHURN, ("72975", "ACME")))
    assert [bar.get_height() for bar in ax.patches[:2]] == [160, 2408]
    assert ax.get_title() == "Opt-outs and re-opt-ins, by week: all senders together"
    countries = by_sender(CHURN, ("US", "DE")).rename({"from_phone": "country"})
    size = plots.churn(countries, kind="size")
    assert size.get_title() == "Opted out at the end of each week: all groups together"
    one_sender = plots.churn(by_sender(CHURN, ("72975",)))
    assert one_sender.get_title() == "Opt-outs and re-opt-ins, by week"


def test_churn_rate_names_its_denominator() -> None:
    ax: Any = plots.churn(CHURN, kind="rate")
    assert "of those messaged" in ax.get_ylabel()
    check_page(ax)


def test_churn_without_a_rate_draws_opt_outs_and_says_so() -> None:
    unknown = {"churn_rate": pl.lit(None, pl.Float64), "denominator": pl.lit("observed")}
    ax: Any = plots.churn(CHURN.with_columns(**unknown), kind="rate")
    assert list(ax.lines[0].get_ydata()) == [80, 1204, 90, 70, 60, 20]
    assert "no audience is known" in ax.get_ylabel()
    assert ax.get_title() == "Opt-outs, by week"
    check_page(ax)


def test_churn_rate_names_the_six_largest_groups() -> None:
    senders = ("72975", "ACME", "+12025550101", "+19195550100", "+15125550123", "+447700900001", "small")
    table = by_sender(CHURN, senders).with_columns(
        opt_outs=pl.when(pl.col("from_phone") == "small").then(1).otherwise("opt_outs")
    )
    ax: Any = plots.churn(table, kind="rate")
    assert set(senders[:6]) <= set(written(ax))
    assert "small" not in written(ax)
    check_page(ax)


def test_churn_size_is_labelled_with_its_last_value() -> None:
    ax: Any = plots.churn(CHURN, kind="size")
    assert "1,329" in written(ax)
    check_page(ax)
