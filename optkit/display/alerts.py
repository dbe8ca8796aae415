"""What needs action today: the most urgent first, each in one line with the page to read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import Any, Final

import polars as pl

from optkit.analysis.spike_senders import largest_spike, opt_outs_by_campaign, opt_outs_by_sender
from optkit.display.account_data import AccountData
from optkit.display.messaged import messaged, rates_since
from optkit.formatting import day, interval, join_names, needs, percent, plural


@dataclass(frozen=True)
class Alert:
    """Something that needs action.

    Attributes
    ----------
    text : str
        The problem and its size.
    notebook : str
        Name of the notebook with the details.
    """

    text: str
    notebook: str


@dataclass(frozen=True)
class Alerts:
    """Everything that needs action, the most urgent first. A notebook shows it as a list with links."""

    found: tuple[Alert, ...]

    def _repr_html_(self) -> tuple[str, dict[str, Any]]:
        items = "".join(
            f'<li style="margin:0.3em 0"><a href="{escape(alert.notebook)}.ipynb">{escape(alert.text)}</a></li>'
            for alert in self.found
        )
        html = f'<ol style="max-width:46em">{items}</ol>' if items else f"<p>{NOTHING}</p>"
        # the index of a report reads the alerts from the metadata
        return html, {"optkit_alerts": [[alert.text, alert.notebook] for alert in self.found]}


NOTHING: Final = "Nothing unusual was found."


def find_alerts(data: AccountData, checks: pl.DataFrame, *, time_zone: str = "UTC") -> Alerts:
    """Find what needs action: overdue messages, a spike, campaigns and senders that stand out, failed checks.

    Parameters
    ----------
    data : AccountData
        The result of `open_account`, with messages.
    checks : polars.DataFrame
        The result of `optkit.quality`.
    time_zone : str
        IANA name of the time zone of the days.

    Returns
    -------
    Alerts
        In this order.
    """
    if data.history.is_empty():
        return Alerts(())
    lines = (
        _overdue(data, time_zone),
        _spike(data, time_zone),
        _campaigns(data),
        _senders(data),
        _failed(checks),
    )
    return Alerts(tuple(alert for found in lines for alert in found))


def _overdue(data: AccountData, time_zone: str) -> Iterator[Alert]:
    import optkit

    leaks = optkit.leaks(
        data.history, data.messages, time_zone=time_zone, since=data.since, until=data.until
    ).filter("overdue")
    if leaks.height:
        counts = leaks["campaign"].fill_null("unnamed").value_counts(sort=True).rows()
        named = join_names([f"{campaign} ({count:,})" for campaign, count in counts])
        yield Alert(
            f"{plural(leaks.height, 'message')} reached people more than 10 business days after "
            f"they opted out: {named}.",
            "10_did_we_stop",
        )


def _spike(data: AccountData, time_zone: str) -> Iterator[Alert]:
    import optkit

    week = optkit.spikes(
        data.history, time_zone=time_zone, since=data.until - timedelta(weeks=1), until=data.until
    )
    when = largest_spike(week)
    if when is None:
        return
    row = week.row(by_predicate=pl.col("period") == when, named=True)
    attributed = optkit.attribution(data.history, data.messages, until=data.until)
    behind = opt_outs_by_campaign(attributed, when, time_zone=time_zone)["campaign"].drop_nulls()
    changes = optkit.transitions(data.history, since=data.until - timedelta(weeks=2), until=data.until)
    by_sender = opt_outs_by_sender(changes, when, time_zone=time_zone)
    cause = f"most after {behind[0]}" if behind.len() else f"most from {by_sender['from_phone'][0]}"
    yield Alert(
        f"{day(when)} had {plural(row['opt_outs'], 'opt-out')}; {row['low']:,.0f} to {row['high']:,.0f} are usual; "
        f"{cause}.",
        "04_what_happened_that_day",
    )


def _campaigns(data: AccountData) -> Iterator[Alert]:
    import optkit

    rates = optkit.campaign_rates(data.history, data.messages, since=data.since, until=data.until)
    for row in rates.filter(signal="high").sort("excess", descending=True).iter_rows(named=True):
        yield Alert(
            f"After {row['campaign'] or 'an unnamed campaign'}, {percent(row['rate'])} of the messages that reached "
            f"people were followed by an opt-out, {row['excess']:,.0f} more than expected.",
            "08_which_campaign",
        )


def _senders(data: AccountData) -> Iterator[Alert]:
    import optkit

    since = rates_since(data)
    rates = optkit.opt_out_rates(data.history, audience=messaged(data), since=since, until=data.until)
    for row in rates.filter(signal="high").sort("rate", descending=True).iter_rows(named=True):
        yield Alert(
            f"{percent(row['rate'])} ({interval(row['low'], row['high'])}) of the people messaged by "
            f"{row['from_phone']} have opted out, more than usual among the senders.",
            "03_opt_out_rates_by_sender",
        )


def _failed(checks: pl.DataFrame) -> Iterator[Alert]:
    failed = checks.filter(~pl.col("ok"))["check"].to_list()
    if failed:
        yield Alert(
            f"{len(failed):,} of {plural(checks.height, 'check')} of the data {needs(len(failed))} a look: "
            f"{join_names(failed, 5)}.",
            "00_start_here",
        )
