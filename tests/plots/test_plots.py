import matplotlib.pyplot as plt
import polars as pl
import pytest
from message_tables import OF_MESSAGES
from plot_checks import check_page, written
from plot_tables import EVERY, SCRUB

from optkit import plots
from optkit.errors import HistoryError

ALL = [*EVERY, *OF_MESSAGES]


@pytest.mark.parametrize(("name", "table"), ALL, ids=[name for name, _ in ALL])
def test_plots_draw_on_given_axes(name: str, table: pl.DataFrame) -> None:
    _, ax = plt.subplots()
    assert getattr(plots, name)(table, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(("name", "table"), ALL, ids=[name for name, _ in ALL])
def test_plots_accept_empty_tables_and_one_row(name: str, table: pl.DataFrame) -> None:
    for nothing in (table.clear(), table.clear().to_pandas(), table.clear().lazy()):
        check_page(getattr(plots, name)(nothing))
    check_page(getattr(plots, name)(table.head(1)))


@pytest.mark.parametrize(("name", "table"), ALL, ids=[name for name, _ in ALL])
def test_plots_reject_tables_of_other_functions(name: str, table: pl.DataFrame) -> None:
    with pytest.raises(HistoryError, match=f"plots.{name} takes the result of optkit.{name}"):
        getattr(plots, name)(pl.DataFrame({"other": [1]}))


@pytest.mark.parametrize(("name", "table"), EVERY, ids=[name for name, _ in EVERY])
def test_plots_take_any_frame(name: str, table: pl.DataFrame) -> None:
    expected = sorted(written(getattr(plots, name)(table)))
    for frame in (table.to_pandas(), table.to_arrow(), table.lazy()):
        assert sorted(written(getattr(plots, name)(frame))) == expected


def test_other_objects_than_tables_are_rejected() -> None:
    with pytest.raises(HistoryError, match="table must be a polars, pandas"):
        plots.churn([1, 2])
    assert (
        plots.scrub((SCRUB[0].to_pandas(), SCRUB[1].to_arrow())).get_title() == plots.scrub(SCRUB).get_title()
    )
