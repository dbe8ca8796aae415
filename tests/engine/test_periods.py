from datetime import date
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from histories import moment

from optkit.engine.periods import calendar
from optkit.times import instant, to_ms


@pytest.mark.parametrize(
    ("time_zone", "first", "last"),
    [
        ("UTC", "2024-02-27", "2024-03-02"),
        ("America/New_York", "2025-03-07", "2025-03-12"),
        ("America/New_York", "2025-10-31", "2025-11-04"),
        ("Australia/Lord_Howe", "2025-10-03", "2025-10-07"),
        ("America/Sao_Paulo", "2018-11-02", "2018-11-06"),  # clocks forward at midnight: no 00:00 that day
        ("America/Sao_Paulo", "2018-02-16", "2018-02-19"),  # back at midnight: 23:00 comes twice
        ("America/St_Johns", "2010-11-05", "2010-11-09"),  # back at 00:01: the day before comes twice
        ("Pacific/Apia", "2011-12-28", "2012-01-01"),  # no 30 December
    ],
)
def test_every_minute_lies_in_its_local_day(time_zone: str, first: str, last: str) -> None:
    low, high = to_ms(instant(first)), to_ms(instant(last))
    days = calendar(low, high, "1d", time_zone)
    minutes = [at + step for at in range(low, high, 60_000) for step in (0, 59_999)]
    index = pl.DataFrame({"at": minutes}).select(
        i=days.index(pl.col("at")), day=days.start(days.index(pl.col("at")))
    )
    local = [moment(at).astimezone(ZoneInfo(time_zone)).date() for at in minutes]
    assert index["day"].to_list() == local
    for place, (begin, end) in enumerate(zip(days.begins, days.ends, strict=True)):
        inside = [at for at, i in zip(minutes, index["i"], strict=True) if i == place]
        assert all(begin <= at < end for at in inside)
        assert begin < end or days.starts[place] == date(2011, 12, 30)


@pytest.mark.parametrize("every", ["1d", "1w", "1mo", "2y"])
@pytest.mark.parametrize(
    ("time_zone", "step"),  # months begin on different days of the week, and clocks change between
    [("UTC", 24 * 60), ("America/New_York", 60), ("Australia/Lord_Howe", 30), ("Asia/Kathmandu", 24 * 60)],
)
def test_a_step_stays_in_its_period(every: str, time_zone: str, step: int) -> None:
    first, last = to_ms(instant("2025-03-01")), to_ms(instant("2026-02-01"))
    periods = calendar(first, last, every, time_zone)
    assert periods.step % (step * 60_000) == 0
    at = pl.Series("at", range(first, last, 17 * 60_000 + 1))
    rounded = at - (at - periods.edges[0]) % periods.step
    index = pl.DataFrame([at, rounded.alias("rounded")]).select(
        exact=periods.index(pl.col("at")), rounded=periods.index(pl.col("rounded"))
    )
    assert index["exact"].equals(index["rounded"])


@pytest.mark.parametrize(
    ("every", "starts"),
    [
        ("1w", ["2025-12-29", "2026-01-05"]),
        ("1mo", ["2025-12-01", "2026-01-01"]),
        ("1q", ["2025-10-01", "2026-01-01"]),
        ("1y", ["2025-01-01", "2026-01-01"]),
        ("2y", ["2024-01-01", "2026-01-01"]),
        ("6mo", ["2025-07-01", "2026-01-01"]),
    ],
)
def test_periods_begin_where_the_calendar_says(every: str, starts: list[str]) -> None:
    found = calendar(to_ms(instant("2025-12-31")), to_ms(instant("2026-01-06")), every, "UTC")
    assert found.starts.to_list() == [date.fromisoformat(start) for start in starts]
    assert found.begins == [to_ms(instant(start)) for start in starts]


def test_multiples_of_periods_have_no_gaps() -> None:
    for every in ("2d", "3w", "5mo", "3q", "99y"):
        found = calendar(to_ms(instant("2019-12-31")), to_ms(instant("2026-01-06")), every, "Europe/Berlin")
        assert found.ends[:-1] == found.begins[1:]
        assert found.starts.equals(found.starts.dt.truncate(every))
