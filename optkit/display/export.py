"""A list as a file for another tool."""

from pathlib import Path

import polars as pl

from optkit.display.headlines.headline import Note
from optkit.errors import SettingsError
from optkit.formatting import plural
from optkit.private_files import PrivateFile


def export(table: pl.DataFrame, file: str | None) -> Note:
    """Write a list to a file that only its owner can read, and say so.

    Parameters
    ----------
    table : polars.DataFrame
        The list; phone numbers are written in full.
    file : str or None
        A ``.csv`` or ``.parquet`` file; an old one is replaced once the new one is complete. None: nothing is written.

    Returns
    -------
    str
        What was done; a notebook shows it as a sentence.

    Raises
    ------
    SettingsError
        The file has another ending, or cannot be written.
    """
    if file is None:
        return Note("Nothing was written: the parameter export names no file.")
    path = Path(file).expanduser()
    if path.suffix not in {".csv", ".parquet"}:
        raise SettingsError(f"export must name a .csv or .parquet file, not {path.name}")
    with PrivateFile(path) as out:
        if path.suffix == ".csv":
            table.write_csv(out)
        else:
            table.write_parquet(out)
    return Note(f"{plural(table.height, 'row')} written to {path}.")
