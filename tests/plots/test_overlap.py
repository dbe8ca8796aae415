from typing import Any

import numpy as np
from plot_checks import check_page, written
from plot_tables import OVERLAP

from optkit import plots


def test_overlap_shares_are_of_the_sender_of_the_row() -> None:
    ax: Any = plots.overlap(OVERLAP)
    shares = np.ma.filled(ax.images[0].get_array(), np.nan)
    assert shares[0, 1] == 0.1, "100 of the 1,000 out of 72975 are out of ACME"
    assert shares[1, 0] == 0.25, "100 of the 400 out of ACME are out of 72975"
    assert np.isnan(shares[0, 0])
    assert {"72975 (1,000)", "25.0%", "50.0%"} <= set(written(ax))
    check_page(ax)
