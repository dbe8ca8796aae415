"""An account loaded for a notebook: the user's own if there is one, otherwise the made-up one."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Any

import polars as pl

from optkit.config import resolve
from optkit.display.account_messages import load_messages
from optkit.display.banner import NOT_REQUESTED, banner
from optkit.engine.denominators import read_audience, with_known_senders
from optkit.errors import SettingsError
from optkit.formatting import join_names, minute
from optkit.messages import SCHEMA
from optkit.sender_names import find_senders, unknown_senders
from optkit.setting_values import DEMO
from optkit.times import instant


@dataclass(frozen=True)
class StretchTotals:
    """Totals of the period to show, counted in pairs of sender and recipient.

    Attributes
    ----------
    opt_outs, re_opt_ins : int
        Changes of state in the period.
    opted_out_start, opted_out_end : int
        Opt-outs in force at its start and at its end.
    """

    opt_outs: int
    re_opt_ins: int
    opted_out_start: int
    opted_out_end: int


@dataclass(frozen=True)
class AccountData:
    """The data of a notebook. A notebook shows it as a banner: which account, how many events, until when.

    Attributes
    ----------
    name : str
        The account's name.
    history : polars.DataFrame
        The result of `optkit.load`: all events up to `until`, including those before `since`.
    audience : polars.DataFrame or None
        from_phone and recipients from the user's file; None without a file, see `optkit.display.messaged`.
    messages : polars.DataFrame
        The account's messages before `until`; empty if it has none, or if they were not requested.
    no_messages : str
        The reason why there are no messages; empty if they were loaded.
    coverage : polars.DataFrame
        The result of `optkit.coverage`.
    senders : list of str or None
        The requested senders; None for all.
    since : datetime or None
        Start of the period to show, UTC; None for the first event. It is the `since` of the analyses.
    until : datetime
        End of observation, UTC: the requested end, or the time at which events were last fetched.
    opened_at : datetime
        The time of loading, UTC.
    """

    name: str
    history: pl.DataFrame = field(repr=False)
    audience: pl.DataFrame | None = field(repr=False)
    messages: pl.DataFrame = field(repr=False)
    no_messages: str
    coverage: pl.DataFrame = field(repr=False)
    senders: list[str] | None
    since: datetime | None
    until: datetime
    opened_at: datetime

    @property
    def is_demo(self) -> bool:
        """Whether this is the made-up account."""
        return self.name == DEMO

    @cached_property
    def totals(self) -> StretchTotals:
        """The totals of the period to show."""
        import optkit

        years = optkit.churn(self.history, every="1y", since=self.since, until=self.until)
        if years.is_empty():
            return StretchTotals(0, 0, 0, 0)
        opt_outs, re_opt_ins = years.select(pl.col("opt_outs", "re_opt_ins").sum()).row(0)
        return StretchTotals(opt_outs, re_opt_ins, years["opted_out_start"][0], years["opted_out_end"][-1])

    def narrow(self, senders: list[str], since: datetime, until: datetime) -> "AccountData":
        """Return the same account with some senders only, and another period to show.

        Parameters
        ----------
        senders : list of str
            The senders to keep, in the history and in the audience.
        since, until : datetime
            The period to show, UTC. Events from `until` on are dropped.

        Returns
        -------
        AccountData
        """
        history = self.history.filter(pl.col("from_phone").is_in(senders), pl.col("created_at") < until)
        audience = self.audience
        if audience is not None:
            audience = audience.filter(pl.col("from_phone").is_in(history["from_phone"].unique().implode()))
        messages = self.messages.filter(pl.col("from_phone").is_in(senders), pl.col("sent_at") < until)
        return replace(
            self,
            history=history,
            audience=audience,
            messages=messages,
            senders=senders,
            since=since,
            until=until,
        )

    def _repr_html_(self) -> tuple[str, dict[str, Any]]:
        # a report reads the subject of a page from the metadata
        about = {"account": self.name, "demo": self.is_demo, "senders": self.senders}
        times = {"since": minute(self.since) if self.since else None, "until": minute(self.until)}
        return banner(self), {"optkit": about | times}


def open_account(
    account: str | None = None,
    *,
    start: str | None = None,
    end: str | None = None,
    senders: list[str] | None = None,
    audience: str | None = None,
    reported: bool = False,
    messages: bool = False,
) -> AccountData:
    """Load an account for a notebook: all of its events up to `end`.

    Events before `start` are loaded as well, because they determine who is opted out at `start`.

    Parameters
    ----------
    account : str, optional
        Its name. Default: the account in the settings, or the default one if there is a token or a cache; otherwise the
        made-up account.
    start, end : str, optional
        The period to show, [start, end), as `optkit.load` reads them. Default: from the first event to now.
    senders : list of str, optional
        Only events of these senders. Default: all.
    audience : str, optional
        A .csv, .parquet or .xlsx file with the columns from_phone and recipients: how many people each sender messaged.
        Without it, they are counted from the messages if there are any.
    reported : bool
        Add the column reported_current_status, see `optkit.load`.
    messages : bool
        Load the account's messages as well, if it has any.

    Returns
    -------
    AccountData
        The history with the other data of the account.

    Raises
    ------
    SettingsError
        The audience cannot be read, `start` or `end` is not a time, or a sender has neither events nor messages: it
        may be misspelt, and a page about nothing would look like an answer.
    OptkitError
        See `optkit.load`.
    """
    import optkit

    name = account or own_account() or DEMO
    history = optkit.load(None, end, from_phone=senders or None, account=name, reported=reported)
    coverage = optkit.coverage(name)
    people = (
        with_known_senders(read_audience(audience, []), history["from_phone"].unique()) if audience else None
    )
    if people is not None and senders:
        wanted = chain.from_iterable(find_senders(senders, people["from_phone"]).values())
        people = people.filter(pl.col("from_phone").is_in(list(wanted)))
    last_read = coverage["fetched_at"].max() if coverage.height else datetime.now(UTC)
    assert isinstance(last_read, datetime)
    until = min(last_read, instant(end, "end", now=last_read)) if end else last_read
    since = instant(start, "start", now=last_read) if start else None
    opened_at = datetime.now(UTC).replace(microsecond=0)
    sent, no_messages = (
        load_messages(name, end, senders or None) if messages else (SCHEMA.to_frame(), NOT_REQUESTED)
    )
    sent = sent.filter(pl.col("sent_at") < until)
    _check_senders(senders or [], [*history["from_phone"].unique(), *sent["from_phone"].unique()], name, end)
    return AccountData(
        name=name,
        history=history,
        audience=people,
        messages=sent,
        no_messages=no_messages,
        coverage=coverage,
        senders=senders or None,
        since=since,
        until=until,
        opened_at=opened_at,
    )


def _check_senders(senders: list[str], found: list[str], account: str, end: str | None) -> None:
    """Raise an error if a sender is not among those found before `end`."""
    import optkit

    unknown = unknown_senders(senders, found)
    if unknown:
        events = optkit.scan(None, end, account=account, refresh="never")
        known = events.select(pl.col("from_phone").unique().sort()).collect()["from_phone"].to_list()
        raise SettingsError(
            f"no event or message{f' before {end}' if end else ''} has the sender {join_names(unknown)}; "
            f"the account's senders are {join_names(known, 20)}"
        )


def own_account() -> str | None:
    """Return the account in the settings if it is named there or can be read; None if only the made-up one is left."""
    import optkit

    settings = resolve()
    source = optkit.settings().row(by_predicate=pl.col("setting") == "account")[2]
    named_or_readable = (
        source != "default" or settings.token is not None or optkit.coverage(settings.account).height
    )
    return settings.account if named_or_readable else None
