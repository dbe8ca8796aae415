"""Tables for readers: headlines in great_tables, white in every theme; the rest as polars shows them."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import polars as pl

from optkit.formatting import NONE, interval, percent

#: Columns that are shares, by what their names end or begin with.
_SHARES: Final = ("rate", "share", "jaccard", "out_a_in_b")
_LABELS: Final = {"from_phone": "sender", "to_phone": "recipient", "created_at": "when (UTC)", "n": "n"}


def table(
    frame: pl.DataFrame,
    title: str,
    *,
    note: str = "",
    columns: Sequence[str] | None = None,
    rows: int = 20,
    show_phones: bool = False,
) -> Any:
    """Return a headline table: thousands separators, per cent with one decimal, intervals as ranges.

    Recipients' numbers are masked unless `show_phones`.

    Parameters
    ----------
    frame : polars.DataFrame
        What an analysis returned, or a part of it. Columns ``low`` and ``high`` become one: ``interval``.
    title : str
        What the table shows.
    note : str
        A definition, a caveat, below it.
    columns : sequence of str, optional
        Which columns, in this order; default all.
    rows : int
        How many rows at most; the note says when there are more.
    show_phones : bool
        Whether recipients' numbers are shown in full.

    Returns
    -------
    great_tables.GT
    """
    from great_tables import GT

    words = tidy(frame.head(rows), columns=columns, show_phones=show_phones)
    numbers = [
        name
        for name in words.columns
        if (name in frame.columns and frame.schema[name].is_numeric()) or name == "interval"
    ]
    identity = "optkit-" + blake2b(repr((title, words.rows())).encode(), digest_size=6).hexdigest()
    shown = (
        GT(words, id=identity)
        .tab_header(title=title)
        .cols_label({column: _LABELS.get(column, column.replace("_", " ")) for column in words.columns})
        .cols_align("left")
        .cols_align("right", columns=numbers)
        .opt_align_table_header("left")
        .tab_options(
            table_background_color="white",
            table_font_color="#222222",
            table_font_size="14px",
            table_margin_left="0",
            heading_title_font_size="16px",
            heading_title_font_weight="bold",
            column_labels_font_weight="bold",
            data_row_padding="4px",
            source_notes_font_size="12px",
        )
        # JupyterLab's dark theme colours cells of its own accord: only a rule for this id that insists holds
        .opt_css(
            f"#{identity} .gt_table, #{identity} .gt_table * {{ background-color: white !important; "
            "color: #222222 !important; } "
            f"#{identity} td, #{identity} th {{ padding-left: 10px; padding-right: 10px; }}"
        )
    )
    more = f"The first {rows:,} of {frame.height:,} rows. " if frame.height > rows else ""
    return shown.tab_source_note(more + note) if more or note else shown


def tidy(
    frame: pl.DataFrame, *, columns: Sequence[str] | None = None, show_phones: bool = False
) -> pl.DataFrame:
    """Return the frame in words: every value as text, as a reader wants it.

    Parameters
    ----------
    frame, columns, show_phones
        As of `table`.

    Returns
    -------
    polars.DataFrame
        String columns only; the same names, but ``interval`` in the place of ``low`` and ``high``.

    Examples
    --------
    >>> from optkit.display import tidy
    >>> tidy(pl.DataFrame({"n": [1200], "rate": [0.0612], "low": [0.05], "high": [0.07]})).row(0)
    ('1,200', '6.1%', '5.0% to 7.0%')
    """
    import optkit

    chosen = frame.select(columns) if columns else frame
    if "to_phone" in chosen.columns and not show_phones:
        chosen = optkit.mask(chosen)
    words = {}
    for column in chosen.iter_columns():
        if column.name == "high" and "low" in chosen.columns:
            continue
        if column.name == "low" and "high" in chosen.columns:
            pairs = zip(column, chosen["high"], strict=True)
            shares = any(_is_share(name) for name in chosen.columns)
            words["interval"] = [interval(*pair) if shares else _range(*pair) for pair in pairs]
        else:
            words[column.name] = [_say(value, column) for value in column]
    return pl.DataFrame(words, schema=dict.fromkeys(words, pl.String))


def _is_share(name: str) -> bool:
    return name.endswith(_SHARES) or name.startswith("win_back_")


def _range(low: float | None, high: float | None) -> str:
    return NONE if low is None or high is None else f"{low:,.0f} to {high:,.0f}"


def _say(value: Any, column: pl.Series) -> str:
    if value is None:
        return NONE
    if _is_share(column.name):
        return percent(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return (
        f"{value:,.1f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


def style() -> None:
    """Set polars' own tables for notebooks: enough rows, thousands separators, no types."""
    pl.Config.set_tbl_rows(20)
    pl.Config.set_tbl_cols(20)
    pl.Config.set_thousands_separator(",")
    pl.Config.set_float_precision(3)
    pl.Config.set_tbl_hide_column_data_types(active=True)
