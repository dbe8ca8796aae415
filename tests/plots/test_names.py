"""Senders and campaigns may have any name: pictures draw them without a warning."""

from typing import Any

import matplotlib.pyplot as plt
import polars as pl
import pytest
from plot_checks import check_page, written
from plot_tables import CHURN, CYCLES, OVERLAP, RATES, RETURN_CURVE, STATUS_AT, by_sender

from optkit import plots

LONG = "A" * 5000 + "Z"
SHORT = "A" * 16 + "…" + "A" * 14 + "Z"


@pytest.mark.parametrize(
    "name",
    [
        LONG,
        "cost $5 and $10",
        "\N{GRINNING FACE}",
        "tab\tand\x1b[31mcolour",
        "\N{CJK UNIFIED IDEOGRAPH-6F22}",
    ],
)
def test_pictures_can_draw_any_name(name: str) -> None:
    renamed = pl.col("from_phone").replace("ACME", name)
    check_page(plots.churn(by_sender(CHURN, ("72975", name)), kind="rate"))
    check_page(plots.opt_out_rates(RATES.with_columns(renamed), kind="dumbbell"))
    check_page(plots.status_at(STATUS_AT.with_columns(renamed)))
    check_page(plots.cycles(CYCLES.with_columns(renamed)))
    # names stand on both sides of these two: ticks may meet, but nothing collapses and nothing warns
    narrow: list[Any] = [
        plots.return_curve(by_sender(RETURN_CURVE, ("72975", name))),
        plots.overlap(OVERLAP.with_columns(pl.col("sender_a", "sender_b").replace("ACME", name))),
    ]
    for ax in narrow:
        ax.figure.draw_without_rendering()


def test_long_names_are_shortened_in_the_middle_and_dollars_are_not_formulas() -> None:
    table = STATUS_AT.with_columns(pl.col("from_phone").replace({"72975": LONG, "ACME": "$5 or $10"}))
    assert {SHORT, r"\$5 or \$10"} <= set(written(plots.status_at(table)))


def test_names_without_glyphs_are_squares() -> None:
    table = STATUS_AT.with_columns(
        pl.col("from_phone").replace("ACME", "\N{CJK UNIFIED IDEOGRAPH-6F22} shop")
    )
    assert "\N{WHITE SQUARE} shop" in written(plots.status_at(table))


def test_the_callers_own_texts_stay() -> None:
    _, ax = plt.subplots()
    own = ax.text(0, 0, r"$\alpha$" + "x" * 100)
    plots.status_at(STATUS_AT, ax=ax)
    assert own.get_text() == r"$\alpha$" + "x" * 100
