from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from histories import Event, frame

import optkit
from optkit.engine import partitions
from optkit.engine.aggregate import PartialSum, aggregate, partial_sum
from optkit.engine.periods import Stretch
from optkit.engine.states import Partition

HISTORY = frame(
    [
        Event("+12025550101", "ACME", 1_767_225_600_000, "opt-out"),
        Event("12025550101", "ACME", 1_767_225_600_001, "opt-out"),
        Event("+12025550101", "24273", 1_768_435_200_000, "opt-in"),
    ]
)
TEXT = HISTORY.with_columns(pl.col("status").cast(pl.String))


def others() -> dict[str, Any]:
    micro = TEXT.with_columns(pl.col("created_at").dt.cast_time_unit("us"))
    arrow = micro.to_arrow()
    pandas = pd.DataFrame(
        {
            "to_phone": TEXT["to_phone"].to_list(),
            "from_phone": pd.Categorical(TEXT["from_phone"].to_list()),
            "created_at": pd.to_datetime(TEXT["created_at"].to_list()).tz_convert("Asia/Kolkata"),
            "status": pd.Categorical(TEXT["status"].to_list()),
            "note": 1,
        },
        index=["a", "b", "c"],
    )
    return {
        "LazyFrame": HISTORY.lazy(),
        "strings": TEXT,
        "nanoseconds": TEXT.with_columns(pl.col("created_at").dt.cast_time_unit("ns")),
        "another zone": HISTORY.with_columns(pl.col("created_at").dt.convert_time_zone("Asia/Kolkata")),
        "categories": HISTORY.cast({"to_phone": pl.Categorical, "status": pl.Categorical}),
        "pyarrow": arrow,
        "pandas": pandas,
    }


@pytest.mark.parametrize("name", list(others()))
def test_any_frame_gives_the_same_result(name: str) -> None:
    assert optkit.transitions(others()[name]).equals(optkit.transitions(HISTORY))
    assert optkit.churn(others()[name], by="from_phone").equals(optkit.churn(HISTORY, by="from_phone"))


def test_a_duckdb_relation_gives_the_same_result() -> None:
    events = TEXT.to_arrow()
    with duckdb.connect() as connection:
        relation = connection.from_arrow(events)
        assert optkit.transitions(relation).equals(optkit.transitions(HISTORY))


NAIVE = TEXT.with_columns(pl.col("created_at").dt.replace_time_zone(None))


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (
            TEXT.drop("status", "to_phone"),
            "no column 'to_phone' and 'status'; it has 'from_phone' and 'created_at'",
        ),
        (NAIVE, r"no time zone \(say which, such as \.dt\.replace_time_zone\('UTC'\)\)"),
        (TEXT.with_columns(pl.col("created_at").dt.epoch()), "created_at is Int64, not a time"),
        (TEXT.with_columns(to_phone=pl.lit(12025550101)), "to_phone is Int64, not text .*leading zeros"),
        (TEXT.with_columns(status=pl.lit(1)), "status is Int32, not text"),
        (TEXT.with_columns(status=pl.lit("stop")), "status is neither 'opt-in' nor 'opt-out' in . rows"),
        (TEXT.with_columns(status=None), "status is null in . rows"),
        (TEXT.with_columns(pl.col("from_phone").replace("ACME", None)), "from_phone is null in 2 rows"),
        (TEXT.with_columns(pl.col("to_phone").replace("+12025550101", None)), "to_phone is null in . rows?"),
        (TEXT.with_columns(pl.col("created_at").shift(1)), "created_at is null in 1 row"),
        (
            TEXT.with_columns(created_at=pl.lit(-(2**45)).cast(pl.Datetime("ms", "UTC"))),
            "created_at lies centuries off in 3 rows",
        ),
        ([1, 2], "not list"),
        (None, "not NoneType"),
    ],
)
def test_a_frame_that_is_not_a_history_is_rejected_by_name(bad: Any, says: str) -> None:
    for until in (None, "2026-01-05"):
        with pytest.raises(optkit.HistoryError, match=says):
            optkit.churn(bad, until=until)
        with pytest.raises(optkit.HistoryError, match=says):
            optkit.suppression_list(bad, at=until)


@pytest.mark.parametrize(("tried", "meant"), [("sender", "from_phone"), ("recipient", "to_phone")])
def test_a_name_that_users_may_try_is_answered_with_the_columns_name(tried: str, meant: str) -> None:
    with pytest.raises(optkit.HistoryError, match=f"no column '{tried}'; it has .*; use '{meant}'$"):
        optkit.churn(TEXT, by=tried)
    own = TEXT.with_columns(pl.lit("x").alias(tried))
    with pytest.raises(optkit.SettingsError, match=f"by='{tried}': .*; use '{meant}', or rename"):
        optkit.churn(own, by=tried)


def test_a_null_sender_is_rejected_for_all_groups() -> None:
    with pytest.raises(optkit.HistoryError, match="from_phone is null in 2 rows"):
        optkit.churn(TEXT.with_columns(pl.col("from_phone").replace("ACME", None), brand=1), by="brand")


@pytest.mark.parametrize("rows", [0, 1])
def test_no_event_and_one_event_give_the_documented_columns(rows: int) -> None:
    for name in ("transitions", "spells", "status_at", "suppression_list", "churn"):
        function = getattr(optkit, name)
        for scope in ("pair", "recipient"):
            assert function(HISTORY.head(rows), scope=scope).schema == function(HISTORY, scope=scope).schema
    empty = pa.table({name: pa.array([], pa.null()) for name in TEXT.columns})
    assert optkit.status_at(empty).equals(optkit.status_at(HISTORY.clear()))
    assert optkit.churn(pd.DataFrame(columns=TEXT.columns)).equals(optkit.churn(HISTORY.clear()))


def test_a_history_larger_than_memory_is_read_some_recipients_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phones = [f"+1202555{n:04}" for n in range(100, 200)] + [f"reader {n}" for n in range(50)]
    made = [
        Event(phone, sender, at, status)
        for phone in phones
        for sender in ("ACME", "24273")
        for at, status in enumerate(["opt-out", "opt-in", "opt-out"])
    ]
    history = frame(made).sample(fraction=1, shuffle=True, seed=0).lazy()

    def mapper(partition: Partition) -> dict[str, PartialSum]:
        sizes.append(partition.unit_summary.collect().height)
        return {"n": partial_sum(partition.spells, ["group", "spell"], n=pl.len())}

    sizes: list[int] = []
    whole = aggregate(history, mapper, by="from_phone")["n"].sort(pl.all())
    rows = optkit.spells(history)
    assert sizes == [300]
    monkeypatch.setattr(partitions, "SIZE", 100)
    monkeypatch.setattr(partitions, "memory", lambda: 20_000)
    sizes.clear()
    assert aggregate(history, mapper, by="from_phone")["n"].sort(pl.all()).equals(whole)
    assert len(sizes) == 9
    assert sum(sizes) == 300
    assert optkit.spells(history).equals(rows)
    packing = partitions.Partitions(history, [], "pair", Stretch(None, None), None)
    assert packing._passes == 4
    assert max(partition.events.collect().height for partition in packing) < 200
