from typing import Any

import matplotlib as mpl
import matplotlib.dates
from matplotlib.colors import to_hex
from plot_checks import check_page
from plot_tables import TIMELINE, utc

from optkit import plots


def test_timeline_has_one_row_per_sender_and_hollow_markers_for_repeats() -> None:
    ax: Any = plots.timeline(TIMELINE)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["72975", "ACME"]
    hollow = [to_hex(line.get_markerfacecolor()) == "#ffffff" for line in ax.lines]
    assert hollow == [False, False, True, False]
    assert ax.get_title() == "4 events of one number, 2 senders"
    check_page(ax)
    until = plots.timeline(TIMELINE, until=utc(2026, 6, 1))
    assert until.get_xlim()[1] == mpl.dates.date2num(utc(2026, 6, 1))
