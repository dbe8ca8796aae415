"""Small tables as the analyses return them, to draw pictures of."""

from datetime import UTC, date, datetime, timedelta

import polars as pl


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year, month, day, …


CHURN = pl.DataFrame(
    {
        "period": [date(2026, 1, 5) + timedelta(weeks=week) for week in range(6)],
        "opt_outs": [80, 1204, 90, 70, 60, 20],
        "re_opt_ins": [10, 20, 130, 0, 30, 5],
        "net_opt_outs": [70, 1184, -40, 70, 30, 15],
        "opted_out_start": [0, 70, 1254, 1214, 1284, 1314],
        "opted_out_end": [70, 1254, 1214, 1284, 1314, 1329],
        "population": [10_000] * 6,
        "opted_in_start": [10_000, 9_930, 8_746, 8_786, 8_716, 8_686],
        "churn_rate": [0.008, 0.12125, 0.01029, 0.00797, 0.00688, 0.0023],
        "net_churn_rate": [0.007, 0.11923, -0.00457, 0.00797, 0.00344, 0.00173],
        "denominator": ["audience"] * 6,
        "complete": [False, True, True, True, True, False],
    }
)


SPIKES = pl.DataFrame(
    {
        "period": [date(2026, 3, 1) + timedelta(days=day) for day in range(20)],
        "opt_outs": [30, 28, 31, 29, 400, 390, 30, 31, 28, 27, 30, 33, 30, 29, 30, 31, 30, 29, 30, 300],
        "expected": [30.0] * 20,
        "low": [15.0] * 20,
        "high": [48.0] * 20,
        "spike": [day in (4, 5, 19) for day in range(20)],
    }
)


TRANSITIONS = pl.DataFrame(
    {
        "from_phone": "72975",
        "to_phone": ["+12025550101", "+12025550102", "+12025550103", "+12025550103"],
        "created_at": [
            datetime(2026, 1, 5, 12, 30, tzinfo=UTC),
            datetime(2026, 1, 12, 12, 59, tzinfo=UTC),
            datetime(2026, 1, 11, 23, 0, tzinfo=UTC),
            datetime(2026, 1, 14, 1, 0, tzinfo=UTC),
        ],
        "kind": ["opt-out", "opt-out", "opt-out", "re-opt-in"],
    }
)


RATES = pl.DataFrame(
    {
        "from_phone": ["72975", "ACME", "+12025550101", "+12025550102", "+447700900001"],
        "recipients": [6000, 500, 240, 40, 0],
        "ever_opted_out": [6000, 500, 240, 4, 0],
        "n": [100_000, 8_000, 2_000, 50, 0],
        "rate": [0.06, 0.0625, 0.12, 0.08, None],
        "low": [0.0585, 0.0574, 0.1065, 0.0315, None],
        "high": [0.0615, 0.068, 0.135, 0.1884, None],
        "shrunk_rate": [0.06, 0.0627, 0.1145, 0.0711, None],
        "limit_low": [0.055, 0.051, 0.044, 0.0, None],
        "limit_high": [0.071, 0.073, 0.084, 0.22, None],
        "signal": ["usual", "usual", "high", "usual", None],
        "denominator": "audience",
    }
)


OVERLAP = pl.DataFrame(
    {
        "sender_a": ["72975", "72975", "ACME"],
        "sender_b": ["ACME", "VERYLONGONE", "VERYLONGONE"],
        "both_out": [100, 0, 10],
        "out_a": [1000, 1000, 400],
        "out_b": [400, 20, 20],
    }
)


RETURN_CURVE = pl.DataFrame(
    {
        "days": [1 / 24, 0.5, 10.0, 40.0, 100.0],
        "at_risk": pl.Series([1250, 1000, 900, 700, 400], dtype=pl.UInt32),
        "returned": [250, 100, 90, 70, 0],
        "censored": [0, 0, 110, 230, 400],
        "still_out": [0.8, 0.72, 0.648, 0.5832, 0.5832],
        "low": [0.777, 0.694, 0.62, 0.55, 0.55],
        "high": [0.821, 0.744, 0.674, 0.614, 0.614],
    }
)


SPELLS = pl.DataFrame(
    {
        "days": [0.0, 5 / 1440, 10 / 1440, 11 / 1440, 3.0, 40.0, 500.0, 12.0, 90.0],
        "returned": [True] * 7 + [False] * 2,
    }
)


CYCLES = pl.DataFrame(
    {
        "from_phone": ["72975", "ACME", "+447700900001"],
        "spells": pl.Series([40_210, 812, 12], dtype=pl.UInt32),
        "cycles": [9_000, 300, 0],
        "relapse_90d": [0.125, 0.0432, None],
        "win_back_1d": [0.05, 0.1, 0.0],
        "win_back_7d": [0.1, 0.2, 0.0],
        "win_back_30d": [0.2, 0.3, None],
    }
)


COHORTS = pl.DataFrame(
    {
        "cohort": [date(2026, 1, 1)] * 3 + [date(2026, 2, 1)] * 2 + [date(2026, 3, 1)],
        "age": pl.Series([0, 1, 2, 0, 1, 0], dtype=pl.UInt32),
        "size": [1200] * 3 + [800] * 2 + [90],
        "returned": [60, 120, 180, 40, 96, 9],
        "share": [0.05, 0.1, 0.15, 0.05, 0.12, 0.1],
        "mature": [True, True, False, True, False, False],
    }
)


STATUS_AT = pl.DataFrame(
    {
        "from_phone": ["72975", "72975", "ACME"],
        "to_phone": ["+12025550101", "+12025550102", "+12025550101"],
        "status": ["opt-out", "opt-in", "opt-out"],
        "since": [utc(2026, 1, 1), utc(2026, 1, 2), utc(2026, 1, 3)],
    }
)


SUPPRESSION_LIST = pl.DataFrame(
    {
        "from_phone": "72975",
        "to_phone": ["+12025550101", "+12025550102", "+12025550103"],
        "opted_out_at": [utc(2026, 1, 31, 23), utc(2026, 1, 1), utc(2026, 3, 1)],
        "opt_outs": [1, 1, 2],
    }
)


SUPPRESSION_DIFF = pl.DataFrame(
    {
        "from_phone": "72975",
        "to_phone": ["+12025550101", "+12025550102", "+12025550103"],
        "change": ["added", "added", "removed"],
        "at": [utc(2026, 1, 1, 3), utc(2026, 1, 1, 4), utc(2026, 1, 5)],
        "status": ["opt-out", "opt-out", "opt-in"],
    }
)


SCRUB = (
    pl.DataFrame({"phone": ["+12025550101"] * 6}),
    pl.DataFrame({"phone": ["x"] * 4, "reason": ["opted out"] * 3 + ["not a phone number"]}),
)


COVERAGE = pl.DataFrame(
    {
        "window_start": [utc(2026, 1, 26), utc(2026, 2, 9), utc(2026, 2, 16)],
        "window_end": [utc(2026, 2, 2), utc(2026, 2, 16), utc(2026, 2, 17, 6)],
        "rows": [700, 1400, 50],
        "duplicates": [0, 1, 0],
        "pages": [7, 14, 1],
        "final": [True, True, False],
        "fetched_at": [utc(2026, 2, 17, 7)] * 3,
    }
)


QUALITY = pl.DataFrame(
    {
        "check": ["duplicates", "invalid numbers", "left edge"],
        "rows": [1204, 3, 1],
        "share": [0.03, 0.0001, None],
        "ok": [True, False, True],
        "meaning": ["", "", ""],
    }
)


TIMELINE = pl.DataFrame(
    {
        "from_phone": ["72975", "72975", "ACME", "72975"],
        "created_at": [utc(2026, 1, 5, 10), utc(2026, 1, 5, 11), utc(2026, 2, 1), utc(2026, 3, 1)],
        "status": ["opt-out", "opt-in", "opt-in", "opt-in"],
        "state_before": ["opt-in", "opt-out", "opt-in", "opt-in"],
        "state_after": ["opt-out", "opt-in", "opt-in", "opt-in"],
        "note": ["", "", "orphan opt-in", "repeat"],
    }
)


COMPARE = pl.DataFrame(
    {
        "from_phone": ["72975", "ACME", "+12025550101", "+12025550102", "+447700900001"],
        "opt_outs_before": [400, 120, 30, 2, 0],
        "opt_outs_after": [200, 130, 90, 3, 12],
        "days_before": 28,
        "days_after": 28,
        "per_day_before": [400 / 28, 120 / 28, 30 / 28, 2 / 28, 0.0],
        "per_day_after": [200 / 28, 130 / 28, 90 / 28, 3 / 28, 12 / 28],
        "ratio": [0.5, 130 / 120, 3.0, 1.5, None],
        "low": [0.4, 0.8, 1.6, None, 1.9],
        "high": [0.62, 1.4, 6.0, None, None],
        "q": [0.001, 0.7, 0.02, None, 0.03],
        "signal": ["fewer", "none seen", "more", None, "more"],
    }
)


LOCAL_TIME = pl.DataFrame(
    {
        "to_phone": ["+12025550101", "+61491570156", "ACME"],
        "time_zone": ["America/New_York", "Australia/Sydney", None],
        "local_time": pl.Series(
            [datetime(2026, 1, 5, 9, 30), datetime(2026, 1, 11, 23, 0), None],  # noqa: DTZ001 - local times
            dtype=pl.Datetime("ms"),
        ),
        "ambiguous": [False, True, None],
    }
)


#: A table for each picture that takes one.
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
    ("compare", COMPARE),
    ("with_local_time", LOCAL_TIME),
]


def by_sender(table: pl.DataFrame, senders: tuple[str, ...]) -> pl.DataFrame:
    return pl.concat([table.select(pl.lit(sender).alias("from_phone"), pl.all()) for sender in senders])
