"""The cases of the benchmark in pandas, as a careful user writes them: sort once, then shift."""

from pathlib import Path

import pandas as pd
import polars as pl
from in_optkit import AT, ZONE

PAIR = ["from_phone", "to_phone"]


def prepare(path: Path, threads: int) -> None:
    """Nothing: pandas reads the file within each case."""
    assert path.exists()
    assert threads


def _states(path: Path, at: str | None = None) -> pd.DataFrame:
    """Return settled events in order, with the state before each."""
    events = pd.read_parquet(path)
    if at is not None:
        events = events[events["created_at"] <= pd.Timestamp(at, tz="UTC")]
    events["out"] = events.pop("status") == "opt-out"
    events = events.sort_values([*PAIR, "created_at", "out"], ignore_index=True)
    sender, recipient, time = events["from_phone"], events["to_phone"], events["created_at"]
    same = (sender == sender.shift(-1)) & (recipient == recipient.shift(-1)) & (time == time.shift(-1))
    events = events[~same].reset_index(drop=True)
    sender, recipient = events["from_phone"], events["to_phone"]
    known = (sender == sender.shift()) & (recipient == recipient.shift())
    events["was"] = known & events["out"].shift(fill_value=False)
    return events


def _moves(path: Path, at: str | None = None) -> pd.DataFrame:
    events = _states(path, at)
    return events[events["out"] != events["was"]].reset_index(drop=True)


def _spells(path: Path) -> pd.DataFrame:
    events = _states(path)
    until = events["created_at"].max()
    moves = events[events["out"] != events["was"]].reset_index(drop=True)
    follows = (moves["from_phone"] == moves["from_phone"].shift(-1)) & (
        moves["to_phone"] == moves["to_phone"].shift(-1)
    )
    moves["returned_at"] = moves["created_at"].shift(-1).where(follows)
    spells = moves[moves["out"]].copy()
    lasted = spells["returned_at"].fillna(until) - spells["created_at"]
    spells["hours"] = -(-(lasted // pd.Timedelta(milliseconds=1)) // 3_600_000)
    spells["returned"] = spells["returned_at"].notna()
    return spells


def _rates(path: Path) -> pd.DataFrame:
    events = _states(path)
    events["opt_outs"] = events["out"] & ~events["was"]
    events["re_opt_ins"] = ~events["out"] & events["was"]
    pairs = events.groupby(PAIR, sort=False)[["opt_outs", "re_opt_ins"]].sum().reset_index("from_phone")
    pairs["recipients"] = 1
    pairs["ever_opted_out"] = pairs["opt_outs"] > 0
    pairs["opted_out"] = pairs["opt_outs"] > pairs["re_opt_ins"]
    return pairs.groupby("from_phone").sum().reset_index()


def _churn(path: Path) -> pd.DataFrame:
    moves = _moves(path)
    local = moves["created_at"].dt.tz_convert(ZONE).dt.tz_localize(None)
    day = local.dt.normalize()
    moves["period"] = day - pd.to_timedelta(day.dt.weekday, unit="D")
    moves["opt_outs"] = moves["out"]
    moves["re_opt_ins"] = ~moves["out"]
    weeks = moves.groupby("period")[["opt_outs", "re_opt_ins"]].sum().reset_index()
    weeks["opted_out_end"] = (weeks["opt_outs"] - weeks["re_opt_ins"]).cumsum()
    return weeks


def _return_curve(path: Path) -> pd.DataFrame:
    spells = _spells(path)
    table = spells.groupby("hours")["returned"].agg(["sum", "count"]).reset_index()
    return pd.DataFrame(
        {"hours": table["hours"], "returned": table["sum"], "censored": table["count"] - table["sum"]}
    )


def _cycles(path: Path) -> pd.DataFrame:
    spells = _spells(path)
    spells.groupby(["from_phone", "hours"])["returned"].agg(["sum", "count"])
    pairs = spells.groupby(PAIR, sort=False)["returned"].agg(spells="count", cycles="sum").reset_index()
    pairs["open_spells"] = pairs["spells"] - pairs["cycles"]
    pairs["relapses"] = pairs["spells"] - 1
    pairs["recipients"] = 1
    groups = pairs.drop(columns="to_phone").groupby("from_phone")
    return groups.sum().join(groups["cycles"].max().rename("max_cycles")).reset_index()


def _suppression_list(path: Path) -> pd.DataFrame:
    moves = _moves(path, AT)
    pairs = moves.groupby(PAIR)
    table = pairs["out"].agg(["sum", "count"]).rename(columns={"sum": "opt_outs"})
    table["opted_out_at"] = pairs["created_at"].max()
    return table[table["count"] % 2 == 1].reset_index()


def _cohorts(path: Path) -> pd.DataFrame:
    moves = _moves(path)
    month = moves["created_at"].dt.year * 12 + moves["created_at"].dt.month
    firsts = month.groupby([moves["from_phone"], moves["to_phone"], moves["out"]], sort=False).min().unstack()  # noqa: PD010 - pivot_table would group once more
    back = firsts.dropna()
    table = pd.DataFrame({"cohort": back[True], "age": back[False] - back[True]}).value_counts().reset_index()
    table["cohort"] = pd.to_datetime(
        {"year": (table["cohort"] - 1) // 12, "month": (table["cohort"] - 1) % 12 + 1, "day": 1}
    )
    return table.rename(columns={"count": "returned"}).sort_values(["cohort", "age"])


CASES = {
    "opt_out_rates": _rates,
    "churn": _churn,
    "return_curve": _return_curve,
    "cycles": _cycles,
    "suppression_list": _suppression_list,
    "cohorts": _cohorts,
}


def answer(case: str, path: Path) -> pd.DataFrame:
    """Answer one case."""
    return CASES[case](path)


def comparable(case: str, table: pd.DataFrame) -> pl.DataFrame:
    """Return an answer with the columns and types that all engines share."""
    from in_optkit import COLUMNS

    shared = pl.from_pandas(table)
    dates = [name for name in ("period", "cohort") if name in shared.columns]
    moments = [name for name in ("opted_out_at",) if name in shared.columns]
    return (
        shared.with_columns(pl.col(dates).cast(pl.Date), pl.col(moments).dt.epoch("ms"))
        .select(pl.col(COLUMNS[case]).pipe(lambda column: column))
        .with_columns(pl.selectors.numeric().cast(pl.Int64))
    )
