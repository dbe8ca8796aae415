"""What is loaded."""

import polars as pl

from optkit.display.account import Extract
from optkit.display.headlines.headline import Answer
from optkit.formatting import day, join_names, plural


def extract(extract: Extract, files: pl.DataFrame, checks: pl.DataFrame) -> Answer:
    """Say what is loaded and whether it is whole.

    Parameters
    ----------
    extract : Extract
        What `open_account` returned.
    files : polars.DataFrame
        What `optkit.verify` returned.
    checks : polars.DataFrame
        What `optkit.quality` returned.

    Returns
    -------
    Answer
    """
    damaged = int((~files["ok"]).sum())
    failed = checks.filter(~pl.col("ok"))["check"].to_list()
    intact = (
        "its files are intact"
        if not damaged
        else f"{plural(damaged, 'file')} of {files.height:,} cannot be read and will be fetched anew"
    )
    sound = (
        f"all {plural(checks.height, 'check')} of its events are passed, so it can be trusted"
        if not failed
        else f"{len(failed):,} of {plural(checks.height, 'check')} want a look first: {join_names(failed, 5)}"
    )
    events = extract.history["created_at"]
    if events.is_empty():
        return Answer(f"The account {extract.account} holds no event up to {day(extract.until)}.")
    return Answer(
        f"The extract holds {plural(events.len(), 'event')} from {day(events[0])} to {day(events[-1])}, without "
        f"a gap; {intact}, and {sound}."
    )
