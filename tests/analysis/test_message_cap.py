import polars as pl
import pytest
from scipy import stats

from optkit.analysis.message_cap import cap_savings

FATIGUE = pl.DataFrame({"exposures_recent": [1, 2, 3], "exposures": [800, 150, 50], "opt_outs": [8, 6, 4]})
RATES = pl.DataFrame({"exposures": [600, 400], "expected": [1.0, 4.0]})  # 5 of 1,000 leave without a message


def test_cap_savings_count_messages_beyond_each_cap() -> None:
    table = cap_savings(FATIGUE, RATES)
    assert table.select("cap", "exposures_saved", "exposures_share").rows() == [(1, 200, 0.2), (2, 50, 0.05)]
    assert table["opt_outs_saved"].to_list() == pytest.approx([10 - 1.0, 4 - 0.25])


def test_cap_savings_interval_is_the_exact_poisson_interval() -> None:
    table = cap_savings(FATIGUE, RATES, confidence=0.9)
    low, high = stats.chi2.ppf(0.05, 2 * 10) / 2, stats.chi2.ppf(0.95, 2 * 11) / 2
    assert table.select("opt_outs_saved_low", "opt_outs_saved_high").row(0) == pytest.approx(
        (low - 1, high - 1)
    )


def test_cap_savings_are_empty_without_messages() -> None:
    assert cap_savings(FATIGUE.clear(), RATES.clear()).is_empty()
