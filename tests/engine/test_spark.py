"""The same results from Spark. All tests share one session, because it takes longer to start than they take."""

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import optkit
from optkit.engine import joint_spark
from optkit.engine.aggregate import PartialSum, aggregate, partial_sum
from optkit.engine.states import Partition

pytestmark = pytest.mark.java

REQUIRE_ALL = bool(os.environ.get("OPTKIT_REQUIRE_ALL"))


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """One Spark session for all tests: it takes some ten seconds to start."""
    if shutil.which("java") is None:
        (pytest.fail if REQUIRE_ALL else pytest.skip)("Spark needs a Java runtime")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # PySpark's own, on its way up
        patch.setenv("PYSPARK_PYTHON", sys.executable)  # not whatever python3 is first in PATH
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").appName("optkit tests")
        quiet = {
            "spark.driver.host": "127.0.0.1",
            "spark.sql.session.timeZone": "America/New_York",
            "spark.sql.shuffle.partitions": "2",
            "spark.ui.enabled": "false",
            # each query runs once: to compile it well costs more than it saves
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        }
        for setting, value in quiet.items():
            builder = builder.config(setting, value)
        session = builder.getOrCreate()
    yield session
    session.stop()


HISTORY = optkit.demo_history(recipients=6_000, days=120).with_columns(
    brand=pl.col("from_phone").str.len_chars().cast(pl.Int64)
)


@pytest.fixture(scope="module")
def on_spark(spark: Any) -> Any:
    plain = HISTORY.cast({"status": pl.String, "current_status": pl.String})
    arrow = plain.with_columns(pl.col("created_at").dt.cast_time_unit("us")).to_arrow()
    return spark.createDataFrame(arrow).cache()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("churn", {"every": "1d", "time_zone": "Australia/Lord_Howe", "by": ["brand", "from_phone"]}),
        ("churn", {"scope": "recipient"}),
        ("opt_out_rates", {}),
        ("cycles", {}),
        ("return_curve", {"resolution": None}),
        ("cohorts", {}),
        ("overlap", {}),
        ("spikes", {"by": "from_phone"}),
        ("compare", {"at": "2026-05-01", "by": ["from_phone", "brand"]}),
        *[
            (name, {"since": "2026-04-10T12:00", "until": "2026-06-15"})
            for name in ("churn", "opt_out_rates", "cycles", "return_curve", "cohorts", "spikes")
        ],
    ],
)
def test_tables_are_the_same(on_spark: Any, name: str, arguments: dict[str, Any]) -> None:
    function = getattr(optkit, name)
    assert function(on_spark, **arguments).equals(function(HISTORY, **arguments))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("transitions", {}),
        ("transitions", {"since": "2026-05-01"}),
        ("spells", {"scope": "recipient"}),
        ("spells", {"since": "2026-05-01"}),
        ("status_at", {}),
        ("suppression_list", {}),
    ],
)
def test_rows_are_the_same_in_a_spark_frame(on_spark: Any, name: str, arguments: dict[str, Any]) -> None:
    function = getattr(optkit, name)
    here = function(HISTORY, **arguments)
    there = function(on_spark, **arguments)
    assert type(there).__module__.startswith("pyspark.")
    rows = pl.DataFrame(there.toArrow())
    assert rows.columns == here.columns
    assert rows.sort(pl.all()).cast(dict(here.schema)).equals(here.sort(pl.all()))


def test_countries_are_the_same(on_spark: Any) -> None:
    here, there = optkit.with_country(HISTORY), optkit.with_country(on_spark)
    assert there.columns == here.columns
    table = optkit.opt_out_rates(there, by="country")
    assert table.equals(optkit.opt_out_rates(here, by="country"))
    assert table.height > 1


def test_names_of_countries_and_local_times_are_the_same(on_spark: Any) -> None:
    here: Any = optkit.with_local_time(optkit.with_country(HISTORY, names=True))
    there = optkit.with_local_time(optkit.with_country(on_spark, names=True))
    rows = pl.DataFrame(there.toArrow())
    assert rows.cast(dict(here.schema)).sort(pl.all()).equals(here.sort(pl.all()))


def test_tables_of_other_systems_become_the_same_history_and_messages(on_spark: Any) -> None:
    from pyspark.sql import functions as F

    table = on_spark.select(
        F.col("to_phone").alias("phone"),
        F.col("from_phone").alias("shortcode"),
        F.expr("convert_timezone('America/New_York', 'Asia/Tokyo', created_at::timestamp_ntz)").alias("ts"),
        F.when(F.col("status") == "opt-out", "STOP").otherwise("START").alias("event"),
    )
    history = optkit.history_from(
        table.unionAll(table.limit(5)),
        to_phone="phone",
        from_phone="shortcode",
        created_at="ts",
        status="event",
        meanings={"stop": "opt-out", "start": "opt-in"},
        time_zone="Asia/Tokyo",
    )
    expected: Any = HISTORY.drop("brand")
    rows = pl.DataFrame(history.toArrow()).cast(dict(expected.schema))
    assert rows.sort(pl.all()).equals(expected.sort(pl.all()))
    log = optkit.messages_from(
        table,
        to_phone="phone",
        from_phone="shortcode",
        sent_at="ts",
        executed_at="ts",
        time_zone="Asia/Tokyo",
    )
    sent = pl.DataFrame(log.toArrow()).sort("message_id")
    assert sent["executed_at"].equals(sent["sent_at"], check_names=False)
    assert sent["sent_at"].is_sorted()
    assert sent["message_id"].is_unique().all()
    with pytest.raises(optkit.HistoryError, match="campaign_id, where it is not empty, cannot be read"):
        optkit.messages_from(
            table,
            to_phone="phone",
            from_phone="shortcode",
            sent_at="ts",
            campaign_id="event",
            time_zone="Asia/Tokyo",
        )
    with pytest.raises(optkit.HistoryError, match=r"status has words without a meaning .*: 'opt-in'$"):
        optkit.history_from(on_spark, meanings={"opt-out": "opt-out"})


def test_quality_is_the_same_except_for_the_order_of_rows(on_spark: Any) -> None:
    from pyspark.sql import functions as F

    said = pl.when(pl.col("from_phone").str.ends_with("2")).then(pl.lit("opt-out"))
    here = HISTORY.with_columns(reported_current_status=said)
    there = on_spark.withColumn(
        "reported_current_status", F.when(F.col("from_phone").endswith("2"), F.lit("opt-out"))
    )
    for until in (None, "2026-05-01"):
        expected = optkit.quality(here, now="2026-07-01", until=until)
        assert expected.filter(pl.col("check") == "reported status")["rows"].item() > 0
        in_order = expected.filter(pl.col("check") != "out of order")
        assert optkit.quality(there, now="2026-07-01", until=until).equals(in_order)


def test_one_number_and_a_contact_list_are_the_same(on_spark: Any) -> None:
    numbers = HISTORY["to_phone"].unique().sort()
    assert optkit.timeline(on_spark, numbers[0]).equals(optkit.timeline(HISTORY, numbers[0]))
    contacts = pl.DataFrame({"phone": numbers})
    here, there = (optkit.scrub(contacts, frame) for frame in (HISTORY, on_spark))
    assert here[0].equals(there[0])
    assert here[1].equals(there[1])


def test_partitions_do_not_matter(on_spark: Any) -> None:
    def mapper(partition: Partition) -> dict[str, PartialSum]:
        ended = partition.spells.with_columns(open=pl.col("returned_at").is_null())
        return {"spells": partial_sum(ended, ["sender", "open"], n=pl.len())}

    here, there = (aggregate(frame, mapper, partitions=3) for frame in (HISTORY, on_spark))
    assert (here.first, here.since, here.until) == (there.first, there.since, there.until)
    assert here["spells"].sort(pl.all()).equals(there["spells"].sort(pl.all()))


def test_a_frame_that_is_not_a_history_is_rejected(on_spark: Any) -> None:
    from pyspark.sql import functions as F

    with pytest.raises(optkit.HistoryError, match="no column 'to_phone'; it has"):
        optkit.churn(on_spark.drop("to_phone"))
    with pytest.raises(optkit.HistoryError, match="created_at has no time zone"):
        optkit.churn(on_spark.withColumn("created_at", F.col("created_at").cast("timestamp_ntz")))
    with pytest.raises(optkit.HistoryError, match="from_phone is null in"):
        optkit.churn(on_spark.withColumn("from_phone", F.lit(None).cast("string")))
    assert optkit.churn(on_spark.limit(0), by="brand").schema == optkit.churn(HISTORY, by="brand").schema


def _messages() -> pl.DataFrame:
    """Return messages that some of the history's opt-outs follow, numbers written in several ways."""
    events = HISTORY.select("to_phone", "from_phone", "created_at").with_row_index("message_id")
    spaced = pl.col("to_phone").str.replace("(..)(....)$", " $1-$2\n")
    written = (
        pl.when(pl.col("message_id") % 3 == 0)
        .then(pl.col("to_phone").str.strip_prefix("+"))
        .when(pl.col("message_id") % 3 == 1)
        .then(spaced)
    )
    words = pl.Series(["delivered", "sent", "failed", "delivered", "skipped"])
    return events.select(
        pl.col("message_id").cast(pl.Int64),
        to_phone=written.otherwise("to_phone"),
        from_phone=pl.when(pl.col("message_id") % 7 > 0).then("from_phone"),
        sent_at=(pl.col("created_at") - pl.duration(hours=pl.col("message_id") % 100)).dt.truncate("1s"),
        delivery_status=pl.lit(words).gather(pl.col("message_id") % len(words)),
        failure=pl.when(pl.col("message_id") % 5 == 2).then(pl.lit("unsubscribed")),
        campaign_id=pl.col("message_id").cast(pl.Int64) % 4,
        campaign=pl.format("campaign {}", pl.col("message_id") % 4),
        execution_id=pl.col("message_id").cast(pl.Int64) % 40,
    )


MESSAGES = _messages()


@pytest.fixture
def several_partitions(monkeypatch: pytest.MonkeyPatch, spark: Any) -> Iterator[None]:
    """Cut events and messages into several partitions, although they are few."""
    monkeypatch.setattr(joint_spark, "SIZE", HISTORY.height // 4)
    spark.conf.set("spark.sql.adaptive.coalescePartitions.enabled", "false")
    yield
    spark.conf.unset("spark.sql.adaptive.coalescePartitions.enabled")


@pytest.fixture(scope="module")
def messages_on_spark(spark: Any) -> Any:
    arrow = MESSAGES.with_columns(pl.col("sent_at").dt.cast_time_unit("us")).to_arrow()
    return spark.createDataFrame(arrow).cache()


@pytest.mark.usefixtures("several_partitions")
def test_audiences_are_the_same(messages_on_spark: Any) -> None:
    for by in ("from_phone", ["campaign_id", "campaign"], None):
        assert optkit.audience(messages_on_spark, by=by).equals(optkit.audience(MESSAGES, by=by))


@pytest.mark.usefixtures("several_partitions")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("attribution", {}),
        ("attribution", {"scope": "recipient", "since": "2026-03-01", "until": "2026-05-01"}),
        ("leaks", {"scope": "recipient", "time_zone": "America/New_York"}),
        ("leaks", {"until": "2026-05-01"}),
        ("leaks", {"since": "2026-03-01"}),
    ],
)
def test_rows_with_messages_are_the_same(
    on_spark: Any, messages_on_spark: Any, name: str, arguments: dict[str, Any]
) -> None:
    function = getattr(optkit, name)
    here = function(HISTORY, MESSAGES, **arguments)
    there = function(on_spark, messages_on_spark, **arguments)
    assert type(there).__module__.startswith("pyspark.")
    rows = pl.DataFrame(there.toArrow())
    assert rows.columns == here.columns
    assert here.height > 5
    assert_frame_equal(rows.sort(pl.all()).cast(dict(here.schema)), here.sort(pl.all()), rel_tol=1e-12)


@pytest.mark.usefixtures("several_partitions")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("campaign_rates", {"by": ["campaign", "from_phone"]}),
        ("opt_out_hazard", {"by": "campaign_id"}),
        ("fatigue", {"burn_in": "1d", "recent": "30d"}),
        ("list_growth", {"by": "from_phone", "time_zone": "America/New_York"}),
        ("leak_curve", {"resolution": None}),
    ],
)
def test_tables_with_messages_are_the_same(
    on_spark: Any, messages_on_spark: Any, name: str, arguments: dict[str, Any]
) -> None:
    function = getattr(optkit, name)
    here = function(HISTORY, MESSAGES, **arguments)
    assert here.height > 1
    assert_frame_equal(function(on_spark, messages_on_spark, **arguments), here, rel_tol=1e-12)


@pytest.mark.parametrize("name", ["spikes", "compare", "quality", "timeline"])
def test_messages_beside_a_history_are_the_same(on_spark: Any, messages_on_spark: Any, name: str) -> None:
    arguments: dict[str, dict[str, Any]] = {
        "compare": {"at": "2026-05-01"},
        "quality": {"now": "2026-07-01"},
        "timeline": {"to_phone": HISTORY["to_phone"][0]},
    }
    ask = partial(getattr(optkit, name), **arguments.get(name, {}))
    here, there = ask(HISTORY, messages=MESSAGES), ask(on_spark, messages=messages_on_spark)
    if name == "quality":  # rows of a Spark frame have no order
        here = here.filter(pl.col("check") != "out of order")
    assert_frame_equal(there, here, rel_tol=1e-12)


FULL_WIDTH, ARABIC = ({ord(str(digit)): zero + digit for digit in range(10)} for zero in (0xFF10, 0x0660))


@pytest.mark.usefixtures("several_partitions")
def test_leaks_are_found_however_a_number_is_written(spark: Any) -> None:
    written = [
        *(
            "+12025550101",
            "12025550101",
            " +1 202 555-0101 ",
            "+1 (202) 55 50 10 1",
            "202.555.0101",
            "2025550101",
        ),
        *("(202) 555-0101", "+1-202-555-0101", "0012025550101", "+12025550101\n", "24273", " 24273", "ACME"),
        "+1.2025550101",
        *("+1 202 555 0101".translate(digits) for digits in (FULL_WIDTH, ARABIC)),
    ]
    out = pl.datetime(2026, 5, 1, time_unit="ms", time_zone="UTC")
    history = pl.DataFrame({"to_phone": ["+12025550101", "24273", "ACME"]}).select(
        "to_phone", from_phone=pl.lit("12345"), created_at=out, status=pl.lit("opt-out")
    )
    messages = pl.DataFrame({"to_phone": written}).select(
        message_id=pl.int_range(pl.len()),
        to_phone="to_phone",
        from_phone=pl.lit("12345"),
        sent_at=out + pl.duration(days=1),
        delivery_status=pl.lit("sent"),
        failure=pl.lit(None, pl.String),
        campaign_id=1,
        campaign=pl.lit("May"),
    )
    on_spark = [spark.createDataFrame(frame.to_arrow()) for frame in (history, messages)]
    found = pl.DataFrame(optkit.leaks(*on_spark, region="US").toArrow())
    assert sorted(found["message_id"]) == list(range(len(written)))
    rows = optkit.timeline(on_spark[0], "+12025550101", messages=on_spark[1], region="US")
    assert rows.filter(pl.col("kind") == "message").height == len(set(written) - {"24273", " 24273", "ACME"})


def test_empty_frames_have_no_leaks(on_spark: Any, messages_on_spark: Any) -> None:
    here = optkit.leaks(HISTORY.clear(), MESSAGES.clear())
    for history, messages in (
        (on_spark.limit(0), messages_on_spark.limit(0)),
        (on_spark.limit(0), messages_on_spark),
    ):
        found = pl.DataFrame(optkit.leaks(history, messages).toArrow())
        assert found.cast(here.schema).equals(here)


def test_leaks_since_a_time_after_all_rows_are_none_with_a_warning(
    on_spark: Any, messages_on_spark: Any
) -> None:
    with pytest.warns(UserWarning, match="since is 2030-01-01 00:00 UTC, but the data ends at 2026-"):
        found = optkit.leaks(on_spark, messages_on_spark, since="2030-01-01")
    assert found.isEmpty()


_LONG_AGO = pl.datetime(1000, 1, 1, time_unit="ms", time_zone="UTC")
_FAR_AHEAD = pl.datetime(3000, 1, 1, time_unit="ms", time_zone="UTC")


@pytest.mark.parametrize(
    ("of_events", "of_messages"),
    [
        ({}, {"message_id": None}),
        ({}, {"to_phone": None, "sent_at": None}),
        ({}, {"delivery_status": None}),
        ({}, {"sent_at": _LONG_AGO}),
        ({}, {"sent_at": _FAR_AHEAD}),
        ({"to_phone": None}, {"to_phone": None}),
        ({"from_phone": None, "created_at": None}, {}),
        ({"status": None}, {}),
        ({"status": pl.lit("STOP")}, {}),
        ({"status": pl.lit("STOP"), "created_at": _LONG_AGO}, {}),
        ({"created_at": _FAR_AHEAD}, {}),
    ],
)
def test_values_that_cannot_be_used_are_the_same_error(
    spark: Any, tmp_path: Path, of_events: dict[str, Any], of_messages: dict[str, Any]
) -> None:
    names = ["to_phone", "from_phone", "created_at", "status"]
    texts = pl.col("status").cast(pl.String)
    history = _with_values(HISTORY.select(names).with_columns(texts), of_events)
    messages = _with_values(MESSAGES, of_messages)
    with pytest.raises(optkit.HistoryError) as here:
        optkit.leaks(history, messages)
    # Of most parts of these files, Spark reads only the statistics.
    for name, frame in (("events", history), ("messages", messages)):
        frame.write_parquet(tmp_path / f"{name}.parquet", row_group_size=500)
    read = [spark.read.parquet(str(tmp_path / f"{name}.parquet")) for name in ("events", "messages")]
    with pytest.raises(optkit.HistoryError) as there:
        optkit.leaks(*read)
    assert str(there.value) == str(here.value)


def _with_values(frame: pl.DataFrame, values: dict[str, Any]) -> pl.DataFrame:
    """Return a frame with other values in two of its rows."""
    chosen = pl.int_range(pl.len()).is_in([700, 1500])
    return frame.with_columns(
        pl.when(chosen).then(value).otherwise(name).cast(frame.schema[name]).alias(name)
        for name, value in values.items()
    )


def test_frames_of_two_kinds_are_an_error(on_spark: Any) -> None:
    with pytest.raises(optkit.SettingsError, match="both be Spark frames"):
        optkit.attribution(on_spark, MESSAGES)
