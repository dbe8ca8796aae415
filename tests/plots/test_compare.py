from typing import Any

import polars as pl
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from plot_checks import check_page, written
from plot_tables import COMPARE

from optkit import plots


def dots_of(ax: Any) -> list[Any]:
    return [artist for artist in ax.collections if isinstance(artist, PathCollection)]


def test_each_group_has_its_ratio_interval_and_signal() -> None:
    ax: Any = plots.compare(COMPARE)
    points = [dot.get_offsets()[0].tolist() for dot in dots_of(ax)]
    assert points == [[0.5, 0], [130 / 120, 1], [3.0, 2], [1.5, 3]]
    assert {"fewer", "none seen", "more", "too little to say"} <= set(written(ax))
    assert "72975 (400 \N{RIGHTWARDS ARROW} 200)" in written(ax)
    assert ax.get_xscale() == "log"
    assert "1 without opt-outs on one side is left out" in ax.get_xlabel()
    low, high = ax.get_xlim()
    assert low < 0.4
    assert high > 6
    check_page(ax)


def test_signals_have_their_colours() -> None:
    ax: Any = plots.compare(COMPARE, colors={"more": "#005577"})
    dots = [to_hex(dot.get_facecolor()[0]) for dot in dots_of(ax)]
    assert dots[:3] == ["#3f90da", "#94a4a2", "#005577"]


def test_one_row_without_groups_and_per_message() -> None:
    table = COMPARE.drop("from_phone").head(1).with_columns(messages_before=1000, messages_after=1000)
    ax = plots.compare(table)
    assert "per message" in ax.get_xlabel()
    assert ax.get_title() == "Opt-outs after the change"
    check_page(ax)


def test_an_interval_without_an_end_leaves_the_picture() -> None:
    table = pl.DataFrame(
        {"from_phone": ["A"], "opt_outs_before": [40], "opt_outs_after": [1], "ratio": [0.025]}
    )
    ax = plots.compare(table.with_columns(low=0.0, high=0.2, signal=pl.lit("fewer")))
    low, high = ax.get_xlim()
    assert 0 < low < 0.025
    assert 1 < high < 10
    check_page(ax)
