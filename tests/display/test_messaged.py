"""The denominators of rates, counted by hand on small accounts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl

import optkit
from optkit import display
from optkit.history import SCHEMA
from optkit.messages import SCHEMA as MESSAGES

A, B, C, D = (f"+1202555010{number}" for number in range(4))


def day(number: int) -> datetime:
    """Noon of a day of January 2026."""
    return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=number - 1)


def history(*events: tuple[str, int, str]) -> pl.DataFrame:
    rows = [(to, "72975", day(on), status, status) for to, on, status in sorted(events, key=lambda e: e[1])]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def messages(*sent: tuple[str, int, str]) -> pl.DataFrame:
    made = {
        "message_id": range(len(sent)),
        "to_phone": [to_phone for to_phone, _, _ in sent],
        "from_phone": ["72975"] * len(sent),
        "sent_at": [day(on) for _, on, _ in sent],
        "delivery_status": [status for _, _, status in sent],
    }
    return pl.DataFrame(
        {name: made.get(name, [None] * len(sent)) for name in MESSAGES.names()}, schema=MESSAGES
    )


def account(data: display.AccountData, events: pl.DataFrame, sent: pl.DataFrame) -> display.AccountData:
    return replace(data, history=events, messages=sent, no_messages="", until=day(90))


def test_people_are_counted_from_the_first_known_message_on(account_data: display.AccountData) -> None:
    # A left before the messages begin; B was reached and left; C left without a message; D was never reached
    events = history((A, 2, "opt-out"), (B, 12, "opt-out"), (C, 13, "opt-out"))
    data = account(account_data, events, messages((B, 10, "delivered"), (B, 11, "sent"), (D, 11, "failed")))
    assert display.rates_since(data) == day(10)
    people = display.messaged(data)
    assert people is not None
    assert people.rows() == [("72975", 2)], "B and C"
    rates = optkit.opt_out_rates(events, audience=people, since=day(10), until=data.until)
    assert rates.select("ever_opted_out", "n").row(0) == (2, 2)


def test_people_are_counted_in_the_period_to_show_only(account_data: display.AccountData) -> None:
    events = history((A, 2, "opt-out"), (B, 12, "opt-out"))
    sent = messages((A, 1, "delivered"), (B, 10, "delivered"), (C, 20, "delivered"))
    whole = account(account_data, events, sent)
    assert display.rates_since(whole) is None, "no event is older than the messages"
    for since, count in ((None, 3), (day(11), 2), (day(15), 1)):
        people = display.messaged(replace(whole, since=since))
        assert people is not None
        assert people["recipients"].to_list() == [count]


def test_phones_in_different_spellings_are_the_same(account_data: display.AccountData) -> None:
    events = history((B, 12, "opt-out")).with_columns(pl.col("to_phone").str.strip_prefix("+"))
    people = display.messaged(account(account_data, events, messages((B, 10, "delivered"))))
    assert people is not None
    assert people.rows() == [("72975", 1)]


def test_people_are_counted_by_a_further_column(account_data: display.AccountData) -> None:
    events = history((A, 2, "opt-out"), (B, 12, "opt-out")).with_columns(country=pl.lit("US"))
    sent = messages((B, 10, "delivered"), (C, 10, "delivered")).with_columns(country=pl.lit("US"))
    people = display.messaged(account(account_data, events, sent), by=["country"])
    assert people is not None
    assert people.rows() == [("72975", "US", 2)]


def test_a_file_of_the_user_comes_first_and_without_both_nothing_is_known(
    account_data: display.AccountData,
) -> None:
    events, file = history((A, 2, "opt-out")), pl.DataFrame({"from_phone": ["72975"], "recipients": [100]})
    data = replace(account(account_data, events, messages((B, 10, "delivered"))), audience=file)
    assert display.messaged(data) is file
    assert display.rates_since(data) is None
    assert display.messaged(data, by=["country"]) is None
    assert display.messaged(account(account_data, events, messages())) is None


def test_weekly_rates_begin_once_the_list_is_known(account_data: display.AccountData) -> None:
    # the messages begin in the second week of January, 30 days before 7 February; A left before
    events = history((A, 2, "opt-out"), (B, 45, "opt-out"))
    sent = messages(*((phone, on, "delivered") for phone in (B, C, D) for on in (8, 41)))
    weeks = display.churn(account(account_data, events, sent))
    assert weeks["denominator"].unique().to_list() == ["list"]
    rates = dict(weeks.select("period", "churn_rate").iter_rows())
    assert weeks.filter(pl.col("churn_rate").is_not_null())["period"].min() == date(2026, 2, 9), "a Monday"
    assert rates[date(2026, 2, 9)] == 1 / 3, "one of B, C and D"
    assert rates[date(2026, 2, 16)] == 0
    row = weeks.row(by_predicate=pl.col("period") == date(2026, 2, 16), named=True)
    assert (row["opted_in_start"], row["population"]) == (2, 4)
    by_sender = display.churn(account(account_data, events, sent), by="from_phone")
    assert by_sender.drop("from_phone").equals(weeks)


def test_weekly_rates_begin_at_once_where_the_messages_are_complete(
    account_data: display.AccountData,
) -> None:
    events = history((B, 10, "opt-out"))
    weeks = display.churn(account(account_data, events, messages((B, 2, "delivered"), (C, 2, "delivered"))))
    assert dict(weeks.select("period", "churn_rate").iter_rows())[date(2026, 1, 5)] == 1 / 2


def test_weekly_churn_is_that_of_the_history_without_messages(account_data: display.AccountData) -> None:
    data = account(account_data, history((B, 10, "opt-out")), messages())
    assert display.churn(data).equals(optkit.churn(data.history, every="1w", until=data.until))


def test_messages_of_thirty_days_before_the_period_only_count_as_earlier_ones(
    account_data: display.AccountData,
) -> None:
    # A receives a message on 1 January and on each day of the period, which begins on 10 February
    sent = messages(*((A, on, "delivered") for on in (1, 41, 42, 43)), (B, 43, "delivered"))
    data = replace(account(account_data, history((B, 44, "opt-out")), sent), since=day(41))
    assert display.burn_in_since(data) == day(11)
    table = optkit.fatigue(data.history, sent, since=display.burn_in_since(data), until=data.until)
    assert table.select("exposures_recent", "exposures", "opt_outs").rows() == [
        (1, 2, 1),
        (2, 1, 0),
        (3, 1, 0),
    ]
    assert display.burn_in_since(replace(data, since=day(20))) == day(1), "no earlier message is known"
    assert display.burn_in_since(replace(data, since=None)) is None
    assert display.burn_in_since(replace(data, messages=messages())) == day(41)
