from typing import Any

from plot_checks import check_page, written
from plot_tables import STATUS_AT, SUPPRESSION_DIFF, SUPPRESSION_LIST

from optkit import plots


def test_status_at_counts_opted_out_and_opted_in_per_sender() -> None:
    ax: Any = plots.status_at(STATUS_AT)
    assert {"72975", "1 out, 1 in", "ACME", "1 out, 0 in"} <= set(written(ax))
    check_page(ax)
    assert "2 out, 1 in" in written(plots.status_at(STATUS_AT.drop("from_phone")))


def test_suppression_list_counts_opt_outs_per_month() -> None:
    ax: Any = plots.suppression_list(SUPPRESSION_LIST)
    assert [bar.get_height() for bar in ax.patches] == [2, 1]
    assert "the 3 on the list" in ax.get_title()
    check_page(ax)


def test_suppression_diff_draws_additions_up_and_removals_down() -> None:
    ax: Any = plots.suppression_diff(SUPPRESSION_DIFF)
    assert [bar.get_height() for bar in ax.patches] == [2, 0, 0, -1]
    assert {"2 added", "1 removed"} <= set(written(ax))
    check_page(ax)
