"""The banner of an account: the subject of a page, as an HTML table."""

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Final

from optkit.display.messaged import messaged, rates_since
from optkit.formatting import NONE, day, join_names, minute, plural

if TYPE_CHECKING:
    from optkit.display.account_data import AccountData

#: The value of `AccountData.no_messages` on pages that do not need messages.
NOT_REQUESTED: Final = "not requested"

#: Each cell sets its colours, because JupyterLab's dark theme would use others.
_BANNER: Final = (
    '<div style="background:#fff;color:#222;border:1px solid #ccc;max-width:46em">{mark}'
    '<table style="border-collapse:collapse;margin:6px 0;background:#fff">{rows}</table></div>'
)
_ROW: Final = (
    '<tr style="background:#fff"><td style="padding:2px 14px 2px 12px;color:#555;text-align:left">{name}</td>'
    '<td style="padding:2px 12px;color:#222;text-align:left">{value}</td></tr>'
)
_DEMO_MARK: Final = (
    '<div style="background:#ffa90e;color:#222;font-weight:700;padding:6px 12px">DEMO: this account is made up. It '
    "has no real person's number, and its figures say nothing about your account. To see yours, set OPTKIT_TOKEN and "
    "run again.</div>"
)


def banner(data: "AccountData") -> str:
    """Return the HTML of the banner."""
    rows = "".join(
        _ROW.format(name=escape(name), value=escape(value)) for name, value in _facts(data).items()
    )
    return _BANNER.format(mark=_DEMO_MARK if data.is_demo else "", rows=rows)


def _facts(data: "AccountData") -> dict[str, str]:
    """Return the lines of the banner by name."""
    import optkit

    totals, events = data.totals, data.history["created_at"]
    senders = data.history["from_phone"].n_unique()
    not_final = int((~data.coverage["final"]).sum())
    return {
        "Account": f"{data.name} (made up)" if data.is_demo else data.name,
        "Senders": join_names(data.senders, 6) if data.senders else f"all {senders:,}",
        "Shown": f"{minute(data.since) if data.since else 'first event'} to {minute(data.until)}",
        "In that time": f"{plural(totals.opt_outs, 'opt-out')} and {plural(totals.re_opt_ins, 're-opt-in')}; "
        f"{totals.opted_out_start:,} opt-outs in force at the start, {totals.opted_out_end:,} at the end",
        "Loaded": f"{plural(data.history.height, 'event')} of "
        f"{plural(data.history['to_phone'].n_unique(), 'recipient')} and {plural(senders, 'sender')}, "
        f"{_minute(events.min())} to {_minute(events.max())}",
        "Coverage": f"{plural(data.coverage.height, 'window')} without a gap, {not_final:,} of them may still change; "
        f"last read {_minute(data.coverage['fetched_at'].max())}",
        **_who_was_messaged(data),
        "Run": f"{minute(data.opened_at)}, optkit {optkit.__version__}",
    }


def _who_was_messaged(data: "AccountData") -> dict[str, str]:
    """Return what is known about the messages, and the denominator of the rates."""
    if data.no_messages == NOT_REQUESTED:
        return {}
    messages, people = data.messages, messaged(data)
    if messages.is_empty():
        reason = data.no_messages or "nothing was sent"
        rates = "" if people is not None else ", so this page has no rates of all people who were messaged"
        summary = f"none ({reason}): it is not known who was messaged, how often and by which campaign{rates}"
    else:
        sent_at = messages["sent_at"]
        summary = (
            f"{plural(messages.height, 'message')} of {plural(messages['campaign'].n_unique(), 'campaign')}, "
            f"{minute(sent_at[0])} to {minute(sent_at[-1])}; what was sent before is not known"
        )
    facts = {"Messages": summary}
    if people is not None:
        since = rates_since(data)
        facts["Rates are of"] = (
            f"{people['recipients'].sum():,} people messaged by {plural(people.height, 'sender')} "
            f"{'(audience file)' if data.audience is not None else '(counted from the messages)'}"
            f"{'' if since == data.since else f'; known from {day(since)} on, so rates begin there'}"
        )
    return facts


def _minute(moment: object) -> str:
    return minute(moment) if isinstance(moment, datetime) else NONE
