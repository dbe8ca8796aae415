"""Tables on a terminal, in a pipe, or in a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

import optkit
from optkit.formatting import CONTROLS, plural

if TYPE_CHECKING:
    import polars as pl


def show(table: "pl.DataFrame") -> None:
    """Print a whole table, with control characters written out.

    Identifiers have no thousands separators, so that they can be pasted.
    """
    import polars as pl
    from polars import selectors

    texts = selectors.string() | selectors.enum() | selectors.categorical()
    identifiers = selectors.integer() & selectors.ends_with("_id")
    table = table.with_columns(texts.cast(pl.String).str.replace_many(CONTROLS), identifiers.cast(pl.String))
    with pl.Config(
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=-1 if not sys.stdout.isatty() else 160,
        fmt_str_lengths=200,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        thousands_separator=",",
        tbl_formatting="UTF8_HORIZONTAL_ONLY" if sys.stdout.isatty() else "ASCII_MARKDOWN",
    ):
        typer.echo(table)


def export_or_show(table: "pl.DataFrame", shown: "pl.DataFrame", out: Path | None) -> None:
    """Write a table to a file, or print the version for a screen."""
    if out is None:
        show(shown)
        return
    optkit.export(table, out)
    typer.echo(f"{plural(table.height, 'row')} in {out}", err=True)
