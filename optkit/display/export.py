"""Write a list to a file for another tool."""

from pathlib import Path

import polars as pl

from optkit.display.headlines.headline import Note
from optkit.exporting import export as write
from optkit.formatting import plural


def export(table: pl.DataFrame, file: str | None) -> Note:
    """Write a list to a file that only its owner can read.

    Parameters
    ----------
    table : polars.DataFrame
        The list; phone numbers are written in full.
    file : str or None
        A ``.csv``, ``.parquet``, ``.json`` or ``.xlsx`` file; an existing file is replaced once the new one is
        complete. None: nothing is written.

    Returns
    -------
    str
        A sentence that says what was written.

    Raises
    ------
    SettingsError
        The file has another suffix, or cannot be written.
    """
    if file is None:
        return Note("Nothing was written: the parameter export names no file.")
    path = Path(file).expanduser()
    write(table, path)
    return Note(f"{plural(table.height, 'row')} written to {path}.")
