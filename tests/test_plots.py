"""Every picture's structure: what it shows, that it says so, and that no text is cut or covered."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import matplotlib as mpl
import matplotlib.dates
import matplotlib.pyplot as plt
import numpy as np
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
    upright = [box for box, text in zip(boxes, texts_of(ax), strict=True) if text.get_rotation() in {0, 90}]
    for (one, a), (other, b) in combinations(upright, 2):
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


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year, month, day, …


RATES = pl.DataFrame(
    {
        "from_phone": ["72975", "ACME", "+12025550101", "+12025550102", "+447700900001"],
        "recipients": [6000, 500, 240, 40, 0],
        "ever_opted_out": [6000, 500, 240, 4, 0],
        "n": [100_000, 8_000, 2_000, 50, 0],
        "rate": [0.06, 0.0625, 0.12, 0.08, None],
        "low": [0.0585, 0.0574, 0.1065, 0.0315, None],
        "high": [0.0615, 0.068, 0.135, 0.1884, None],
        "shrunk_rate": [0.06, 0.0627, 0.1145, 0.0711, None],
        "signal": ["usual", "usual", "high", "usual", None],
        "denominator": "audience",
    }
)


def test_funnel_names_the_senders_outside_and_says_of_whom_the_rate_is() -> None:
    ax: Any = plots.opt_out_rates(RATES)
    assert "+12025550101" in written(ax)
    assert "ACME" not in written(ax)
    assert "overall\n6.1%" in written(ax), "6,744 of 110,050"
    assert "audience" in ax.get_xlabel()
    assert "seen in the history" in plots.opt_out_rates(RATES.with_columns(denominator=None)).get_xlabel()
    check_page(ax)


def test_funnel_draws_the_limits_that_the_signal_comes_from() -> None:
    ax: Any = plots.opt_out_rates(RATES.with_columns(ever_opted_out=pl.col("n") // 10, rate=0.1))
    outline = ax.collections[0].get_paths()[0].vertices
    at_1000 = outline[np.abs(np.log(outline[:, 0] / 1000)) < 0.02][:, 1]
    assert at_1000.min() == pytest.approx(0.0726, abs=0.001), (
        "sin(asin(sqrt(0.1)) - 3.0902 / sqrt(4000)) squared"
    )
    assert at_1000.max() == pytest.approx(0.1311, abs=0.001)


def test_dumbbell_has_a_row_a_sender_with_both_rates_and_the_signal() -> None:
    ax: Any = plots.opt_out_rates(RATES, kind="dumbbell")
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == ["+12025550101 (2,000)", "+12025550102 (50)", "ACME (8,000)", "72975 (100,000)"]
    assert written(ax).count("usual") == 3
    raw, shrunken = (points.get_offsets()[:, 0].tolist() for points in ax.collections[-2:])
    assert raw == [0.12, 0.08, 0.0625, 0.06]
    assert shrunken == [0.1145, 0.0711, 0.0627, 0.06]
    check_page(ax)


OVERLAP = pl.DataFrame(
    {
        "sender_a": ["72975", "72975", "ACME"],
        "sender_b": ["ACME", "VERYLONGONE", "VERYLONGONE"],
        "both_out": [100, 0, 10],
        "out_a": [1000, 1000, 400],
        "out_b": [400, 20, 20],
    }
)


def test_overlap_reads_along_the_row() -> None:
    ax: Any = plots.overlap(OVERLAP)
    shares = np.ma.filled(ax.images[0].get_array(), np.nan)
    assert shares[0, 1] == 0.1, "100 of the 1,000 out of 72975 are out of ACME"
    assert shares[1, 0] == 0.25, "100 of the 400 out of ACME are out of 72975"
    assert np.isnan(shares[0, 0])
    assert {"72975 (1,000)", "25.0%", "50.0%"} <= set(written(ax))
    check_page(ax)


RETURN_CURVE = pl.DataFrame(
    {
        "days": [1 / 24, 0.5, 10.0, 40.0, 100.0],
        "at_risk": pl.Series([1250, 1000, 900, 700, 400], dtype=pl.UInt32),
        "returned": [250, 100, 90, 70, 0],
        "censored": [0, 0, 110, 230, 400],
        "still_out": [0.8, 0.72, 0.648, 0.5832, 0.5832],
        "low": [0.777, 0.694, 0.62, 0.55, 0.55],
        "high": [0.821, 0.744, 0.674, 0.614, 0.614],
    }
)


def test_return_curve_climbs_with_its_interval_and_counts_who_is_at_risk() -> None:
    ax: Any = plots.return_curve(RETURN_CURVE)
    heights = [round(height, 4) for height in ax.lines[0].get_ydata()]
    assert heights == [0.0, 0.2, 0.28, 0.352, 0.4168, 0.4168]
    assert ax.get_xlim() == (0, 90)
    assert "0\n1,250" in written(ax)
    assert "60\n400" in written(ax), "at 60 days, those of the row at 100 days are still at risk"
    assert "41.7% back" in written(ax)
    check_page(ax)
    check_page(plots.return_curve(RETURN_CURVE, days=30))


def test_return_curve_of_groups_draws_three_with_a_row_of_numbers_each() -> None:
    ax: Any = plots.return_curve(by_sender(RETURN_CURVE, ("72975", "ACME", "+12025550101", "+447700900001")))
    assert len(ax.lines) == 3
    assert "0\n1,250\n1,250\n1,250" in written(ax)
    check_page(ax)


SPELLS = pl.DataFrame(
    {
        "days": [0.0, 5 / 1440, 10 / 1440, 11 / 1440, 3.0, 40.0, 500.0, 12.0, 90.0],
        "returned": [True] * 7 + [False] * 2,
    }
)


def test_spells_counts_quick_reversals_and_says_what_is_not_shown() -> None:
    ax: Any = plots.spells(SPELLS)
    assert sum(bar.get_height() for bar in ax.patches) == 7
    assert "quick reversals:\n3 (42.9%)" in written(ax)
    assert "2 opt-outs still open" in ax.get_xlabel()
    assert ax.get_xscale() == "log"
    check_page(ax)


CYCLES = pl.DataFrame(
    {
        "from_phone": ["72975", "ACME", "+447700900001"],
        "spells": pl.Series([40_210, 812, 12], dtype=pl.UInt32),
        "cycles": [9_000, 300, 0],
        "relapse_rate": [0.125, 0.0432, None],
        "win_back_1d": [0.05, 0.1, 0.0],
        "win_back_7d": [0.1, 0.2, 0.0],
        "win_back_30d": [0.2, 0.3, None],
    }
)


def test_cycles_has_a_row_a_sender_and_a_dot_a_horizon() -> None:
    ax: Any = plots.cycles(CYCLES)
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == ["72975 (40,210)", "ACME (812)", "+447700900001 (12)"]
    assert "1, 7, 30 days" in ax.get_xlabel()
    assert {"12.5% left again", "4.3% left again"} <= set(written(ax))
    check_page(ax)


COHORTS = pl.DataFrame(
    {
        "cohort": [date(2026, 1, 1)] * 3 + [date(2026, 2, 1)] * 2 + [date(2026, 3, 1)],
        "age": pl.Series([0, 1, 2, 0, 1, 0], dtype=pl.UInt32),
        "size": [1200] * 3 + [800] * 2 + [90],
        "returned": [60, 120, 180, 40, 96, 9],
        "share": [0.05, 0.1, 0.15, 0.05, 0.12, 0.1],
        "mature": [True, True, False, True, False, False],
    }
)


def test_cohorts_write_each_share_and_grey_the_cells_that_are_not_over() -> None:
    ax: Any = plots.cohorts(COHORTS)
    grey, blue = (np.ma.filled(image.get_array(), np.nan) for image in ax.images)
    assert [(int(row), int(age)) for row, age in zip(*np.nonzero(~np.isnan(grey)), strict=True)] == [
        (0, 2),
        (1, 1),
        (2, 0),
    ]
    assert np.isnan(blue[0, 2])
    assert blue[0, 1] == 0.1
    assert {"5.0", "12.0", "2026-01 (1,200)", "2026-03 (90)"} <= set(written(ax))
    check_page(ax)


STATUS_AT = pl.DataFrame(
    {
        "from_phone": ["72975", "72975", "ACME"],
        "to_phone": ["+12025550101", "+12025550102", "+12025550101"],
        "status": ["opt-out", "opt-in", "opt-out"],
        "since": [utc(2026, 1, 1), utc(2026, 1, 2), utc(2026, 1, 3)],
    }
)


def test_status_at_counts_out_and_in_of_each_sender() -> None:
    ax: Any = plots.status_at(STATUS_AT)
    assert {"72975", "1 out, 1 in", "ACME", "1 out, 0 in"} <= set(written(ax))
    check_page(ax)
    assert "2 out, 1 in" in written(plots.status_at(STATUS_AT.drop("from_phone")))


SUPPRESSION_LIST = pl.DataFrame(
    {
        "from_phone": "72975",
        "to_phone": ["+12025550101", "+12025550102", "+12025550103"],
        "opted_out_at": [utc(2026, 1, 31, 23), utc(2026, 1, 1), utc(2026, 3, 1)],
        "opt_outs": [1, 1, 2],
    }
)


def test_suppression_list_counts_by_the_month_of_leaving() -> None:
    ax: Any = plots.suppression_list(SUPPRESSION_LIST)
    assert [bar.get_height() for bar in ax.patches] == [2, 1]
    assert "the 3 on the list" in ax.get_title(loc="left")
    check_page(ax)


SUPPRESSION_DIFF = pl.DataFrame(
    {
        "from_phone": "72975",
        "to_phone": ["+12025550101", "+12025550102", "+12025550103"],
        "change": ["added", "added", "removed"],
        "at": [utc(2026, 1, 1, 3), utc(2026, 1, 1, 4), utc(2026, 1, 5)],
        "status": ["opt-out", "opt-out", "opt-in"],
    }
)


def test_suppression_diff_draws_additions_up_and_removals_down() -> None:
    ax: Any = plots.suppression_diff(SUPPRESSION_DIFF)
    assert [bar.get_height() for bar in ax.patches] == [2, 0, 0, -1]
    assert {"2 added", "1 removed"} <= set(written(ax))
    check_page(ax)


SCRUB = (
    pl.DataFrame({"phone": ["+12025550101"] * 6}),
    pl.DataFrame({"phone": ["x"] * 4, "reason": ["opted out"] * 3 + ["not a phone number"]}),
)


def test_scrub_counts_who_stays_and_each_reason() -> None:
    ax: Any = plots.scrub(SCRUB)
    assert [bar.get_width() for bar in ax.patches] == [6, 3, 1]
    assert {"6 (60.0%)", "3 (30.0%)", "opted out", "not a phone number"} <= set(written(ax))
    check_page(ax)
    check_page(plots.scrub((SCRUB[0].clear(), SCRUB[1].clear())))


COVERAGE = pl.DataFrame(
    {
        "window_start": [utc(2026, 1, 26), utc(2026, 2, 9), utc(2026, 2, 16)],
        "window_end": [utc(2026, 2, 2), utc(2026, 2, 16), utc(2026, 2, 17, 6)],
        "rows": [700, 1400, 50],
        "duplicates": [0, 1, 0],
        "pages": [7, 14, 1],
        "final": [True, True, False],
        "fetched_at": [utc(2026, 2, 17, 7)] * 3,
    }
)


def test_coverage_has_a_cell_a_day_and_hatches_what_is_missing() -> None:
    ax: Any = plots.coverage(COVERAGE)
    rates = np.ma.filled(ax.images[0].get_array(), np.nan)
    assert (rates[0, 25], rates[1, 0], rates[1, 8]) == (100, 100, 200)
    assert np.isnan(rates[1, 1])
    hatched = [patch for patch in ax.patches if patch.get_hatch()]
    assert len(hatched) == 7
    assert len(ax.patches) - len(hatched) == 2, "16 and 17 February may still change"
    assert "hatched: 7 days missing" in ax.get_xlabel()
    assert ax.get_title(loc="left") == "What is loaded: 2,150 events"
    check_page(ax)


QUALITY = pl.DataFrame(
    {
        "check": ["duplicates", "invalid numbers", "left edge"],
        "rows": [1204, 3, 1],
        "share": [0.03, 0.0001, None],
        "ok": [True, False, True],
        "meaning": ["", "", ""],
    }
)


def test_quality_marks_what_did_not_pass() -> None:
    ax: Any = plots.quality(QUALITY)
    assert {"duplicates  ✓", "invalid numbers  ✗", "1,204 (3.0%)", "3 (0.010%)"} <= set(written(ax))
    assert ax.get_title(loc="left") == "1 check of 3 to look at"
    check_page(ax)


TIMELINE = pl.DataFrame(
    {
        "from_phone": ["72975", "72975", "ACME", "72975"],
        "created_at": [utc(2026, 1, 5, 10), utc(2026, 1, 5, 11), utc(2026, 2, 1), utc(2026, 3, 1)],
        "status": ["opt-out", "opt-in", "opt-in", "opt-in"],
        "state_before": ["opt-in", "opt-out", "opt-in", "opt-in"],
        "state_after": ["opt-out", "opt-in", "opt-in", "opt-in"],
        "note": ["", "", "orphan opt-in", "repeat"],
    }
)


def test_timeline_has_a_lane_a_sender_and_hollow_marks_for_what_changed_nothing() -> None:
    ax: Any = plots.timeline(TIMELINE)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["72975", "ACME"]
    hollow = [line.get_markerfacecolor() == "white" for line in ax.lines]
    assert hollow == [False, False, True, False]
    assert ax.get_title(loc="left") == "4 events of one number, 2 senders"
    check_page(ax)
    until = plots.timeline(TIMELINE, until=utc(2026, 6, 1))
    assert until.get_xlim()[1] == mpl.dates.date2num(utc(2026, 6, 1))


EVERY = [
    ("churn", CHURN),
    ("spikes", SPIKES),
    ("transitions", TRANSITIONS),
    ("opt_out_rates", RATES),
    ("overlap", OVERLAP),
    ("return_curve", RETURN_CURVE),
    ("spells", SPELLS),
    ("cycles", CYCLES),
    ("cohorts", COHORTS),
    ("status_at", STATUS_AT),
    ("suppression_list", SUPPRESSION_LIST),
    ("suppression_diff", SUPPRESSION_DIFF),
    ("coverage", COVERAGE),
    ("quality", QUALITY),
    ("timeline", TIMELINE),
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
