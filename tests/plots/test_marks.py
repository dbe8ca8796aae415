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
    check_page(plots.spikes(SPIKES, marks=daily))


@pytest.mark.parametrize("marks", [{"soon": "x"}, {5: "x"}, pl.DataFrame({"day": [date(2026, 3, 5)]}), 7])
def test_other_marks_are_rejected(marks: Any) -> None:
    with pytest.raises(SettingsError, match="marks"):
        plots.spikes(SPIKES, marks=marks)


def test_shortening_leaves_out_the_middle() -> None:
    assert shorten("abcdefghij", 10) == "abcdefghij"
    assert shorten("abcdefghijk", 5) == "ab…jk"
    assert shorten("abcdefghijk", 6) == "abc…jk"
