from typing import Any

import numpy as np
from plot_checks import check_page, written
from plot_tables import COHORTS

from optkit import plots


def test_cohorts_label_each_cell_and_draw_immature_cells_grey() -> None:
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
    assert "grey" in ax.get_xlabel()
    assert "grey" not in plots.cohorts(COHORTS.filter("mature")).get_xlabel()
    check_page(ax)
