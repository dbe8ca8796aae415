import polars as pl
import pytest
from lifelines.statistics import multivariate_logrank_test

from optkit.analysis.return_differences import return_differences
from optkit.engine.statistics import kaplan_meier, shrink


def curve(country: str | None, days: list[float], returned: list[int], censored: list[int]) -> pl.DataFrame:
    estimate = kaplan_meier(returned, censored)
    columns = {"days": days, "returned": returned, "censored": censored}
    estimated = {"at_risk": estimate.at_risk, "still_out": estimate.still_out}
    limits = {"low": estimate.low, "high": estimate.high}
    return pl.DataFrame({"country": country, **columns, **estimated, **limits}).cast({"country": pl.String})


CURVES = pl.concat(
    [
        curve("CA", [10, 100], [4, 30], [0, 66]),
        curve("US", [10, 100], [400, 0], [0, 600]),
        curve(None, [95], [0], [7]),
    ]
)


def test_shares_are_shrunken_by_the_number_of_opt_outs() -> None:
    shares, _ = return_differences(CURVES, days=90)
    assert shares["country"].to_list()[0] == "US"
    rows = {row["country"]: row for row in shares.iter_rows(named=True)}
    assert [rows[name]["opt_outs"] for name in ("CA", "US", None)] == [100, 1000, 7]
    assert [rows[name]["share"] for name in ("CA", "US", None)] == pytest.approx([0.04, 0.4, 0.0])
    # nobody is censored before day 90, so that the shares rest on all opt-outs
    expected = shrink([4, 400, 0], [100, 1000, 7])
    assert [rows[name]["shrunk_share"] for name in ("CA", "US", None)] == pytest.approx(expected, rel=1e-5)


@pytest.mark.filterwarnings("ignore:Starting with pandas")  # lifelines calls pandas so
def test_the_test_matches_lifelines_without_later_times() -> None:
    durations = [*[10] * 4, *[91] * 96, *[10] * 400, *[91] * 600, *[91] * 7]
    ended = [*[1] * 4, *[0] * 96, *[1] * 400, *[0] * 600, *[0] * 7]
    expected = multivariate_logrank_test(durations, [0] * 100 + [1] * 1000 + [2] * 7, ended)
    assert return_differences(CURVES, days=90).p_value == pytest.approx(expected.p_value, rel=1e-6)
