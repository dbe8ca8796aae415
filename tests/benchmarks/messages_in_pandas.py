"""The cases of the benchmark of messages in pandas, as a careful user writes them: merge_asof, groupby, shift."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
from messages_in_duckdb import DAY, WINDOW
from messages_in_optkit import comparable

PAIR = ["from_phone", "to_phone"]
_STATUSES = ["delivered", "undelivered", "failed", "skipped"]
_FILES: list[Path] = []


def prepare(case: str, events: Path, messages: Path, threads: int) -> None:
    """Note the files; pandas reads them within each case."""
    assert threads
    _FILES[:] = [events, messages]


def _messages(*columns: str) -> pd.DataFrame:
    """Return messages in order of time; of those in one second the greatest message_id is the last."""
    messages = pd.read_parquet(
        _FILES[1], columns=[*PAIR, "message_id", "sent_at", "delivery_status", *columns]
    )
    messages["ms"] = messages.pop("sent_at").astype("int64")
    messages["reached"] = messages["delivery_status"].isin(["sent", "delivered"])
    return messages.sort_values(["ms", "message_id"], ignore_index=True)


def _runs() -> pd.DataFrame:
    """Return one row per change of state; those who only opted in are left out."""
    events = pd.read_parquet(_FILES[0])
    events["ms"] = events.pop("created_at").astype("int64")
    events["out"] = events.pop("status") == "opt-out"
    settled = events.groupby([*PAIR, "ms"], as_index=False)["out"].max()
    was = settled.groupby(PAIR)["out"].shift(fill_value=False)
    return settled[settled["out"] != was].sort_values("ms", ignore_index=True)


def _exposures(messages: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the messages that were reached while their pair was opted in."""
    reached = messages[messages["reached"]]
    joined = pd.merge_asof(reached, runs, on="ms", by=PAIR, allow_exact_matches=False)
    return joined[~joined.pop("out").eq(True)]


def _attributed(exposures: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the opt-outs with the last exposure before each."""
    sent = exposures.assign(sent=exposures["ms"])
    return pd.merge_asof(runs[runs["out"]].drop(columns="out"), sent, on="ms", by=PAIR)


def _stretches(exposures: pd.DataFrame, runs: pd.DataFrame, until: int) -> pd.DataFrame:
    """Return the times opted in after an exposure: from each exposure or re-opt-in to what comes next."""
    points = pd.concat(
        [
            exposures[[*PAIR, "ms", "campaign_id", "message_id"]].assign(kind=0, sent=exposures["ms"]),
            runs[[*PAIR, "ms"]].assign(kind=1 + runs["out"], message_id=0),
        ]
    )
    points["change"] = points["kind"] > 0
    points = points.sort_values([*PAIR, "ms", "change", "message_id"], ignore_index=True)
    pairs = points.groupby(PAIR, sort=False)
    points["end"] = pairs["ms"].shift(-1).fillna(until)
    points["sent"] = pairs["sent"].ffill()
    points = points[(points["kind"] < 2) & points["sent"].notna()]
    return points.assign(begin=points["ms"] - points["sent"], end=points["end"] - points["sent"])


def _last_event() -> int:
    return int(pd.read_parquet(_FILES[0], columns=["created_at"])["created_at"].astype("int64").max())


def _audience() -> pd.DataFrame:
    messages = _messages()
    by = messages.groupby("from_phone")
    counts = pd.crosstab(messages["from_phone"], messages["delivery_status"])[_STATUSES]
    recipients = messages[messages["reached"]].groupby("from_phone")["to_phone"].nunique()
    whole = by.agg(messages=("ms", "size"), first_sent_at=("ms", "min"), last_sent_at=("ms", "max"))
    return whole.join(counts).assign(recipients=recipients).fillna({"recipients": 0}).reset_index()


def _attribution() -> pd.DataFrame:
    messages, runs = _messages(), _runs()
    exposures = _exposures(messages, runs)
    table = _attributed(exposures, runs).rename(columns={"ms": "opted_out_at"})
    waited, since = table["opted_out_at"] - table["sent"], messages["ms"].min()
    table["source"] = "unknown"
    table.loc[table["opted_out_at"] - WINDOW >= since, "source"] = "none"
    table.loc[waited.notna(), "source"] = "earlier"
    table.loc[waited <= WINDOW, "source"] = "message"
    near = table[[*PAIR, "opted_out_at"]].merge(exposures[[*PAIR, "ms"]], on=PAIR)
    near = near[(near["ms"] <= near["opted_out_at"]) & (near["ms"] > near["opted_out_at"] - 7 * DAY)]
    recent = near.groupby([*PAIR, "opted_out_at"]).size().rename("messages_7d")
    return table.join(recent, on=[*PAIR, "opted_out_at"]).fillna({"messages_7d": 0})


def _campaign_rates() -> pd.DataFrame:
    messages, runs = _messages("campaign_id"), _runs()
    exposures = _exposures(messages, runs)
    left = _attributed(exposures, runs)
    waited = left["ms"] - left["sent"]
    stretches = _stretches(exposures, runs, max(messages["ms"].max(), _last_event()))
    exposed = stretches["kind"] == 0
    stretches["covered"] = stretches["end"].clip(upper=WINDOW).where(exposed, 0)
    stretches["uncovered"] = stretches["end"] - stretches["begin"] - stretches["covered"]
    earlier = left[waited > WINDOW].groupby("from_phone").size()
    uncovered = stretches.groupby("from_phone")["uncovered"].sum()
    hazard = earlier.reindex(uncovered.index, fill_value=0) / uncovered
    stretches = stretches[exposed]
    stretches = stretches.assign(expected=stretches["covered"] * stretches["from_phone"].map(hazard))
    table = stretches.groupby("campaign_id").agg(
        exposures=("ms", "size"), recipients=("to_phone", "nunique"), expected=("expected", "sum")
    )
    table["messages"] = messages.groupby("campaign_id").size()
    table["opt_outs"] = left[waited <= WINDOW].groupby("campaign_id").size()
    return table.fillna({"opt_outs": 0}).reset_index()


def _leaks() -> pd.DataFrame:
    runs = _runs()
    held = pd.merge_asof(
        _messages("failure"),
        runs.assign(opted_out_at=runs["ms"]),
        on="ms",
        by=PAIR,
        allow_exact_matches=False,
    )
    table = held[held["out"].eq(True)].copy()
    table["opted_out_at"] = table["opted_out_at"].astype("int64")
    table["blocked"] = table["failure"] == "unsubscribed"
    first = table.groupby([*PAIR, "opted_out_at"]).cumcount() == 0
    table["confirmation"] = first & (table["ms"] - table["opted_out_at"] <= 300_000)
    return table


def _list_growth() -> pd.DataFrame:
    messages, runs = _messages(), _runs()
    events = pd.read_parquet(_FILES[0], columns=[*PAIR, "created_at"])
    events["ms"] = events.pop("created_at").astype("int64")
    seen = pd.concat([messages.loc[messages["reached"], [*PAIR, "ms"]], events])
    flows = pd.concat(
        [
            seen.groupby(PAIR, as_index=False)["ms"].min()[["ms"]].assign(joined=1),
            runs[["ms"]].assign(re_opt_ins=(~runs["out"]).astype(int), opt_outs=runs["out"].astype(int)),
        ]
    ).fillna(0)
    days = flows["ms"].clip(lower=messages["ms"].min()) // DAY
    monday = (days + 3) // 7 * 7 - 3  # 1970 began on a Thursday
    flows["period"] = pd.to_datetime(monday, unit="D").dt.date
    table = flows.groupby("period", as_index=False)[["joined", "re_opt_ins", "opt_outs"]].sum()
    net = table["joined"] + table["re_opt_ins"] - table["opt_outs"]
    table["list_end"] = net.cumsum()
    return table.assign(list_start=table["list_end"] - net)


CASES: dict[str, Callable[[], pd.DataFrame]] = {
    "audience": _audience,
    "attribution": _attribution,
    "campaign_rates": _campaign_rates,
    "leaks": _leaks,
    "list_growth": _list_growth,
}


def answer(case: str) -> pl.DataFrame:
    """Answer one case."""
    return comparable(case, pl.from_pandas(CASES[case]()))
