from typing import Any

from plot_checks import check_page, written
from plot_tables import SCRUB

from optkit import plots


def test_scrub_counts_kept_contacts_and_each_reason() -> None:
    ax: Any = plots.scrub(SCRUB)
    assert [bar.get_width() for bar in ax.patches] == [6, 3, 1]
    assert {"6 (60.0%)", "3 (30.0%)", "opted out", "not a phone number"} <= set(written(ax))
    check_page(ax)
    check_page(plots.scrub((SCRUB[0].clear(), SCRUB[1].clear())))
