"""An account loaded for a notebook: the user's own, or else the made-up one."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Final

import polars as pl

from optkit.config import resolve
from optkit.errors import SettingsError
from optkit.formatting import NONE, join_names, minute, plural
from optkit.times import instant

DEMO: Final = "demo"


@dataclass(frozen=True)
class AccountData:
    """What a notebook works on. A notebook shows it as a banner: which account, how many events, until when.

    Attributes
    ----------
    name : str
        The account's name.
    history : polars.DataFrame
        What `optkit.load` returned: all events up to `until`, also those before `since`.
    audience : polars.DataFrame or None
        from_phone, recipients; None if it is not known how many were messaged.
    coverage : polars.DataFrame
        What `optkit.coverage` returned.
    senders : list of str or None
        Which senders were asked for; None for all.
    since : datetime or None
        Start of the period to show, UTC; None for the first event. It is the `since` of the analyses.
    until : datetime
        End of observation, UTC: the end that was asked for, or the time of the newest reading.
    opened_at : datetime
        When it was loaded, UTC.
    """

    name: str
    history: pl.DataFrame = field(repr=False)
    audience: pl.DataFrame | None = field(repr=False)
    coverage: pl.DataFrame = field(repr=False)
    senders: list[str] | None
    since: datetime | None
    until: datetime
    opened_at: datetime

    @property
    def is_demo(self) -> bool:
        """Whether this is the made-up account."""
        return self.name == DEMO

    def narrow(self, senders: list[str], since: datetime, until: datetime) -> "AccountData":
        """Return the same account with some senders only, to be shown over another period.

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
        return replace(self, history=history, audience=audience, senders=senders, since=since, until=until)

    def facts(self) -> dict[str, str]:
        """Return the lines of the banner by name."""
        import optkit

        events = self.history["created_at"]
        not_final = int((~self.coverage["final"]).sum())
        known = self.audience.height if self.audience is not None else 0
        shown = (
            f"{minute(self.since)} to {minute(self.until)}"
            if self.since
            else f"all, up to {minute(self.until)}"
        )
        return {
            "Account": f"{self.name} (made up)" if self.is_demo else self.name,
            "Senders": join_names(self.senders, 6) if self.senders else "all",
            "Shown": shown,
            "Loaded": f"{plural(self.history.height, 'event')} of "
            f"{plural(self.history['to_phone'].n_unique(), 'recipient')} and "
            f"{plural(self.history['from_phone'].n_unique(), 'sender')}, "
            f"{_minute(events.min())} to {_minute(events.max())}",
            "Coverage": f"{plural(self.coverage.height, 'window')} without a gap, {not_final:,} of them may "
            f"still change; last read {_minute(self.coverage['fetched_at'].max())}",
            "Audience": f"known for {plural(known, 'sender')}"
            if known
            else "not known: no rates of all messaged",
            "Run": f"{minute(self.opened_at)}, optkit {optkit.__version__}",
        }

    def _repr_html_(self) -> tuple[str, dict[str, Any]]:
        bar = _DEMO_BAR if self.is_demo else ""
        rows = "".join(
            _ROW.format(name=escape(name), value=escape(value)) for name, value in self.facts().items()
        )
        # the report reads from the metadata which account a page shows
        return _BANNER.format(bar=bar, rows=rows), {"optkit": {"account": self.name, "demo": self.is_demo}}


#: Every cell has its colours: JupyterLab's dark theme would use its own.
_BANNER: Final = (
    '<div style="background:#fff;color:#222;border:1px solid #ccc;max-width:46em">{bar}'
    '<table style="border-collapse:collapse;margin:6px 0;background:#fff">{rows}</table></div>'
)
_ROW: Final = (
    '<tr style="background:#fff"><td style="padding:2px 14px 2px 12px;color:#555;text-align:left">{name}</td>'
    '<td style="padding:2px 12px;color:#222;text-align:left">{value}</td></tr>'
)
_DEMO_BAR: Final = (
    '<div style="background:#ffa90e;color:#222;font-weight:700;padding:6px 12px">DEMO: this account is made up. It has '
    "no real person's number, and its figures say nothing about your account. To see yours, set OPTKIT_TOKEN and run "
    "again.</div>"
)


def open_account(
    account: str | None = None,
    *,
    start: str | None = None,
    end: str | None = None,
    senders: list[str] | None = None,
    audience: str | None = None,
    reported: bool = False,
) -> AccountData:
    """Load an account for a notebook: all of its events up to `end`.

    Events before `start` are loaded as well, because they decide who is opted out at `start`.

    Parameters
    ----------
    account : str, optional
        Its name. Default: the account in the settings if there is a token or a cache, else the made-up account.
    start, end : str, optional
        The period to show, [start, end), as `optkit.load` reads them. Default: from the first event to now.
    senders : list of str, optional
        Only events of these senders. Default: all.
    audience : str, optional
        CSV or Parquet file with the columns from_phone and recipients: how many each sender messaged. The
        made-up account has its own.
    reported : bool
        Add the column reported_current_status, see `optkit.load`.

    Returns
    -------
    AccountData
        The history and what belongs to it.

    Raises
    ------
    SettingsError
        The audience cannot be read, or `start` or `end` is not a time.
    OptkitError
        See `optkit.load`.
    """
    import optkit

    name = account or _configured_account() or DEMO
    history = optkit.load(None, end, from_phone=senders or None, account=name, reported=reported)
    coverage = optkit.coverage(name)
    people = _read_audience(audience) if audience else optkit.demo_audience() if name == DEMO else None
    if people is not None and senders:
        people = people.filter(pl.col("from_phone").is_in(senders))
    last_read = coverage["fetched_at"].max() if coverage.height else datetime.now(UTC)
    assert isinstance(last_read, datetime)
    until = min(last_read, instant(end, "end", now=last_read)) if end else last_read
    since = instant(start, "start", now=last_read) if start else None
    opened_at = datetime.now(UTC).replace(microsecond=0)
    return AccountData(name, history, people, coverage, senders or None, since, until, opened_at)


def _configured_account() -> str | None:
    """Return the account in the settings if it can be read: with a token, or from its cache."""
    import optkit

    settings = resolve()
    readable = settings.token is not None or optkit.coverage(settings.account).height
    return settings.account if readable else None


def _read_audience(file: str) -> pl.DataFrame:
    path = Path(file).expanduser()
    try:
        if path.suffix == ".parquet":
            table = pl.read_parquet(path)
        else:
            table = pl.read_csv(path, schema_overrides={"from_phone": pl.String})
        return table.select(pl.col("from_phone").cast(pl.String), pl.col("recipients").cast(pl.Int64))
    except (OSError, pl.exceptions.PolarsError):
        raise SettingsError(
            f"the audience {path.name} cannot be read: it must be a CSV or Parquet file with the columns "
            "from_phone and recipients (a whole number)"
        ) from None


def _minute(moment: object) -> str:
    return minute(moment) if isinstance(moment, datetime) else NONE
