from typing import Any

import numpy as np
import polars as pl
import pytest
from plot_checks import check_page, written
from plot_tables import RATES

from optkit import plots


def test_funnel_names_senders_outside_the_limits_and_its_denominator() -> None:
    ax: Any = plots.opt_out_rates(RATES)
    assert "+12025550101" in written(ax)
    assert "ACME" not in written(ax)
    assert "overall\n6.1%" in written(ax), "6,744 of 110,050"
    assert "audience" in ax.get_xlabel()
    assert "seen in the history" in plots.opt_out_rates(RATES.with_columns(denominator=None)).get_xlabel()
    check_page(ax)


def test_funnel_limits_match_the_formula() -> None:
    ax: Any = plots.opt_out_rates(RATES.with_columns(ever_opted_out=pl.col("n") // 10, rate=0.1))
    outline = ax.collections[0].get_paths()[0].vertices
    at_1000 = outline[np.abs(np.log(outline[:, 0] / 1000)) < 0.02][:, 1]
    assert at_1000.min() == pytest.approx(0.0726, abs=0.001), (
        "sin(asin(sqrt(0.1)) - 3.0902 / sqrt(4000)) squared"
    )
    assert at_1000.max() == pytest.approx(0.1311, abs=0.001)


def test_dumbbell_has_one_row_per_sender_with_both_rates_and_the_signal() -> None:
    ax: Any = plots.opt_out_rates(RATES, kind="dumbbell")
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == ["+12025550101 (2,000)", "+12025550102 (50)", "ACME (8,000)", "72975 (100,000)"]
    assert written(ax).count("usual") == 3
    raw, shrunken = (points.get_offsets()[:, 0].tolist() for points in ax.collections[-2:])
    assert raw == [0.12, 0.08, 0.0625, 0.06]
    assert shrunken == [0.1145, 0.0711, 0.0627, 0.06]
    check_page(ax)
