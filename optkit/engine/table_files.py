"""Read tables from files as people keep them: CSV as Excel writes it, Parquet, xlsx."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Final

import polars as pl

from optkit.errors import SettingsError
from optkit.extras import require


def read_table(path: str | Path, name: str) -> pl.DataFrame:
    """Read a table from a .csv (or .txt, .tsv), .parquet or .xlsx file.

    Each cell of a CSV or xlsx file is read as text, so that '+' and leading zeros survive and a sender that is a number
    in Excel becomes text. A CSV file may be in UTF-8 or Windows-1252, separated by comma, semicolon or tab.

    Parameters
    ----------
    path : str or Path
        The file; "~" is the home folder. The first sheet of an xlsx file is read.
    name : str
        Name of the table, for the error.

    Returns
    -------
    polars.DataFrame
        The table. Its columns are String, except those of a Parquet file.

    Raises
    ------
    SettingsError
        The file cannot be opened, or is not such a table.
    """
    file = Path(path).expanduser()
    read = _READERS.get(file.suffix.lower())
    if read is None:
        raise SettingsError(
            f"{name}: the file's name must end in .csv, .parquet or .xlsx, not {file.suffix!r}"
        )
    try:
        content = file.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or "its name is not a path"
        raise SettingsError(f"{name}: the file {file.name!r} cannot be opened: {reason}") from None
    try:
        return read(BytesIO(content))
    except (UnicodeDecodeError, pl.exceptions.PolarsError):  # these may quote the file's content
        raise SettingsError(
            f"{name}: the file {file.name!r} cannot be read as {file.suffix[1:].lower()}"
        ) from None


def _read_csv(file: BytesIO) -> pl.DataFrame:
    content = file.getvalue()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    separator = max(",;\t", key=text.partition("\n")[0].count)
    return pl.read_csv(text.encode(), separator=separator, infer_schema=False)


def _read_xlsx(file: BytesIO) -> pl.DataFrame:
    require("reading Excel files", "lab", "fastexcel")
    from fastexcel import FastExcelError

    try:
        return pl.read_excel(file, infer_schema_length=0)
    except FastExcelError:
        raise pl.exceptions.ComputeError("not an xlsx file") from None


_READERS: Final[dict[str, Callable[[BytesIO], pl.DataFrame]]] = {
    ".csv": _read_csv,
    ".txt": _read_csv,
    ".tsv": _read_csv,
    ".parquet": pl.read_parquet,
    ".xlsx": _read_xlsx,
}
