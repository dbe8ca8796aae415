"""Every picture's structure: what it shows, that it says so, and that no text is cut or covered."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import polars as pl
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from optkit import plots
from optkit.errors import HistoryError


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before, "a plot left its style behind"
    plt.close("all")


def texts_of(ax: Any) -> list[Text]:
    """What is written in the picture: titles, labels, annotations, and the ticks that are within limits."""
    found: list[Text] = []
    for axes in ax.figure.axes:
        found += [axes.title, axes._left_title, axes._right_title, *axes.texts]
        if not axes.axison:
            continue
        for axis in (axes.xaxis, axes.yaxis):
            found += [axis.label, axis.get_offset_text()]
            found += [tick.label1 for tick in axis._update_ticks()]
            found += [tick.label2 for tick in axis._update_ticks()]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def check_page(ax: Any) -> None:
    """No text beyond the figure's edge, none over another, and a white ground."""
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts_of(ax)]
    for name, box in boxes:
        within = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert within, f"{name!r} is cut off"
    for (one, a), (other, b) in combinations(boxes, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width <= 1 or height <= 1, f"{one!r} covers {other!r}"
    assert to_hex(figure.get_facecolor()) == "#ffffff"


def written(ax: Any) -> list[str]:
    return [text.get_text() for text in texts_of(ax)]


CHURN = pl.DataFrame(
    {
        "period": [date(2026, 1, 5) + timedelta(weeks=week) for week in range(6)],
        "opt_outs": [80, 1204, 90, 70, 60, 20],
        "re_opt_ins": [10, 20, 130, 0, 30, 5],
        "net_opt_outs": [70, 1184, -40, 70, 30, 15],
        "opted_out_start": [0, 70, 1254, 1214, 1284, 1314],
        "opted_out_end": [70, 1254, 1214, 1284, 1314, 1329],
        "population": [10_000] * 6,
        "opted_in_start": [10_000, 9_930, 8_746, 8_786, 8_716, 8_686],
        "churn_rate": [0.008, 0.12125, 0.01029, 0.00797, 0.00688, 0.0023],
        "net_churn_rate": [0.007, 0.11923, -0.00457, 0.00797, 0.00344, 0.00173],
        "denominator": ["audience"] * 6,
        "complete": [False, True, True, True, True, False],
    }
)


def by_sender(table: pl.DataFrame, senders: tuple[str, ...]) -> pl.DataFrame:
    return pl.concat([table.select(pl.lit(sender).alias("from_phone"), pl.all()) for sender in senders])


def test_churn_draws_outs_up_returns_down_and_the_net_between() -> None:
    ax: Any = plots.churn(CHURN)
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == [80, 1204, 90, 70, 60, 20, -10, -20, -130, 0, -30, -5]
    assert list(ax.lines[0].get_ydata()) == [70, 1184, -40, 70, 30, 15]
    assert {"opt-outs", "re-opt-ins", "net", "1,000"} <= set(written(ax))
    check_page(ax)


def test_churn_draws_periods_hollow_that_are_not_covered_whole() -> None:
    ax: Any = plots.churn(CHURN)
    hollow = [to_hex(bar.get_facecolor()) == "#ffffff" for bar in ax.patches]
    assert hollow == [True, False, False, False, False, True] * 2
    assert "hollow" in ax.get_xlabel()
    assert "hollow" not in plots.churn(CHURN.filter("complete")).get_xlabel()


def test_churn_of_groups_draws_their_sum() -> None:
    ax: Any = plots.churn(by_sender(CHURN, ("72975", "ACME")))
    assert [bar.get_height() for bar in ax.patches[:2]] == [160, 2408]


def test_churn_rate_says_of_whom() -> None:
    ax: Any = plots.churn(CHURN, kind="rate")
    assert "audience" in ax.get_ylabel()
    observed = plots.churn(CHURN.with_columns(denominator=pl.lit("observed")), kind="rate")
    assert "seen in the history" in observed.get_ylabel()
    check_page(ax)


def test_churn_rate_of_groups_names_six_of_them() -> None:
    senders = ("72975", "ACME", "+12025550101", "+19195550100", "+15125550123", "+447700900001", "small")
    table = by_sender(CHURN, senders).with_columns(
        opt_outs=pl.when(pl.col("from_phone") == "small").then(1).otherwise("opt_outs")
    )
    ax: Any = plots.churn(table, kind="rate")
    assert set(senders[:6]) <= set(written(ax))
    assert "small" not in written(ax)
    check_page(ax)


def test_churn_size_ends_with_the_last_figure() -> None:
    ax: Any = plots.churn(CHURN, kind="size")
    assert "1,329" in written(ax)
    check_page(ax)


def test_churn_rate_may_be_unknown_throughout() -> None:
    check_page(plots.churn(CHURN.with_columns(churn_rate=pl.lit(None, pl.Float64)), kind="rate"))


SPIKES = pl.DataFrame(
    {
        "period": [date(2026, 3, 1) + timedelta(days=day) for day in range(20)],
        "opt_outs": [30, 28, 31, 29, 400, 390, 30, 31, 28, 27, 30, 33, 30, 29, 30, 31, 30, 29, 30, 300],
        "expected": [30.0] * 20,
        "low": [15.0] * 20,
        "high": [48.0] * 20,
        "spike": [day in (4, 5, 19) for day in range(20)],
    }
)


def test_spikes_marks_what_stands_out_and_dates_it_once() -> None:
    ax: Any = plots.spikes(SPIKES)
    assert list(ax.lines[2].get_ydata()) == [400, 390, 300]
    assert {"Thu 5 Mar: 400", "Fri 20 Mar: 300", "limits", "expected"} <= set(written(ax))
    assert "Fri 6 Mar: 390" not in written(ax), "it would cover its neighbour"
    check_page(ax)


def test_spikes_of_groups_have_a_lane_each_the_most_spiked_on_top() -> None:
    quiet = SPIKES.with_columns(spike=pl.lit(value=False))
    table = pl.concat([by_sender(quiet, ("ACME",)), by_sender(SPIKES, ("72975",))])
    ax: Any = plots.spikes(table)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["72975", "ACME"]
    assert ax.collections[0].get_offsets().shape == (3, 2)
    check_page(ax)


TRANSITIONS = pl.DataFrame(
    {
        "from_phone": "72975",
        "to_phone": ["+12025550101", "+12025550102", "+12025550103", "+12025550103"],
        "created_at": [
            datetime(2026, 1, 5, 12, 30, tzinfo=UTC),
            datetime(2026, 1, 12, 12, 59, tzinfo=UTC),
            datetime(2026, 1, 11, 23, 0, tzinfo=UTC),
            datetime(2026, 1, 14, 1, 0, tzinfo=UTC),
        ],
        "kind": ["opt-out", "opt-out", "opt-out", "re-opt-in"],
    }
)


def test_transitions_counts_weekday_and_hour_of_the_zone() -> None:
    ax: Any = plots.transitions(TRANSITIONS)
    counts = ax.images[0].get_array()
    assert (counts[0, 12], counts[6, 23], counts.sum()) == (2, 1, 3)
    check_page(ax)
    sydney: Any = plots.transitions(TRANSITIONS, time_zone="Australia/Sydney")
    counts = sydney.images[0].get_array()
    assert (counts[0, 23], counts[0, 10]) == (2, 1)
    assert "Australia/Sydney" in sydney.get_xlabel()


EVERY = [
    ("churn", CHURN),
    ("spikes", SPIKES),
    ("transitions", TRANSITIONS),
]


@pytest.mark.parametrize(("name", "table"), EVERY, ids=[name for name, _ in EVERY])
def test_a_picture_is_drawn_where_it_is_asked_for(name: str, table: pl.DataFrame) -> None:
    _, ax = plt.subplots()
    assert getattr(plots, name)(table, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(("name", "table"), EVERY, ids=[name for name, _ in EVERY])
def test_an_empty_table_and_one_row_make_a_picture_too(name: str, table: pl.DataFrame) -> None:
    check_page(getattr(plots, name)(table.clear()))
    check_page(getattr(plots, name)(table.head(1)))


@pytest.mark.parametrize(("name", "table"), EVERY, ids=[name for name, _ in EVERY])
def test_a_table_of_another_function_is_refused_by_name(name: str, table: pl.DataFrame) -> None:
    with pytest.raises(HistoryError, match=f"plots.{name} takes what optkit.{name} returned"):
        getattr(plots, name)(pl.DataFrame({"other": [1]}))
