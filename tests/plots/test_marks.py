from datetime import UTC, date, datetime, timedelta
from typing import Any

import matplotlib.dates as mdates
import pandas as pd
import polars as pl
import pytest
from plot_checks import check_page, written
from plot_tables import CHURN, SPIKES, by_sender

from optkit import plots
from optkit.errors import SettingsError
from optkit.formatting import shorten

CAMPAIGNS = {
    "2026-03-05": "spring sale",
    date(2026, 3, 12): "a wording that needs the width",
    "2027-01-01": "later",
}


def dotted(ax: Any) -> list[float]:
    return sorted(line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":")


def test_marks_are_lines_with_labels_within_the_picture() -> None:
    ax = plots.spikes(SPIKES, marks=CAMPAIGNS)
    assert dotted(ax) == [mdates.date2num(date(2026, 3, 5)), mdates.date2num(date(2026, 3, 12))]
    assert {"spring sale", "a wording …the width"} <= set(written(ax))
    assert "later" not in written(ax)
    check_page(ax)


@pytest.mark.parametrize("kind", ["movement", "rate", "size"])
def test_churn_takes_marks(kind: str) -> None:
    ax = plots.churn(CHURN, kind=kind, marks={"2026-01-20 09:00 Europe/Berlin": "new wording"})  # type: ignore[arg-type]
    assert dotted(ax) == [mdates.date2num(datetime(2026, 1, 20, 8, tzinfo=UTC))]
    check_page(ax)


def test_spikes_of_groups_take_marks() -> None:
    ax = plots.spikes(by_sender(SPIKES, ("72975", "ACME")), marks=CAMPAIGNS)
    assert len(dotted(ax)) == 2
    check_page(ax)


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"campaign": ["spring sale"], "day": [date(2026, 3, 5)]}),
        pl.DataFrame({"day": ["2026-03-05"], "campaign": ["spring sale"]}),
        pd.DataFrame({"day": [pd.Timestamp("2026-03-05")], "campaign": ["spring sale"]}),
        pl.DataFrame({"day": [datetime(2026, 3, 5, tzinfo=UTC)], "n": [1], "campaign": ["spring sale"]}),
    ],
)
def test_marks_may_be_a_frame_of_dates_and_labels(frame: Any) -> None:
    ax = plots.spikes(SPIKES, marks=frame)
    assert dotted(ax) == [mdates.date2num(date(2026, 3, 5))]
    assert "spring sale" in written(ax)


def test_labels_of_crowded_marks_do_not_cover_each_other() -> None:
    first = datetime(2026, 3, 1, tzinfo=UTC)
    daily = {first + timedelta(hours=6 * step): f"campaign {step}" for step in range(76)}
    ax = plots.spikes(SPIKES, marks=daily)
    assert len(dotted(ax)) == 76
    assert "38 of 76 marks have no label" in written(ax)
    check_page(ax)


@pytest.mark.parametrize(
    ("count", "days", "first"), [(3, 1, (2026, 3, 1)), (24, 7, (2026, 1, 1)), (9, 1, (2026, 12, 20))]
)
def test_labels_of_close_marks_are_moved_apart_instead_of_left_out(
    count: int, days: int, first: tuple[int, int, int]
) -> None:
    start = date(*first)
    marks = {start + timedelta(days=days * step): f"campaign {step}" for step in range(count)}
    year = pl.date_range(date(2026, 1, 1), date(2026, 12, 31), "1w", eager=True)
    table = pl.select(period=year).join(CHURN.head(1).drop("period"), how="cross")
    ax = plots.churn(table, marks=marks)
    assert set(marks.values()) <= set(written(ax))
    assert dotted(ax) == [mdates.date2num(when) for when in marks]
    check_page(ax)


def test_marks_outside_the_picture_are_counted() -> None:
    assert "1 mark outside these dates" in written(plots.spikes(SPIKES, marks=CAMPAIGNS))
    ax = plots.spikes(SPIKES, marks={"2020-01-01": "a", "2020-01-02": "b"})
    assert "2 marks outside these dates" in written(ax)
    assert not dotted(ax)
    check_page(ax)


@pytest.mark.parametrize("marks", [{"soon": "x"}, {5: "x"}, pl.DataFrame({"day": [date(2026, 3, 5)]}), 7])
def test_other_marks_are_rejected(marks: Any) -> None:
    with pytest.raises(SettingsError, match="marks"):
        plots.spikes(SPIKES, marks=marks)


def test_shortening_leaves_out_the_middle() -> None:
    assert shorten("abcdefghij", 10) == "abcdefghij"
    assert shorten("abcdefghijk", 5) == "ab…jk"
    assert shorten("abcdefghijk", 6) == "abc…jk"
