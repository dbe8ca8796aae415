"""An account's messages, if it has any, and what notebooks add to tables of campaigns."""

from collections.abc import Callable
from typing import Any, Final

import polars as pl

from optkit.errors import AuthenticationError, MissingWindowsError, ResponseError, SettingsError
from optkit.messages import SCHEMA

#: Local hours in which messages may be sent: from 8 am to 9 pm.
_DAYTIME: Final = (8, 21)


def load_messages(account: str, end: str | None, senders: list[str] | None) -> tuple[pl.DataFrame, str]:
    """Return an account's messages, or the reason why they cannot be loaded.

    Parameters
    ----------
    account : str
        Its name.
    end : str, optional
        Later messages are left out.
    senders : list of str, optional
        Only messages of these senders. Default: all.

    Returns
    -------
    (polars.DataFrame, str)
        Messages, as `optkit.load_messages` returns them, and an empty text; or an empty frame and the reason.
    """
    import optkit

    try:
        return optkit.load_messages(None, end, from_phone=senders, account=account), ""
    except (AuthenticationError, ResponseError, MissingWindowsError, SettingsError) as error:
        return SCHEMA.to_frame(), str(error)


def if_messages(messages: pl.DataFrame, show: Callable[[], Any]) -> Any:
    """Call `show` and return its result, or return None if there are no messages.

    The banner says that there are none. A report leaves out sections that show nothing.

    Parameters
    ----------
    messages : polars.DataFrame
        The account's messages.
    show : callable
        Makes a table or shows a picture.
    """
    return None if messages.is_empty() else show()


def per_thousand(rates: pl.DataFrame) -> pl.DataFrame:
    """Add opt-outs and excess per 1,000 exposures, with their intervals, to a result of `optkit.campaign_rates`.

    Returns
    -------
    polars.DataFrame
        The same rows with per_1000 (opt-outs), per_1000_low, per_1000_high, excess_per_1000, excess_per_1000_low,
        excess_per_1000_high (Float64); the largest excess first.
    """
    opt_outs = (
        (1000 * pl.col(name)).alias(scaled)
        for name, scaled in (("rate", "per_1000"), ("low", "per_1000_low"), ("high", "per_1000_high"))
    )
    excess = (
        (pl.col(name) / pl.col("exposures") * 1000).alias(name.replace("excess", "excess_per_1000"))
        for name in ("excess", "excess_low", "excess_high")
    )
    return rates.with_columns(*opt_outs, *excess).sort(
        "excess", descending=True, nulls_last=True, maintain_order=True
    )


def worst_campaigns(rates: pl.DataFrame, messages: pl.DataFrame, *, count: int = 3) -> pl.DataFrame:
    """Describe the campaigns with the largest excess per message: their senders, texts and times, and hints.

    Parameters
    ----------
    rates : polars.DataFrame
        The result of `optkit.campaign_rates`, by campaign_id and campaign.
    messages : polars.DataFrame
        The messages behind `rates`.
    count : int
        How many campaigns to describe.

    Returns
    -------
    polars.DataFrame
        The worst first: campaign (String), excess_per_1000 (Float64), senders, languages (String, joined),
        characters (Float64, mean), says_stop (Float64: share of texts that tell how to opt out), night_share (Float64:
        share sent before 8 am or after 9 pm in the recipient's local time), look_at (String: possible causes).
    """
    import optkit

    above = per_thousand(rates).filter(pl.col("excess_low") > 0)
    worst = above.sort("excess_per_1000_low", descending=True).head(count)
    theirs = messages.join(worst.select("campaign_id", "excess_per_1000"), on="campaign_id")
    hour = pl.col("local_time").dt.hour()
    facts = (
        optkit.with_local_time(theirs, at="sent_at")
        .group_by("campaign_id", "campaign", "excess_per_1000")
        .agg(
            senders=pl.col("from_phone").unique().sort().str.join(", "),
            languages=pl.col("language").unique().sort().str.join(", "),
            characters=pl.col("characters").mean(),
            says_stop=pl.col("mentions_stop").mean(),
            night_share=(~hour.is_between(*_DAYTIME, closed="left")).mean(),
        )
        .sort("excess_per_1000", descending=True)
    )
    hints = pl.concat_list(
        pl.when(pl.col("night_share") > 0.01).then(pl.lit("the hours it is sent at")),  # noqa: PLR2004 - a few may be travelling
        pl.when(pl.col("says_stop") > 0.5).then(pl.lit("the words on how to opt out")),  # noqa: PLR2004 - most texts
        pl.lit("its text and who gets it"),
    )
    return facts.select(
        "campaign",
        "excess_per_1000",
        "senders",
        "languages",
        "characters",
        "says_stop",
        "night_share",
        look_at=hints.list.drop_nulls().list.join(", "),
    )


def leak_counts(leaks: pl.DataFrame) -> pl.DataFrame:
    """Count leaks by campaign and sender.

    Parameters
    ----------
    leaks : polars.DataFrame
        The result of `optkit.leaks`.

    Returns
    -------
    polars.DataFrame
        The most overdue first: campaign, from_phone (String), attempted, blocked, reached, confirmation, overdue
        (UInt32).
    """
    flags = pl.col("blocked", "reached", "confirmation", "overdue").sum()
    counts = leaks.group_by("campaign", "from_phone").agg(pl.len().alias("attempted"), flags)
    order = ["overdue", "reached", "attempted", "campaign", "from_phone"]
    return counts.sort(order, descending=[True] * 3 + [False] * 2, nulls_last=True)
