from datetime import UTC, datetime, timedelta

import phonenumbers
import polars as pl
import pytest

import optkit
from optkit.demo import CLOCK, EVENTS_PER_RECIPIENT, RECORD_START, effects
from optkit.demo.schedule import CAMPAIGNS
from optkit.demo.senders import SENDERS
from optkit.history import ORDER, SCHEMA
from optkit.messages import FAILURE, REACHED
from optkit.messages import ORDER as MESSAGE_ORDER
from optkit.messages import SCHEMA as MESSAGE_SCHEMA

PAIR = ["from_phone", "to_phone"]


@pytest.fixture(scope="module")
def history() -> pl.DataFrame:
    return optkit.demo_history()


@pytest.fixture(scope="module")
def messages() -> pl.DataFrame:
    return optkit.demo_messages()


@pytest.fixture(scope="module")
def states(history: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """Messages with the last event of their pair before them: its status and time."""
    events = history.select(*PAIR, "created_at", last_status="status", last_at="created_at").sort(
        "created_at", "last_status"
    )
    return messages.join_asof(
        events,
        left_on="sent_at",
        right_on="created_at",
        by=PAIR,
        allow_exact_matches=False,
        check_sortedness=False,
    )


@pytest.fixture(scope="module")
def exposures(history: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Messages that reached people who were opted in, and whether they opted out because of them."""
    reached = states.filter(
        pl.col("delivery_status").is_in(REACHED), pl.col("last_status").ne_missing("opt-out")
    ).sort(*PAIR, "sent_at")
    outs = (
        history.sort(*PAIR, "created_at", "status")
        .filter(
            pl.col("status") == "opt-out",
            pl.col("status").shift().over(PAIR).ne_missing("opt-out"),
        )
        .sort("created_at")
        .join_asof(
            reached.select(*PAIR, "sent_at", "message_id").sort("sent_at"),
            left_on="created_at",
            right_on="sent_at",
            by=PAIR,
            check_sortedness=False,
        )
        .filter(pl.col("created_at") - pl.col("sent_at") <= timedelta(hours=72))
    )
    return reached.with_columns(
        opted_out=pl.col("message_id").is_in(outs["message_id"].implode()),
        before=pl.int_range(pl.len()).over(PAIR),
        recent=pl.len().rolling("sent_at", period="7d").over(PAIR) - 1,
    )


def rate(exposures: pl.DataFrame, *conditions: pl.Expr) -> float:
    share = exposures.filter(*conditions)["opted_out"].mean()
    assert isinstance(share, float)
    return share


# --- the frames


def test_demo_history_is_a_history(history: pl.DataFrame) -> None:
    assert history.schema == SCHEMA
    assert history.equals(history.sort(ORDER))
    assert history.null_count().sum_horizontal().item() == 0
    assert history.is_unique().all()
    assert history.height / 20_000 == pytest.approx(EVENTS_PER_RECIPIENT, rel=0.05)


def test_the_history_reaches_from_a_year_before_the_clock_to_the_clock(history: pl.DataFrame) -> None:
    assert datetime(2026, 7, 1, tzinfo=UTC) == CLOCK
    assert CLOCK - timedelta(days=365) <= history["created_at"].min() < CLOCK - timedelta(days=364)  # type: ignore[operator]
    assert CLOCK - timedelta(days=1) < history["created_at"].max() < CLOCK  # type: ignore[operator]


def test_demo_messages_are_messages(messages: pl.DataFrame) -> None:
    assert messages.schema == MESSAGE_SCHEMA
    assert messages.equals(messages.sort(MESSAGE_ORDER))
    assert messages["message_id"].is_unique().all()
    assert 280_000 < messages.height < 350_000
    only_failed = messages.select(pl.exclude("failure")).null_count().sum_horizontal().item()
    assert only_failed == 0
    assert (messages["sent_at"].dt.millisecond() == 0).all()
    assert (messages["executed_at"] <= messages["sent_at"]).all()


def test_the_messages_begin_within_the_last_six_months(messages: pl.DataFrame) -> None:
    assert datetime(2026, 1, 1, tzinfo=UTC) < RECORD_START <= messages["sent_at"].min()  # type: ignore[operator]
    assert messages["sent_at"].min() < RECORD_START + timedelta(days=7)  # type: ignore[operator]
    assert CLOCK - timedelta(days=2) < messages["sent_at"].max() < CLOCK  # type: ignore[operator]


def test_a_dozen_campaigns_of_nine_senders_ran_many_times(messages: pl.DataFrame) -> None:
    assert messages["campaign_id"].n_unique() == messages["campaign"].n_unique() == 14
    assert messages["from_phone"].n_unique() == 9
    runs = messages.group_by("execution_id").agg(
        pl.col("campaign_id").n_unique(), pl.col("executed_at").n_unique(), pl.col("mentions_stop").n_unique()
    )
    assert runs.height > 80
    assert set(runs.select(pl.exclude("execution_id")).unique().row(0)) == {1}
    by_id = messages.group_by("execution_id").agg(pl.col("executed_at").first()).sort("execution_id")
    assert by_id["executed_at"].is_sorted()


def test_messages_fail_for_each_reason(messages: pl.DataFrame) -> None:
    assert set(messages["failure"].drop_nulls()) == set(FAILURE.categories)
    explained = messages.filter(pl.col("failure").is_not_null())["delivery_status"].unique()
    assert set(explained) == {"failed", "skipped"}
    shares = dict(messages["delivery_status"].value_counts(normalize=True).iter_rows())
    assert shares["delivered"] > 0.9
    assert set(shares) == {"delivered", "sent", "undelivered", "failed", "skipped"}


def test_a_number_that_is_a_landline_or_invalid_stays_so(
    history: pl.DataFrame, messages: pl.DataFrame
) -> None:
    dead = messages.filter(pl.col("failure").is_in(["landline", "invalid number"]))["to_phone"].unique()
    reasons = messages.filter(pl.col("to_phone").is_in(dead.implode())).group_by("to_phone").agg("failure")
    assert 50 < reasons.height < 300
    assert reasons.filter(pl.col("failure").list.n_unique() != 1).is_empty()
    assert history.filter(pl.col("to_phone").is_in(dead.implode())).is_empty(), "nobody answers from it"


def test_every_check_of_the_account_is_ok(history: pl.DataFrame, messages: pl.DataFrame) -> None:
    checks = optkit.quality(history, messages, until=CLOCK)
    assert checks.filter(~pl.col("ok"))["check"].to_list() == []


def test_the_audience_counts_the_people_reached(messages: pl.DataFrame) -> None:
    audience = optkit.demo_audience()
    assert audience.schema == {"from_phone": pl.String, "recipients": pl.Int64}
    people: dict[str, set[str]] = {}
    for sender, person, status in messages.select("from_phone", "to_phone", "delivery_status").iter_rows():
        if status in {"sent", "delivered"}:
            people.setdefault(sender, set()).add(person)
    assert audience.rows() == sorted((sender, len(reached)) for sender, reached in people.items())
    assert audience["recipients"].max() > 10 * audience["recipients"].min()  # type: ignore[operator]


def test_current_status_is_that_of_the_last_event_and_opt_outs_win_ties() -> None:
    history = optkit.demo_history(recipients=2_000)
    last: dict[tuple[str, str], tuple[datetime, str]] = {}
    for to_phone, from_phone, created_at, status, _ in history.iter_rows():
        key = (to_phone, from_phone)
        last[key] = max(last.get(key, (created_at, status)), (created_at, status))  # "opt-in" < "opt-out"
    for to_phone, from_phone, _, _, current_status in history.iter_rows():
        assert current_status == last[to_phone, from_phone][1]


def test_the_same_seed_gives_the_same_frames_and_another_seed_others() -> None:
    for demo in (optkit.demo_history, optkit.demo_messages):
        first = demo(recipients=500, seed=7)
        assert not first.equals(demo(recipients=500, seed=8))
        assert first.equals(demo(recipients=500, seed=7))


def test_the_frames_do_not_change_between_versions() -> None:
    # written down once: a change of numpy, polars or machine that changes a frame shows here
    history = optkit.demo_history(recipients=1_000, days=30)
    first = datetime(2026, 6, 4, 17, 1, 44, 90_000, tzinfo=UTC)
    assert (history.height, history.row(0)) == (45, ("+13475550110", "18181", first, "opt-out", "opt-out"))
    assert history["created_at"].to_physical().sum() == 80175997923078
    messages = optkit.demo_messages(recipients=1_000, days=30)
    at = datetime(2026, 6, 2, 16, tzinfo=UTC)
    assert messages.height == 2521
    assert messages.row(0)[:6] == (7000001, "+18075550138", "+18335550142", at, "delivered", None)
    assert messages.row(0)[6:] == (505, 1002, 5051, "Appointment reminder", "en-US", at, 124, False)
    assert messages["sent_at"].to_physical().sum() == 4490990658282000
    assert messages["characters"].sum() == 311972


@pytest.mark.parametrize(("recipients", "days"), [(1, 1), (1, 365), (50, 1), (50, 2000)])
def test_any_size_is_possible(recipients: int, days: int) -> None:
    history = optkit.demo_history(recipients=recipients, days=days)
    messages = optkit.demo_messages(recipients=recipients, days=days)
    assert (history.schema, messages.schema) == (SCHEMA, MESSAGE_SCHEMA)
    assert messages["to_phone"].n_unique() <= recipients
    since = CLOCK - timedelta(days=days)
    assert history["created_at"].is_between(since, CLOCK, closed="left").all()
    assert messages["sent_at"].is_between(max(since, RECORD_START), CLOCK, closed="left").all()


@pytest.mark.parametrize("demo", [optkit.demo_history, optkit.demo_messages, optkit.demo_audience])
def test_sizes_below_one_are_errors(demo: type) -> None:
    with pytest.raises(optkit.SettingsError, match="recipients"):
        demo(recipients=0)
    with pytest.raises(optkit.SettingsError, match="days"):
        demo(days=0)


# --- the people


def test_recipients_live_in_several_countries_and_have_numbers_for_fiction(messages: pl.DataFrame) -> None:
    phones = messages["to_phone"].unique()
    assert not phones.is_in(messages["from_phone"].unique().implode()).any()
    parsed = [phonenumbers.parse(phone) for phone in phones]
    assert all(phonenumbers.is_possible_number(number) for number in parsed)
    valid = [number for number in parsed if phonenumbers.is_valid_number(number)]
    # of the ranges for fiction, the library knows only Ofcom's mobiles as not assigned
    assert phones.str.starts_with("+447700900").sum() == len(phones) - len(valid) < 300
    countries = {phonenumbers.region_code_for_number(number) for number in valid}
    assert countries == {"US", "CA", "GB", "AU", "FR", "DE"}
    plus_one = phones.filter(phones.str.starts_with("+1"))
    assert plus_one.str.contains(r"^\+1\d{3}55501\d\d$").all()


def test_history_and_messages_have_the_same_people(history: pl.DataFrame, messages: pl.DataFrame) -> None:
    # some left for good before the messages begin, or joined by an opt-in before their first message
    known = history.join(messages, on=PAIR, how="semi").height
    assert known > 0.65 * history.height
    later = history.filter(pl.col("created_at") > RECORD_START, pl.col("status") == "opt-out")
    assert later.join(messages, on=PAIR, how="semi").height > 0.98 * later.height


def test_additional_numbers_cannot_be_assigned() -> None:
    phones = optkit.demo_messages(recipients=120_000, days=14)["to_phone"].unique()
    spilled = phones.filter(phones.str.starts_with("+1") & ~phones.str.contains(r"^\+1\d{3}55501\d\d$"))
    assert len(spilled) > 10_000
    assert spilled.str.contains(r"^\+1\d{3}[01]\d{6}$").all()  # an exchange code never begins with 0 or 1


def test_there_are_fewer_events_at_weekends_and_at_night(history: pl.DataFrame) -> None:
    weekdays = history.group_by(pl.col("created_at").dt.weekday()).len().sort("created_at")["len"]
    assert weekdays.tail(2).mean() < 0.7 * weekdays.head(5).mean()  # type: ignore[operator]
    british = history.filter(pl.col("from_phone") == "+447700900142")["created_at"].dt.hour()
    assert 0 < british.is_between(0, 5).mean() < 0.06  # type: ignore[operator]


def test_the_history_has_repeats_ties_orphans_returns_and_relapses(history: pl.DataFrame) -> None:
    events = history.sort("created_at", maintain_order=True).with_columns(
        before=pl.col("status").shift().over(PAIR),
        after=(pl.col("created_at") - pl.col("created_at").shift()).over(PAIR),
        out=pl.col("status") == "opt-out",
    )
    firsts = events.filter(pl.col("before").is_null())
    assert 0.02 < 1 - firsts["out"].mean() < 0.06  # type: ignore[operator]  # orphan opt-ins
    assert events.filter(pl.col("status") == pl.col("before")).height > 300  # repeats
    ties = events.filter(pl.col("after") == timedelta(), pl.col("status") != pl.col("before"))
    assert 0 < ties.height <= 0.001 * history.height  # as many as are still harmless
    returns = events.filter(~pl.col("out"), pl.col("before") == "opt-out")
    quick = returns.filter(pl.col("after") < timedelta(minutes=10))
    appointments = quick.filter(pl.col("from_phone") == "+18335550142")
    assert quick.height > 300
    assert appointments.height > quick.height / 2
    relapses = events.filter(pl.col("out"), pl.col("before") == "opt-in")
    assert relapses.height > 200
    senders = history.group_by("to_phone").agg(pl.col("from_phone").n_unique())["from_phone"]
    assert (senders > 1).sum() > 200


# --- the planted effects


def test_the_frailties_have_mean_one() -> None:
    assert sum(effects.FRAILTY) / len(effects.FRAILTY) == pytest.approx(1)


def test_one_campaign_went_wrong(history: pl.DataFrame, exposures: pl.DataFrame) -> None:
    outs = history.filter(pl.col("status") == "opt-out", pl.col("from_phone") == "18181")
    daily = outs.group_by(pl.col("created_at").dt.date()).len().sort("len", descending=True)
    assert daily["created_at"][0] == effects.WENT_WRONG_ON
    assert daily["len"][0] > 2.5 * daily["len"][2]  # the bad day spills into the next
    wrong = pl.col("campaign") == effects.WENT_WRONG
    assert exposures.filter(wrong)["execution_id"].n_unique() == 1
    usual = rate(exposures, pl.col("from_phone") == "18181", ~wrong)
    assert rate(exposures, wrong) > effects.WENT_WRONG_FACTOR * 0.8 * usual


def test_reminders_and_marketing_have_about_their_rates(exposures: pl.DataFrame) -> None:
    average = [sender.name for sender in SENDERS if sender.factor == 1]
    usual = exposures.filter(pl.col("from_phone").is_in(average), pl.col("campaign") != effects.WENT_WRONG)
    of = {
        kind: [campaign.campaign_id for campaign in CAMPAIGNS if campaign.kind == kind]
        for kind in effects.RATES
    }
    assert 0.004 < rate(usual, pl.col("campaign_id").is_in(of["reminder"])) < 0.006
    assert 0.008 < rate(usual, pl.col("campaign_id").is_in(of["marketing"])) < 0.012


def test_one_small_sender_loses_most(exposures: pl.DataFrame) -> None:
    by_sender = {sender.name: rate(exposures, pl.col("from_phone") == sender.name) for sender in SENDERS}
    worst = max(SENDERS, key=lambda sender: sender.factor)
    assert max(by_sender, key=by_sender.__getitem__) == worst.name
    others = [by_sender[sender.name] for sender in SENDERS if sender is not worst]
    assert by_sender[worst.name] > 1.8 * max(others)


def test_one_text_is_better(exposures: pl.DataFrame) -> None:
    better = pl.col("response_set_id") == effects.BETTER_RESPONSE_SET
    rival = pl.col("response_set_id") == effects.BETTER_RESPONSE_SET - 1
    assert exposures.filter(rival | better)["campaign"].unique().to_list() == ["Member offers"]
    ratio = rate(exposures, better) / rate(exposures, rival)
    assert ratio == pytest.approx(effects.BETTER_RESPONSE_SET_FACTOR, rel=0.25)


def test_texts_that_tell_how_to_stop_cause_more_opt_outs(exposures: pl.DataFrame) -> None:
    offers = exposures.filter(pl.col("campaign").is_in(["Member offers", "Offers UK", "Offers Canada"]))
    ratio = rate(offers, pl.col("mentions_stop")) / rate(offers, ~pl.col("mentions_stop"))
    assert ratio == pytest.approx(effects.STOP_TEXT_FACTOR, rel=0.25)


def test_each_further_message_within_a_week_causes_more_opt_outs(exposures: pl.DataFrame) -> None:
    # the same kind of text, of the same sender, with and without others in the days before
    sales = exposures.filter(pl.col("campaign").is_in(["Flash sale", "Last call"]), ~pl.col("mentions_stop"))
    for count in (1, 2):
        ratio = rate(sales, pl.col("recent") == count) / rate(sales, pl.col("recent") == 0)
        assert ratio == pytest.approx(effects.FATIGUE_FACTOR**count, rel=0.35)


def test_the_first_message_causes_more_opt_outs(history: pl.DataFrame, exposures: pl.DataFrame) -> None:
    # whoever got no message for ten weeks was not on the list before
    new = exposures.filter(
        pl.col("sent_at").min().over(PAIR) > RECORD_START + timedelta(weeks=10),
        pl.col("campaign") != effects.WENT_WRONG,
    ).join(history.filter(pl.col("created_at") < RECORD_START), on=PAIR, how="anti")
    first, later = pl.col("before") == 0, pl.col("before").is_between(1, 3)
    assert new.filter(first).height > 2_000
    assert rate(new, first) / rate(new, later) == pytest.approx(effects.FIRST_MESSAGE_FACTOR, rel=0.3)


def test_people_who_came_back_leave_again_more_often(exposures: pl.DataFrame) -> None:
    # an opt-in comes last: they had opted out, or joined by opting in, which is rare
    returned = pl.col("last_status").eq_missing("opt-in")
    usual = exposures.filter(pl.col("campaign") != effects.WENT_WRONG)
    ratio = rate(usual, returned) / rate(usual, ~returned)
    # those who left once are frailer than the rest
    assert 0.9 * effects.RELAPSE_FACTOR < ratio < 2.5 * effects.RELAPSE_FACTOR


def test_people_differ_for_all_senders(history: pl.DataFrame, messages: pl.DataFrame) -> None:
    # of people on two lists: who opted out of one is frailer, and so has opted out of the other more often
    left = history.filter(pl.col("status") == "opt-out").select(*PAIR, left=pl.lit(value=True)).unique()
    pairs = (
        messages.select(PAIR)
        .unique()
        .join(left, on=PAIR, how="left")
        .with_columns(pl.col("left").fill_null(value=False))
    )
    both = pairs.join(pairs, on="to_phone", suffix="_other").filter(
        pl.col("from_phone") != pl.col("from_phone_other")
    )
    share = dict(both.group_by("left_other").agg(pl.col("left").mean()).iter_rows())
    assert both.height > 5_000
    assert 1.2 < share[True] / share[False] < 2.5


def test_some_opt_out_without_a_message(history: pl.DataFrame, exposures: pl.DataFrame) -> None:
    # pairs that got their last message more than 72 hours before, and none after
    days = exposures.sort(*PAIR, "sent_at").select(
        *PAIR,
        "sent_at",
        quiet=(pl.col("sent_at").shift(-1).over(PAIR) - pl.col("sent_at")).fill_null(timedelta()),
    )
    quiet = days.filter(pl.col("quiet") > timedelta(hours=72))
    person_days = (quiet["quiet"] - timedelta(hours=72)).sum() / timedelta(days=1)  # type: ignore[operator]
    outs = history.filter(pl.col("status") == "opt-out").select(*PAIR, "created_at").sort("created_at")
    after = outs.join_asof(
        days.sort("sent_at"), left_on="created_at", right_on="sent_at", by=PAIR, check_sortedness=False
    ).filter(pl.col("created_at") - pl.col("sent_at") > timedelta(hours=72))
    assert person_days > 10**6
    assert after.height / person_days == pytest.approx(effects.BACKGROUND_PER_DAY, rel=0.3)


def test_a_few_messages_went_to_people_who_had_opted_out(states: pl.DataFrame) -> None:
    leaks = states.filter(pl.col("last_status") == "opt-out")
    delivered = leaks.filter(pl.col("delivery_status") == "delivered")
    # more than ten business days are more than two weeks
    overdue = delivered.filter(pl.col("sent_at") - pl.col("last_at") > timedelta(days=16))
    assert effects.LEAKS.attempted == leaks.height
    assert effects.LEAKS.blocked == (leaks["failure"] == "unsubscribed").sum()
    assert effects.LEAKS.delivered == delivered.height
    assert effects.LEAKS.overdue == overdue.height
    assert (leaks["sent_at"] - leaks["last_at"] > timedelta(minutes=5)).all()  # none is a confirmation
    assert (states["failure"] == "unsubscribed").sum() == effects.LEAKS.blocked
