from typing import Any

from plot_checks import check_page, written
from plot_tables import SPELLS, TRANSITIONS

from optkit import plots


def test_transitions_are_counted_by_local_weekday_and_hour() -> None:
    ax: Any = plots.transitions(TRANSITIONS)
    counts = ax.images[0].get_array()
    assert (counts[0, 12], counts[6, 23], counts.sum()) == (2, 1, 3)
    check_page(ax)
    sydney: Any = plots.transitions(TRANSITIONS, time_zone="Australia/Sydney")
    counts = sydney.images[0].get_array()
    assert (counts[0, 23], counts[0, 10]) == (2, 1)
    assert "Australia/Sydney" in sydney.get_xlabel()


def test_spells_counts_quick_reversals_and_open_opt_outs() -> None:
    ax: Any = plots.spells(SPELLS)
    assert sum(bar.get_height() for bar in ax.patches) == 7
    assert "quick reversals:\n3 (42.9%)" in written(ax)
    assert "2 opt-outs still open" in ax.get_xlabel()
    assert ax.get_xscale() == "log"
    check_page(ax)
