from typing import Any

from plot_checks import check_page, written
from plot_tables import CYCLES, RETURN_CURVE, by_sender

from optkit import plots


def test_return_curve_rises_and_shows_numbers_at_risk() -> None:
    ax: Any = plots.return_curve(RETURN_CURVE)
    heights = [round(height, 4) for height in ax.lines[0].get_ydata()]
    assert heights == [0.0, 0.2, 0.28, 0.352, 0.4168, 0.4168]
    assert ax.get_xlim() == (0, 90)
    assert "0\n1,250" in written(ax)
    assert "60\n400" in written(ax), "at 60 days, those of the row at 100 days are still at risk"
    assert "41.7% back" in written(ax)
    check_page(ax)
    check_page(plots.return_curve(RETURN_CURVE, days=30))


def test_return_curve_draws_the_three_largest_groups() -> None:
    ax: Any = plots.return_curve(by_sender(RETURN_CURVE, ("72975", "ACME", "+12025550101", "+447700900001")))
    assert len(ax.lines) == 3
    assert "0\n1,250\n1,250\n1,250" in written(ax)
    check_page(ax)


def test_cycles_has_one_row_per_sender_and_one_dot_per_horizon() -> None:
    ax: Any = plots.cycles(CYCLES)
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == ["72975 (40,210)", "ACME (812)", "+447700900001 (12)"]
    assert "1, 7, 30 days" in ax.get_xlabel()
    assert {"12.5% left again\nwithin 90 days of it", "4.3% left again\nwithin 90 days of it"} <= set(
        written(ax)
    )
    check_page(ax)
