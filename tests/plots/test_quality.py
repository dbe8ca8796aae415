from typing import Any

from plot_checks import check_page, written
from plot_tables import QUALITY

from optkit import plots


def test_quality_marks_failed_checks() -> None:
    ax: Any = plots.quality(QUALITY)
    assert {"duplicates  ✓", "invalid numbers  ✗", "1,204 (3.0%)", "3 (0.010%)"} <= set(written(ax))
    assert ax.get_title() == "1 check of 3 to look at"
    check_page(ax)
