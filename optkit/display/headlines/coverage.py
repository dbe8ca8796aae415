"""Which events are loaded, and whether they can be trusted."""

import polars as pl

from optkit.display.account_data import AccountData
from optkit.display.headlines.headline import Headline
from optkit.formatting import day, join_names, needs, plural


def coverage(data: AccountData, files: pl.DataFrame, checks: pl.DataFrame) -> Headline:
    """State which events are loaded, whether the files are intact and which checks failed.

    Parameters
    ----------
    data : AccountData
        The result of `open_account`.
    files : polars.DataFrame
        The result of `optkit.verify`.
    checks : polars.DataFrame
        The result of `optkit.quality`.

    Returns
    -------
    Headline
    """
    events = data.history["created_at"]
    if events.is_empty():
        return Headline(f"The account {data.name} has no events up to {day(data.until)}.")
    corrupt = int((~files["ok"]).sum())
    intact = (
        f"{plural(corrupt, 'file')} of {files.height:,} cannot be read and will be fetched again"
        if corrupt
        else "its files are intact"
    )
    failed = checks.filter(~pl.col("ok"))["check"].to_list()
    sound = (
        f"{len(failed):,} of {plural(checks.height, 'check')} {needs(len(failed))} a look first: "
        f"{join_names(failed, 5)}"
        if failed
        else f"{plural(checks.height, 'check')} of its events found nothing unusual"
    )
    return Headline(
        f"The account has {plural(events.len(), 'event')} from {day(events[0])} to {day(events[-1])}, without a gap; "
        f"{intact}, and {sound}."
    )
