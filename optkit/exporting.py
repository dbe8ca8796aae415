"""Tables as files for other tools: CSV, Parquet, JSON and Excel.

The module is not called ``export`` because ``optkit.export`` is a function.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import polars as pl

from optkit.errors import SettingsError
from optkit.extras import require
from optkit.private_files import PrivateFile

if TYPE_CHECKING:
    from optkit.engine.frames import History

#: Excel's own limits: rows of a sheet with its header, characters of a cell, digits of a number.
_EXCEL_ROWS: Final = 1_048_576
_EXCEL_CHARACTERS: Final = 32_767
_EXCEL_INTEGERS: Final = 10**15


def export(frame: "History", path: str | Path) -> None:
    """Write a table to a file for another tool, whole or not at all, readable by its owner only.

    Phone numbers are written in full. In CSV and JSON a time is ``2026-06-29T07:00:00.000Z`` (without the Z if the
    column has no time zone). In Excel all text stays text, so that '+' and leading zeros survive; times with a time
    zone are converted to UTC and shown with "UTC"; whole numbers of more than 15 digits become text.

    Parameters
    ----------
    frame : any frame
        A polars, pandas, pyarrow or Spark frame, or anything else that exports Arrow.
    path : str or Path
        The file. Its suffix chooses the format: .csv (UTF-8), .parquet, .json (a list of objects) or .xlsx. An existing
        file is replaced.

    Raises
    ------
    SettingsError
        The suffix is another one, the table does not fit into the format, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import optkit
    >>> path = Path(tempfile.mkdtemp()) / "suppressed.csv"
    >>> optkit.export(optkit.suppression_list(optkit.demo_history(recipients=100)), path)
    >>> path.read_text().splitlines()[0]
    'from_phone,to_phone,opted_out_at,opt_outs'
    """
    path = Path(path).expanduser()
    suffix = check_suffix(path)
    table = _read(frame)
    with PrivateFile(path) as file:
        write_table(table, file, suffix)


def check_suffix(path: Path) -> str:
    """Return the suffix of a file, in lower case, that chooses its format.

    Raises
    ------
    SettingsError
        Tables are not written to files with this suffix.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        *most, last = _WRITERS
        raise SettingsError(
            f"the name of the file must end in {', '.join(most)} or {last}, which chooses the format; "
            f"{path.name} does not"
        )
    return suffix


def write_table(table: pl.DataFrame, file: BinaryIO, suffix: str) -> None:
    """Write a table in the format that files ending in `suffix` have."""
    _WRITERS[suffix](table, file)


def _read(frame: Any) -> pl.DataFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if hasattr(frame, "toArrow"):  # Spark's
        frame = frame.toArrow()
    if not hasattr(frame, "__arrow_c_stream__"):
        raise SettingsError(
            f"export takes a polars, pandas, pyarrow, DuckDB or Spark frame, not {type(frame).__name__}"
        )
    return pl.DataFrame(frame)


def _write_csv(table: pl.DataFrame, file: BinaryIO) -> None:
    nested = [name for name, dtype in table.schema.items() if dtype.is_nested()]
    if nested:
        raise SettingsError(
            f"a CSV file cannot hold the lists in column {nested[0]!r}; write .parquet or .json"
        )
    _with_times_as_text(table).write_csv(file)


def _write_json(table: pl.DataFrame, file: BinaryIO) -> None:
    file.write(_with_times_as_text(table).write_json().encode())


def _with_times_as_text(table: pl.DataFrame) -> pl.DataFrame:
    def text(name: str, time_zone: str | None) -> pl.Expr:
        if time_zone is None:
            return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.3f")
        return pl.col(name).dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")

    times = {name: dtype for name, dtype in table.schema.items() if isinstance(dtype, pl.Datetime)}
    return table.with_columns(text(name, dtype.time_zone) for name, dtype in times.items())


def _write_parquet(table: pl.DataFrame, file: BinaryIO) -> None:
    table.write_parquet(file)


def _write_excel(table: pl.DataFrame, file: BinaryIO) -> None:
    require("writing Excel files", "lab", "xlsxwriter")
    import xlsxwriter

    if table.height >= _EXCEL_ROWS:
        raise SettingsError(
            f"an Excel sheet holds at most {_EXCEL_ROWS - 1:,} rows, and the table has {table.height:,}; write .csv"
        )
    formats: dict[Any, Any] = {
        name: 'yyyy-mm-dd hh:mm:ss "UTC"' if dtype.time_zone else "yyyy-mm-dd hh:mm:ss"
        for name, dtype in table.schema.items()
        if isinstance(dtype, pl.Datetime)
    }
    cells = table.select(_excel_cells(table[name]) for name in table.columns)
    content = BytesIO()
    options = {
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    with xlsxwriter.Workbook(content, options) as workbook:
        cells.write_excel(workbook, column_formats=formats, autofit=True)
    file.write(content.getbuffer())


def _excel_cells(column: pl.Series) -> pl.Series:
    """Return a column in a type that Excel stores without loss."""
    if column.dtype.is_nested():
        raise SettingsError(f"an Excel sheet cannot hold the lists in column {column.name!r}; write .parquet")
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        return column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if column.dtype.is_integer() and (column.cast(pl.Int128).abs() >= _EXCEL_INTEGERS).any():
        return column.cast(pl.String)
    if column.dtype == pl.String and (column.str.len_chars() > _EXCEL_CHARACTERS).any():
        raise SettingsError(
            f"an Excel cell holds at most {_EXCEL_CHARACTERS:,} characters, and column {column.name!r} has more; "
            "write .csv"
        )
    return column


_WRITERS: Final[dict[str, Callable[[pl.DataFrame, BinaryIO], None]]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".json": _write_json,
    ".xlsx": _write_excel,
}
