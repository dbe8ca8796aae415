import numpy as np
from plot_checks import check_page
from plot_tables import LOCAL_TIME

from optkit import plots


def test_hours_are_those_of_the_recipients() -> None:
    ax = plots.with_local_time(LOCAL_TIME)
    counts = np.asarray(ax.images[0].get_array())
    assert counts.sum() == 2
    assert counts[0, 9] == 1, "a Monday"
    assert counts[6, 23] == 1, "a Sunday"
    assert "33.3% may be in another time zone" in ax.get_xlabel()
    assert "33.3% have none" in ax.get_xlabel()
    check_page(ax)
