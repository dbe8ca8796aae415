from typing import Any

import numpy as np
from plot_checks import check_page
from plot_tables import COVERAGE

from optkit import plots


def test_coverage_has_one_cell_per_day_and_hatches_missing_days() -> None:
    ax: Any = plots.coverage(COVERAGE)
    rates = np.ma.filled(ax.images[0].get_array(), np.nan)
    assert (rates[0, 25], rates[1, 0], rates[1, 8]) == (100, 100, 200)
    assert np.isnan(rates[1, 1])
    hatched = [patch for patch in ax.patches if patch.get_hatch()]
    assert len(hatched) == 7
    assert len(ax.patches) - len(hatched) == 2, "16 and 17 February may still change"
    assert "hatched: 7 days missing" in ax.get_xlabel()
    assert ax.get_title() == "What is loaded: 2,150 events"
    check_page(ax)
