"""What is loaded."""

import polars as pl

from optkit.display.answers.answer import Answer
from optkit.display.opening import Extract
from optkit.phrases import day, plural


def extract(extract: Extract, files: pl.DataFrame) -> Answer:
    """Say what is loaded and whether it is whole.

    Parameters
    ----------
    extract : Extract
        What `open_account` returned.
    files : polars.DataFrame
        What `optkit.verify` returned.

    Returns
    -------
    Answer
    """
    damaged = int((~files["ok"]).sum())
    intact = (
        f"each of its {plural(files.height, 'file')} is intact"
        if not damaged
        else f"{plural(damaged, 'file')} of {files.height:,} cannot be read and will be fetched anew"
    )
    events = extract.history["created_at"]
    if events.is_empty():
        return Answer(f"The account {extract.account} holds no event up to {day(extract.until)}.")
    return Answer(
        f"The extract holds {plural(events.len(), 'event')} from {day(events[0])} to {day(events[-1])}, without "
        f"a gap; {intact}."
    )
