"""Accounts without problems, and with one problem each: the first page names only that one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from optkit import display
from optkit.history import SCHEMA
from optkit.messages import SCHEMA as MESSAGES

START, UNTIL = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 5, 4, tzinfo=UTC)
PEOPLE, SENDERS, DAYS = 600, 6, (UNTIL - START).days
GOOD = pl.DataFrame({"check": ["duplicates"], "ok": [True]})


def _phone(sender: int, person: int) -> str:
    return f"+1{201 + sender}555{person:04d}"


def _order(sender: int) -> list[int]:
    """Return the people of a sender; the first of them leave, one on each day."""
    order: list[int] = np.random.default_rng(sender).permutation(PEOPLE).tolist()
    return order


class _Account:
    """Six senders write to everybody on each Tuesday; on each day one person opts out of each of them.

    `left` holds who else leaves, and on which day.
    """

    def __init__(self, left: dict[tuple[int, int], int] | None = None) -> None:
        self.events: list[tuple[str, str, datetime]] = []
        self.sent: list[tuple[str, str, datetime, int]] = []
        left = dict(left or {})
        for (sender, person), day in left.items():
            self.leave(sender, person, day)
        for sender in range(SENDERS):
            for day, person in enumerate(_order(sender)[:DAYS]):
                left[sender, person] = day
                self.leave(sender, person, day)
        for week_day in range(1, DAYS, 7):
            for sender in range(SENDERS):
                for person in range(PEOPLE):
                    if left.get((sender, person), DAYS) >= week_day:
                        self.write(sender, person, week_day)

    def leave(self, sender: int, person: int, day: int) -> None:
        at = START + timedelta(days=day, hours=18, minutes=sender, seconds=person % 60, milliseconds=person)
        self.events.append((_phone(sender, person), f"7297{sender}", at))

    def write(self, sender: int, person: int, day: int, campaign: int = 0) -> None:
        at = START + timedelta(days=day, hours=10)
        self.sent.append((_phone(sender, person), f"7297{sender}", at, campaign or sender + 1))

    def opened(self, data: display.AccountData) -> display.AccountData:
        rows = [(to, by, at, "opt-out", "opt-out") for to, by, at in sorted(self.events, key=lambda e: e[2])]
        columns = ["to_phone", "from_phone", "sent_at", "campaign_id"]
        sent = (
            pl.DataFrame(self.sent, schema=columns, orient="row").sort("sent_at").with_row_index("message_id")
        )
        named = sent.with_columns(
            campaign=pl.format("Campaign {}", "campaign_id"),
            execution_id=pl.col("campaign_id"),
            delivery_status=pl.lit("delivered"),
        )
        rest = [
            pl.lit(None, dtype).alias(name) for name, dtype in MESSAGES.items() if name not in named.columns
        ]
        messages = named.with_columns(rest).select(MESSAGES.names()).cast(MESSAGES)
        history = pl.DataFrame(rows, schema=SCHEMA, orient="row")
        return replace(data, history=history, messages=messages, no_messages="", until=UNTIL)


@pytest.fixture
def made() -> _Account:
    return _Account()


def _pages(data: display.AccountData, checks: pl.DataFrame = GOOD) -> list[str]:
    return [alert.notebook for alert in display.find_alerts(data, checks).found]


def test_nothing_is_found_in_a_sound_history(made: _Account, account_data: display.AccountData) -> None:
    data = made.opened(account_data)
    assert display.find_alerts(data, GOOD).found == ()
    assert "Nothing unusual was found." in display.find_alerts(data, GOOD)._repr_html_()[0]
    assert _pages(replace(data, messages=data.messages.clear())) == []


def test_overdue_messages_alone(made: _Account, account_data: display.AccountData) -> None:
    gone = _order(0)[0]
    made.write(0, gone, 60)
    made.write(0, gone, 70)
    [alert] = display.find_alerts(made.opened(account_data), GOOD).found
    assert alert.notebook == "10_did_we_stop"
    assert alert.text.startswith("2 messages reached people more than 10 business days after they opted out")


def test_a_spike_of_the_last_week_alone(made: _Account, account_data: display.AccountData) -> None:
    for sender in range(SENDERS):
        for person in _order(sender)[DAYS : DAYS + 10]:
            made.leave(sender, person, DAYS - 3)
    [alert] = display.find_alerts(made.opened(account_data), GOOD).found
    assert alert.notebook == "04_what_happened_that_day"
    assert alert.text.startswith("1 May 2026 had 66 opt-outs; ")


def test_failed_checks_alone(made: _Account, account_data: display.AccountData) -> None:
    failed = pl.DataFrame({"check": ["silent days", "ties"], "ok": [False, True]})
    [alert] = display.find_alerts(made.opened(account_data), failed).found
    assert (alert.text, alert.notebook) == (
        "1 of 2 checks of the data needs a look: silent days.",
        "00_start_here",
    )


def test_a_campaign_alone(account_data: display.AccountData) -> None:
    leaving = _order(0)[DAYS : DAYS + 20]
    made = _Account({(0, person): 40 for person in leaving})
    for person in _order(0)[DAYS : DAYS + 100]:
        made.write(0, person, 40, campaign=99)
    alerts = display.find_alerts(made.opened(account_data), GOOD).found
    assert [alert.notebook for alert in alerts] == ["08_which_campaign"]
    assert alerts[0].text.startswith(
        "After Campaign 99, 20.0% of the messages that reached people were followed by an opt-out, "
    )


def test_a_sender_that_people_leave_is_named_after_its_campaign(account_data: display.AccountData) -> None:
    left = {(5, person): place % DAYS for place, person in enumerate(_order(5)[DAYS : 3 * DAYS])}
    alerts = display.find_alerts(_Account(left).opened(account_data), GOOD).found
    assert [alert.notebook for alert in alerts] == ["08_which_campaign", "03_opt_out_rates_by_sender"]
    assert alerts[0].text.startswith("After Campaign 6, ")
    assert alerts[1].text.startswith("59.3% ("), "354 of the 597 who are there when the messages begin"
    assert "messaged by 72975 " in alerts[1].text
