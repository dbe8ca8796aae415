"""The caller's titles, colours and styles, in every picture."""

from typing import Any

import matplotlib.pyplot as plt
import polars as pl
import pytest
from cycler import cycler
from matplotlib import dates
from matplotlib.colors import to_hex
from message_tables import OF_MESSAGES
from plot_checks import check_page, written
from plot_tables import CHURN, EVERY, RATES, RETURN_CURVE, SCRUB, TRANSITIONS, by_sender

from optkit import plots
from optkit.errors import SettingsError
from optkit.plots import axes

PICTURES: list[tuple[str, Any]] = [*EVERY, ("scrub", SCRUB), *OF_MESSAGES]
each_picture = pytest.mark.parametrize(("name", "table"), PICTURES, ids=[name for name, _ in PICTURES])


def test_every_picture_is_tested_here() -> None:
    assert {name for name, _ in PICTURES} == set(plots.__all__)


@each_picture
def test_the_callers_title_replaces_the_default(name: str, table: Any) -> None:
    ax = getattr(plots, name)(table, title="Mine")
    assert written(ax).count("Mine") == 1
    assert ax.get_title() == "Mine"
    ax.set_title("Another")
    titles = {ax.get_title(place) for place in ("left", "center", "right")}
    assert titles == {"Another", ""}


def test_a_later_title_replaces_the_default_if_titles_are_on_the_left() -> None:
    with plt.rc_context({"axes.titlelocation": "left"}):
        ax = plots.churn(CHURN)
        ax.set_title("Another")
    assert [ax.get_title(place) for place in ("left", "center", "right")] == ["Another", "", ""]


@each_picture
def test_every_picture_takes_colours_and_rejects_other_values(name: str, table: Any) -> None:
    check_page(getattr(plots, name)(table, colors=["#005577", "#aa3377"]))
    with pytest.raises(SettingsError, match="'blood', which is not a colour"):
        getattr(plots, name)(table, colors=["blood"])


def bar_colors(ax: Any) -> set[str]:
    return {to_hex(bar.get_edgecolor()) for bar in ax.patches}


def test_colours_are_given_in_order_or_by_name() -> None:
    assert bar_colors(plots.churn(CHURN, colors=["#005577", "#aa3377"])) == {"#005577", "#aa3377"}
    assert bar_colors(plots.churn(CHURN, colors={"re-opt-ins": "#005577"})) == {"#bd1f01", "#005577"}
    assert bar_colors(plots.churn(CHURN, colors="#005577")) == {"#005577", "#3f90da"}
    rates = plots.churn(by_sender(CHURN, ("72975", "ACME")), kind="rate", colors={"ACME": "#005577"})
    assert {to_hex(line.get_color()) for line in rates.lines} == {"#bd1f01", "#005577"}
    dots: Any = plots.opt_out_rates(RATES, colors={"high": "#005577"}).collections
    assert "#005577" in {to_hex(color) for dot in dots for color in dot.get_facecolor()}


@pytest.mark.parametrize("kind", ["movement", "rate", "size"])
def test_a_colour_for_a_series_that_the_picture_does_not_have_is_an_error(kind: Any) -> None:
    for name in ("opt_outs", "72975"):
        with pytest.raises(SettingsError, match=f"'{name}', which is not in .* 'opt-outs' and 're-opt-ins'"):
            plots.churn(CHURN, kind=kind, colors={name: "red"})
    plots.churn(CHURN, kind=kind, colors={"re-opt-ins": "red"})


def test_a_sequence_may_have_more_colours_than_there_are_series() -> None:
    assert bar_colors(plots.churn(CHURN, colors=["#005577", "#aa3377", "#111111"])) == {"#005577", "#aa3377"}
    with pytest.raises(SettingsError, match="'blood', which is not a colour"):
        plots.churn(CHURN, colors=["#005577", "#aa3377", "blood"])


def test_a_colour_for_a_group_that_the_table_does_not_have_is_an_error_only_if_no_group_has_one() -> None:
    senders = by_sender(CHURN, ("72975", "ACME"))
    with pytest.raises(SettingsError, match=r"'18182', which is not in .* '72975' and 'ACME'"):
        plots.churn(senders, kind="rate", colors={"18182": "red"})
    rates = plots.churn(senders, kind="rate", colors={"18182": "red", "ACME": "#005577"})
    assert {to_hex(line.get_color()) for line in rates.lines} == {"#bd1f01", "#005577"}
    with pytest.raises(SettingsError, match="'72975', which is not in this picture"):
        plots.churn(senders, colors={"72975": "red"})


def test_groups_beyond_the_drawn_ones_may_have_a_colour() -> None:
    senders = tuple(f"sender {number}" for number in range(9))
    table = by_sender(CHURN, senders)
    rates = plots.churn(table, kind="rate", colors={"sender 8": "#005577"})
    assert {"sender 0", "sender 5", "sender 8"} <= set(written(rates))
    assert "sender 7" not in written(rates)
    assert "#005577" in {to_hex(line.get_color()) for line in rates.lines}
    check_page(rates)
    curves = plots.return_curve(by_sender(RETURN_CURVE, senders), colors=dict.fromkeys(senders, "#005577"))
    assert len(curves.lines) == 3


def test_a_heat_map_has_shades_of_the_first_colour() -> None:
    image = plots.transitions(TRANSITIONS, colors=["#005577"]).images[0]
    assert to_hex(image.cmap(1.0)) == "#005577"
    assert to_hex(image.cmap(0.0)) == "#ffffff"


def test_colours_and_style_of_the_caller_are_respected() -> None:
    with plt.rc_context({"axes.prop_cycle": cycler(color=["#111111", "#777777"]), "axes.grid": True}):
        assert bar_colors(plots.churn(CHURN)) == {"#111111", "#777777"}
        curves = plots.return_curve(by_sender(RETURN_CURVE, ("72975", "ACME"))).lines
        assert [to_hex(line.get_color()) for line in curves] == ["#111111", "#777777"]
    with plt.style.context("dark_background"):
        ax: Any = plots.churn(CHURN)
        assert to_hex(ax.get_facecolor()) == to_hex(ax.figure.get_facecolor()) == "#000000"
        assert to_hex(ax.lines[0].get_color()) == "#ffffff"
        assert all(sum(text.get_color()[:3]) > 1 for text in ax.texts if text.get_text() == "opt-outs")


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ("2025-06-30", "2026-07-06", ["Jul\n2025", "Sep", "Nov", "Jan\n2026", "Mar", "May", "Jul"]),
        ("2026-05-30", "2026-07-02", ["1 Jun\n2026", "8 Jun", "15 Jun", "22 Jun", "1 Jul"]),
        ("2025-12-14", "2026-01-20", ["15 Dec\n2025", "22 Dec", "1 Jan\n2026", "8 Jan", "15 Jan"]),
        (
            "2026-06-30 14:00",
            "2026-07-01 07:00",
            ["15:00\n30 Jun 2026", "18:00", "21:00", "00:00\n1 Jul 2026", "03:00", "06:00"],
        ),
        ("2019-06-01", "2026-06-01", ["2020", "2021", "2022", "2023", "2024", "2025", "2026"]),
    ],
)
def test_dates_have_their_year_where_it_begins(first: str, last: str, labels: list[str]) -> None:
    figure, ax = plt.subplots(figsize=(9, 4.5))
    ax.set_xlim(dates.datestr2num([first, last]))
    axes.date_axis(ax)
    figure.draw_without_rendering()
    low, high = ax.get_xlim()
    shown = [tick for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert [tick.label1.get_text() for tick in shown] == labels
    assert ax.xaxis.get_offset_text().get_text() == ""


@each_picture
def test_labels_on_axes_of_the_caller_are_not_cut_off(name: str, table: Any) -> None:
    figure, ax = plt.subplots(figsize=(9, 5))
    getattr(plots, name)(table, ax=ax)
    check_page(ax)
    assert len(figure.axes) <= 2


def test_the_callers_layout_stays() -> None:
    figure, ax = plt.subplots(layout="tight")
    before = figure.get_layout_engine()
    plots.churn(CHURN, ax=ax)
    assert figure.get_layout_engine() is before


@pytest.mark.parametrize(
    ("name", "table"), [("churn", CHURN), ("opt_out_rates", RATES), ("transitions", TRANSITIONS)]
)
def test_an_unknown_kind_is_an_error_that_names_the_kinds(name: str, table: pl.DataFrame) -> None:
    with pytest.raises(SettingsError, match=r"kind must be one of '.*', not 'rates'"):
        getattr(plots, name)(table, kind="rates")
