import matplotlib.pyplot as plt
import polars as pl
import pytest
from plot_checks import check_page
from plot_tables import (
    CHURN,
    COHORTS,
    COVERAGE,
    CYCLES,
    OVERLAP,
    QUALITY,
    RATES,
    RETURN_CURVE,
    SPELLS,
    SPIKES,
    STATUS_AT,
    SUPPRESSION_DIFF,
    SUPPRESSION_LIST,
    TIMELINE,
    TRANSITIONS,
)

from optkit import plots
from optkit.errors import HistoryError

EVERY = [
    ("churn", CHURN),
    ("spikes", SPIKES),
    ("transitions", TRANSITIONS),
    ("opt_out_rates", RATES),
    ("overlap", OVERLAP),
    ("return_curve", RETURN_CURVE),
    ("spells", SPELLS),
    ("cycles", CYCLES),
    ("cohorts", COHORTS),
    ("status_at", STATUS_AT),
    ("suppression_list", SUPPRESSION_LIST),
    ("suppression_diff", SUPPRESSION_DIFF),
    ("coverage", COVERAGE),
    ("quality", QUALITY),
    ("timeline", TIMELINE),
]


@pytest.mark.parametrize(("name", "table"), EVERY, ids=[name for name, _ in EVERY])
def test_plots_draw_on_given_axes(name: str, table: pl.DataFrame) -> None:
    _, ax = plt.subplots()
    assert getattr(plots, name)(table, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(("name", "table"), EVERY, ids=[name for name, _ in EVERY])
def test_plots_accept_empty_tables_and_one_row(name: str, table: pl.DataFrame) -> None:
    check_page(getattr(plots, name)(table.clear()))
    check_page(getattr(plots, name)(table.head(1)))


@pytest.mark.parametrize(("name", "table"), EVERY, ids=[name for name, _ in EVERY])
def test_plots_reject_tables_of_other_functions(name: str, table: pl.DataFrame) -> None:
    with pytest.raises(HistoryError, match=f"plots.{name} takes what optkit.{name} returned"):
        getattr(plots, name)(pl.DataFrame({"other": [1]}))
