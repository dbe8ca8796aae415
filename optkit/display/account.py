"""An account, opened for a notebook: your own where there is one, else the made-up one, and what is in it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

import polars as pl

from optkit.config import resolve
from optkit.errors import SettingsError
from optkit.formatting import NONE, minute, plural
from optkit.times import instant

DEMO: Final = "demo"


@dataclass(frozen=True)
class Extract:
    """What a notebook works on. Shown, it is the banner: whose, how much, until when.

    Attributes
    ----------
    account : str
        Its name.
    history : polars.DataFrame
        What `optkit.load` returned.
    audience : polars.DataFrame or None
        from_phone, recipients; None where nobody said how many were messaged.
    coverage : polars.DataFrame
        What `optkit.coverage` returned.
    start : str or None
        From when on events were asked for; None for all.
    until : datetime
        End of observation: the end that was asked for, or else when the newest window was read.
    opened_at : datetime
        When that was, UTC.
    """

    account: str
    history: pl.DataFrame = field(repr=False)
    audience: pl.DataFrame | None = field(repr=False)
    coverage: pl.DataFrame = field(repr=False)
    start: str | None
    until: datetime
    opened_at: datetime

    @property
    def is_demo(self) -> bool:
        """Whether this is the made-up account."""
        return self.account == DEMO

    def facts(self) -> dict[str, str]:
        """Return what the banner says, by name."""
        import optkit

        events = self.history["created_at"]
        still_open = int((~self.coverage["final"]).sum())
        read = self.coverage["fetched_at"].max()
        senders = self.audience.height if self.audience is not None else 0
        return {
            "Account": f"{self.account} (made up)" if self.is_demo else self.account,
            "Events": f"{plural(self.history.height, 'event')} of "
            f"{plural(self.history['to_phone'].n_unique(), 'recipient')} and "
            f"{plural(self.history['from_phone'].n_unique(), 'sender')}",
            "First and last event": f"{_minute(events.min())} to {_minute(events.max())}",
            "Data up to": minute(self.until),
            "Coverage": f"{plural(self.coverage.height, 'window')} without a gap, {still_open:,} of them may "
            f"still change; last read {_minute(read)}",
            "Audience": f"known for {plural(senders, 'sender')}"
            if senders
            else "not known: no rates of all messaged",
            "Run": f"{minute(self.opened_at)}, optkit {optkit.__version__}",
        }

    def _repr_html_(self) -> str:
        parts = [_DEMO_BAR] if self.is_demo else []
        if self.start:
            parts.append(_CUT.format(start=escape(self.start)))
        rows = (_ROW.format(name=escape(name), value=escape(value)) for name, value in self.facts().items())
        return _BANNER.format(parts="".join(parts), rows="".join(rows))


#: Colours are said for every cell: JupyterLab's dark theme would choose its own.
_BANNER: Final = (
    '<div style="background:#fff;color:#222;border:1px solid #ccc;max-width:46em">{parts}'
    '<table style="border-collapse:collapse;margin:6px 0;background:#fff">{rows}</table></div>'
)
_ROW: Final = (
    '<tr style="background:#fff"><td style="padding:2px 14px 2px 12px;color:#555;text-align:left">{name}</td>'
    '<td style="padding:2px 12px;color:#222;text-align:left">{value}</td></tr>'
)
_DEMO_BAR: Final = (
    '<div style="background:#ffa90e;color:#222;font-weight:700;padding:6px 12px">DEMO: this account is made '
    "up. Nobody's number is in it, and its figures say nothing about yours. For your own: set OPTKIT_TOKEN "
    "and run again.</div>"
)
_CUT: Final = (
    '<div style="padding:6px 12px 0">Events before {start} were not asked for: who opted out earlier is '
    "unknown here.</div>"
)


def open_account(
    account: str | None = None,
    *,
    start: str | None = None,
    end: str | None = None,
    senders: list[str] | None = None,
    audience: str | None = None,
    reported: bool = False,
) -> Extract:
    """Load an account for a notebook.

    Parameters
    ----------
    account : str, optional
        Its name. Default: your own, if there is a token or a cache; else the made-up account.
    start, end : str, optional
        [start, end) as `optkit.load` reads them.
    senders : list of str, optional
        Only events of these senders; default all.
    audience : str, optional
        CSV or Parquet file with the columns from_phone and recipients: how many each sender messaged. The
        made-up account has its own.
    reported : bool
        Add the column reported_current_status, as `optkit.load` does.

    Returns
    -------
    Extract
        The history and what belongs to it.

    Raises
    ------
    SettingsError
        The audience cannot be read, or what `optkit.load` refuses.
    OptkitError
        As `optkit.load`.
    """
    import optkit

    name = account or _yours() or DEMO
    history = optkit.load(start, end, from_phone=senders or None, account=name, reported=reported)
    coverage = optkit.coverage(name)
    people = _audience(audience) if audience else optkit.demo_audience() if name == DEMO else None
    if people is not None and senders:
        people = people.filter(pl.col("from_phone").is_in(senders))
    until = coverage["fetched_at"].max() if coverage.height else datetime.now(UTC)
    assert isinstance(until, datetime)
    if end is not None:
        until = min(until, instant(end, "end"))
    return Extract(name, history, people, coverage, start, until, datetime.now(UTC).replace(microsecond=0))


def _yours() -> str | None:
    """Return the account in force if it can be read: with a token, or from its cache."""
    import optkit

    settings = resolve()
    there = settings.token is not None or optkit.coverage(settings.account).height
    return settings.account if there else None


def _audience(file: str) -> pl.DataFrame:
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
