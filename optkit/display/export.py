"""Small things handed to readers: a number as it may be shown, two moments, a list as a file."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from optkit.display.headlines.headline import Note
from optkit.errors import SettingsError
from optkit.formatting import plural
from optkit.private_files import PrivateFile
from optkit.times import instant

_LAST_TIME: Final = timedelta(days=7)


def phone(number: str, *, show: bool = False) -> str:
    """Return a recipient's number as it may be shown: masked, unless `show`.

    Examples
    --------
    >>> from optkit.display import phone
    >>> phone("+12025550101")
    '+1202•••0101'
    """
    from optkit.phones import mask

    return number if show else str(mask(pl.DataFrame({"to_phone": [number]}))["to_phone"][0])


def moments(at: str | None, before: str | None, *, until: datetime) -> tuple[datetime, datetime]:
    """Return the moment of a list and the earlier one that it is compared with.

    Parameters
    ----------
    at : str or None
        As of when; None: `until`.
    before : str or None
        Compared with when; None: seven days before that.
    until : datetime
        End of observation.

    Returns
    -------
    (datetime, datetime)
        The later one first; UTC.

    Raises
    ------
    SettingsError
        A text is no moment, or `before` does not lie before `at`.
    """
    now = instant(at, "at") if at else until
    earlier = instant(before, "before") if before else now - _LAST_TIME
    if earlier >= now:
        raise SettingsError("before must lie before at")
    return now, earlier


def export(table: pl.DataFrame, file: str | None) -> Note:
    """Write a list for another tool, readable by its owner only, and say so.

    Parameters
    ----------
    table : polars.DataFrame
        The list; numbers are written in full.
    file : str or None
        A ``.csv`` or ``.parquet`` file; an old one is replaced once the new one is complete. None: nothing is written.

    Returns
    -------
    str
        What was done; in a notebook it is shown as a sentence.

    Raises
    ------
    SettingsError
        Another kind of file, or it cannot be written.
    """
    if file is None:
        return Note("Nothing was written: export names no file.")
    path = Path(file).expanduser()
    if path.suffix not in {".csv", ".parquet"}:
        raise SettingsError(f"export must name a .csv or .parquet file, not {path.name}")
    with PrivateFile(path) as out:
        if path.suffix == ".csv":
            table.write_csv(out)
        else:
            table.write_parquet(out)
    return Note(f"{plural(table.height, 'row')} written to {path}.")
