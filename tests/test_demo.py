from datetime import UTC, datetime, timedelta

import phonenumbers
import polars as pl
import pytest

import optkit
from optkit.demo import CLOCK, EVENTS_PER_RECIPIENT
from optkit.history import ORDER, SCHEMA


@pytest.fixture(scope="module")
def history() -> pl.DataFrame:
    return optkit.demo_history()


def test_it_is_a_history(history: pl.DataFrame) -> None:
    assert history.schema == SCHEMA
    assert history.equals(history.sort(ORDER))
    assert history.null_count().sum_horizontal().item() == 0
    assert history.is_unique().all()
    assert history["to_phone"].n_unique() == 20_000
    assert history.height / 20_000 == pytest.approx(EVENTS_PER_RECIPIENT, rel=0.05)


def test_it_reaches_from_a_year_before_the_clock_to_the_clock(history: pl.DataFrame) -> None:
    assert datetime(2026, 7, 1, tzinfo=UTC) == CLOCK
    assert CLOCK - timedelta(days=365) <= history["created_at"].min() < CLOCK - timedelta(days=364)  # type: ignore[operator]
    assert CLOCK - timedelta(days=1) < history["created_at"].max() < CLOCK  # type: ignore[operator]


def test_current_status_is_that_of_the_pairs_last_event_and_of_ties_the_opt_out() -> None:
    history = optkit.demo_history(recipients=2_000)
    last: dict[tuple[str, str], tuple[datetime, str]] = {}
    for to_phone, from_phone, created_at, status, _ in history.iter_rows():
        key = (to_phone, from_phone)
        last[key] = max(last.get(key, (created_at, status)), (created_at, status))  # "opt-in" < "opt-out"
    for to_phone, from_phone, _, _, current_status in history.iter_rows():
        assert current_status == last[to_phone, from_phone][1]


def test_the_same_seed_gives_the_same_frame_and_another_seed_another() -> None:
    first = optkit.demo_history(recipients=500, seed=7)
    assert first.equals(optkit.demo_history(recipients=500, seed=7))
    assert not first.equals(optkit.demo_history(recipients=500, seed=8))


def test_the_frame_is_the_one_that_it_always_was() -> None:
    # written down once: a change of numpy, polars or machine that changes the frame shows here
    history = optkit.demo_history(recipients=1_000, days=30)
    assert history.height == 1490
    first = datetime(2026, 6, 1, 0, 19, 14, 813000, tzinfo=UTC)
    assert history.row(0) == ("+18485550169", "+18335550142", first, "opt-out", "opt-in")
    assert history["created_at"].to_physical().sum() == 2654681974680403


@pytest.mark.parametrize(("recipients", "days"), [(1, 1), (1, 365), (50, 1), (50, 2000)])
def test_any_size_will_do(recipients: int, days: int) -> None:
    history = optkit.demo_history(recipients=recipients, days=days)
    assert history["to_phone"].n_unique() == recipients
    assert history["created_at"].is_between(CLOCK - timedelta(days=days), CLOCK, closed="left").all()


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(optkit.SettingsError, match="recipients"):
        optkit.demo_audience(recipients=0)
    with pytest.raises(optkit.SettingsError, match="days"):
        optkit.demo_history(days=0)


def test_the_audience_holds_all_who_acted(history: pl.DataFrame) -> None:
    audience = optkit.demo_audience()
    assert audience.schema == {"from_phone": pl.String, "recipients": pl.Int64}
    seen = history.group_by("from_phone").agg(seen=pl.col("to_phone").n_unique())
    both = audience.join(seen, on="from_phone", how="full")
    assert both.height == 9
    assert (both["seen"] < both["recipients"] // 8).all()


def test_recipients_live_in_several_countries_and_no_number_is_anybodys(history: pl.DataFrame) -> None:
    phones = history["to_phone"].unique()
    assert not phones.is_in(history["from_phone"].unique().implode()).any()
    parsed = [phonenumbers.parse(phone) for phone in phones]
    assert all(phonenumbers.is_possible_number(number) for number in parsed)
    valid = [number for number in parsed if phonenumbers.is_valid_number(number)]
    # Ofcom's drama mobiles are the only ones that the library knows to be nobody's
    assert phones.str.starts_with("+447700900").sum() == len(phones) - len(valid) < 300
    countries = {phonenumbers.region_code_for_number(number) for number in valid}
    assert countries == {"US", "CA", "GB", "AU", "FR", "DE"}
    plus_one = phones.filter(phones.str.starts_with("+1"))
    assert plus_one.str.contains(r"^\+1\d{3}55501\d\d$").all()


def test_when_fiction_runs_out_numbers_are_still_nobodys() -> None:
    phones = optkit.demo_history(recipients=120_000, days=30)["to_phone"].unique()
    assert len(phones) == 120_000
    spilled = phones.filter(phones.str.starts_with("+1") & ~phones.str.contains(r"^\+1\d{3}55501\d\d$"))
    assert len(spilled) > 10_000
    assert spilled.str.contains(r"^\+1\d{3}[01]\d{6}$").all()  # an exchange code never begins with 0 or 1


def test_one_day_went_wrong_for_one_sender(history: pl.DataFrame) -> None:
    daily = (
        history.filter(pl.col("status") == "opt-out", pl.col("from_phone") == "18181")
        .group_by(pl.col("created_at").dt.date())
        .len()
        .sort("len", descending=True)["len"]
    )
    assert daily[0] > 2.5 * daily[2]  # in UTC the bad day spills into the next


def test_people_rest_at_weekends_and_at_night(history: pl.DataFrame) -> None:
    weekdays = history.group_by(pl.col("created_at").dt.weekday()).len().sort("created_at")["len"]
    assert weekdays.tail(2).mean() < 0.7 * weekdays.head(5).mean()  # type: ignore[operator]
    british = history.filter(pl.col("from_phone") == "+447700900142")["created_at"].dt.hour()
    assert 0 < british.is_between(0, 5).mean() < 0.06  # type: ignore[operator]


def test_it_has_what_analyses_stumble_over(history: pl.DataFrame) -> None:
    pair = ["from_phone", "to_phone"]
    events = history.sort("created_at", maintain_order=True).with_columns(
        before=pl.col("status").shift().over(pair),
        after=(pl.col("created_at") - pl.col("created_at").shift()).over(pair),
        out=pl.col("status") == "opt-out",
    )
    firsts = events.filter(pl.col("before").is_null())
    assert 0.02 < 1 - firsts["out"].mean() < 0.05  # type: ignore[operator]  # orphan opt-ins
    assert events.filter(pl.col("status") == pl.col("before")).height > 1000  # repeats
    ties = events.filter(pl.col("after") == timedelta(), pl.col("status") != pl.col("before"))
    assert 5 < ties.height < 100
    returns = events.filter(~pl.col("out"), pl.col("before") == "opt-out")
    quick = returns.filter(pl.col("after") < timedelta(minutes=10))
    appointments = quick.filter(pl.col("from_phone") == "+18335550142")
    assert quick.height > 1000
    assert appointments.height > quick.height / 2
    relapses = events.filter(pl.col("out"), pl.col("before") == "opt-in")
    assert relapses.height > 1000
    senders = history.group_by("to_phone").agg(pl.col("from_phone").n_unique())["from_phone"]
    assert (senders > 1).sum() > 2000
