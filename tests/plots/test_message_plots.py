from typing import Any

import message_tables as tables
import numpy as np
import polars as pl
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from plot_checks import check_page, written

import optkit
from optkit import plots
from optkit.errors import SettingsError


@pytest.mark.parametrize(("name", "table"), tables.OF_MESSAGES, ids=[name for name, _ in tables.OF_MESSAGES])
def test_nothing_is_cut_off_or_covered_and_a_title_can_be_given(name: str, table: pl.DataFrame) -> None:
    ax = getattr(plots, name)(table, title="Mine")
    assert ax.get_title() == "Mine"
    check_page(ax)
    with pytest.raises(SettingsError, match="not a colour"):
        getattr(plots, name)(table, colors=["no colour"])


def test_audience_has_a_bar_as_long_as_the_recipients_of_each_sender() -> None:
    ax: Any = plots.audience(tables.AUDIENCE)
    lengths = sorted(bar.get_width() for bar in ax.patches)
    assert lengths == sorted(tables.AUDIENCE["recipients"])


def test_list_growth_draws_the_list_as_a_line() -> None:
    ax: Any = plots.list_growth(tables.LIST_GROWTH)
    line = next(line for other in ax.figure.axes if other is not ax for line in other.lines)
    assert line.get_ydata().tolist() == tables.LIST_GROWTH["list_end"].to_list()
    hatched = {bar.get_x() for bar in ax.patches if bar.get_hatch()}
    assert len(hatched) == tables.LIST_GROWTH.filter(~pl.col("complete")).height
    one, two = (tables.LIST_GROWTH.select(pl.lit(name).alias("from_phone"), pl.all()) for name in "AB")
    assert plots.list_growth(one).get_title() == ax.get_title()
    assert plots.list_growth(pl.concat([one, two])).get_title().endswith(" at the end: all senders together")


def test_list_growth_has_marks_above_the_line() -> None:
    first = tables.LIST_GROWTH["period"][1]
    ax: Any = plots.list_growth(tables.LIST_GROWTH, marks={first: "new wording"})
    right = next(other for other in ax.figure.axes if other is not ax)
    assert right.get_ylim()[1] * 0.65 > tables.LIST_GROWTH["list_end"].max()
    check_page(ax)


def test_attribution_counts_each_opt_out_after_a_message_once() -> None:
    ax: Any = plots.attribution(tables.ATTRIBUTION)
    drawn = sum(bar.get_height() for bar in ax.patches)
    assert drawn == tables.ATTRIBUTION["hours"].is_not_null().sum()
    assert {"3 h", "4 h", "24 h", "72 h"} <= set(written(ax))


def test_campaigns_are_ranked_by_excess_and_the_bad_one_is_on_top_and_red() -> None:
    ax: Any = plots.campaign_rates(tables.CAMPAIGNS)
    assert ax.get_yticklabels()[0].get_text().startswith("Spring clearance (")
    points = ax.collections[-1]
    excess = points.get_offsets()[:, 0]
    assert (np.diff(excess) <= 0).all()
    (bad,) = tables.CAMPAIGNS.filter(campaign="Spring clearance").iter_rows(named=True)
    assert excess[0] == pytest.approx(bad["excess"] / bad["exposures"] * 1000)
    assert to_hex(points.get_facecolors()[0]) == "#bd1f01"
    funnel = plots.campaign_rates(tables.CAMPAIGNS, kind="funnel")
    assert "Spring clearance" in written(funnel)
    check_page(funnel)


def test_hazard_shades_the_excess_over_the_background() -> None:
    ax: Any = plots.opt_out_hazard(tables.HAZARD)
    background = tables.HAZARD["background"][0]
    (line,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert set(line.get_ydata()) == {background}
    (shade,) = [area for area in ax.collections if isinstance(area, PolyCollection)]
    heights = np.asarray(shade.get_paths()[0].vertices)[:, 1]
    assert heights.min() == background
    assert heights.max() == pytest.approx(tables.HAZARD["hazard"].max())
    dotted = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":"]
    assert dotted == [3, 4, 24, 72]
    groups = plots.opt_out_hazard(tables.HAZARD_BY_SENDER)
    legend = groups.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 3
    check_page(groups)


def test_fatigue_draws_both_curves() -> None:
    ax: Any = plots.fatigue(tables.FATIGUE)
    drawn = [line.get_ydata().tolist() for line in ax.lines]
    assert drawn == [tables.FATIGUE["rate"].to_list(), tables.FATIGUE["adjusted_rate"].to_list()]
    assert any(text.startswith("grey: explained by the sender") for text in written(ax))


def test_leaks_are_points_and_the_limits_are_lines() -> None:
    ax: Any = plots.leaks(tables.LEAKS)
    assert sum(len(points.get_offsets()) for points in ax.collections) == tables.LEAKS.height
    assert {"5 minutes", "10 business days", "15 days"} <= set(written(ax))
    curve: Any = plots.leak_curve(tables.LEAK_CURVE)
    assert curve.get_xscale() == "log"
    assert {"5 minutes", "10 business days", "15 days"} <= set(written(curve))
    lines = [line.get_xdata()[0] for line in curve.lines if line.get_linestyle() == ":"]
    assert lines == pytest.approx([5 / 1440, 14, 15])


def test_timeline_has_messages_as_ticks() -> None:
    history, messages = optkit.demo_history(recipients=4000), optkit.demo_messages(recipients=4000)
    number = optkit.leaks(history, messages)["to_phone"][0]
    table = optkit.timeline(history, number, messages)
    ax: Any = plots.timeline(table)
    ticks = sum(len(lines.get_segments()) for lines in ax.collections if lines.get_linewidths()[0] == 1.2)
    assert ticks == table.filter(pl.col("kind") == "message").height > 0
    assert "message" in ax.get_title()
    check_page(ax)
