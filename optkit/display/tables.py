"""Tables for readers: great_tables on white in every theme, and the settings of polars' own tables."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from optkit.extras import require
from optkit.formatting import NONE, percent, shorten

if TYPE_CHECKING:
    from great_tables import GT

#: Columns with these endings are shares.
_SHARES: Final = ("rate", "share", "jaccard", "out_a_in_b", "says_stop")
_LABELS: Final = {"from_phone": "sender", "to_phone": "recipient", "created_at": "when (UTC)"}
#: Most characters of a text that are shown: in a cell that wraps, and on a terminal.
_LONGEST: Final = 200
_LONGEST_LINE: Final = 60


def table(
    frame: pl.DataFrame,
    title: str,
    *,
    note: str = "",
    columns: Sequence[str] | None = None,
    rows: int = 20,
    show_phones: bool = False,
) -> "GT":
    """Return a table for readers: with thousands separators, percentages, and intervals in one column.

    The values stay numbers, so that great_tables' own methods can be applied to the result.

    Parameters
    ----------
    frame : polars.DataFrame
        The result of an analysis, or a part of it. Columns ``low`` and ``high`` are merged into ``interval``.
    title : str
        The title.
    note : str
        A definition or a caveat to write below the table.
    columns : sequence of str, optional
        The columns to show, in this order. Default: all.
    rows : int
        The most rows to show; the note says if there are more.
    show_phones : bool
        Whether to show recipients' numbers in full. Default: masked.

    Returns
    -------
    great_tables.GT

    Examples
    --------
    >>> import optkit
    >>> from optkit.display import table
    >>> shown = table(optkit.demo_audience(), "Recipients by sender").fmt_integer("recipients", sep_mark=" ")
    """
    require("a formatted table", "lab", "great_tables")
    from great_tables import GT, loc
    from great_tables import style as cell_style

    shown = _select(frame.head(rows), columns, _LONGEST, show_phones=show_phones)
    identity = "optkit-" + blake2b(repr((title, shown.rows())).encode(), digest_size=6).hexdigest()
    intervals = dict(_intervals(shown.columns))
    labels: dict[str, Any] = {name: _LABELS.get(name, name.replace("_", " ")) for name in shown.columns}
    labels |= {low: low.removesuffix("low").replace("_", " ") + "interval" for low in intervals}
    result = (
        GT(shown, id=identity)
        .tab_header(title=title)
        .cols_label(labels)
        .cols_align("left")
        .cols_align("right", columns=[name for name, dtype in shown.schema.items() if dtype.is_numeric()])
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
        # JupyterLab's dark theme sets the colours of cells: only an !important rule for this id overrides it
        .opt_css(
            f"#{identity} .gt_table, #{identity} .gt_table * {{ background-color: white !important; "
            "color: #222222 !important; } "
            f"#{identity} td, #{identity} th {{ padding-left: 10px; padding-right: 10px; }} "
            f"#{identity} td {{ max-width: 60ch; overflow-wrap: break-word; }}"
        )
    )
    times = [name for name, dtype in shown.schema.items() if dtype.is_temporal()]
    if times:  # do not break a date at its hyphens
        result = result.tab_style(cell_style.css("white-space: nowrap;"), loc.body(columns=times))
    for name, write in _formats(shown).items():
        result = result.fmt(partial(_or_dash, write), columns=name)
    for low, high in intervals.items():
        known = (
            shown.select(pl.all_horizontal(pl.col(low, high).is_not_null()).arg_true()).to_series().to_list()
        )
        result = result.cols_merge([low, high], rows=known, pattern="{0} to {1}").cols_hide(high)
    result = result.sub_missing(missing_text=NONE)
    more = f"The first {rows:,} of {frame.height:,} rows. " if frame.height > rows else ""
    return result.tab_source_note(more + note) if more or note else result


def as_text(frame: pl.DataFrame, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return the frame with each value as text, formatted as by `table`, for a terminal.

    Parameters
    ----------
    frame, columns
        See `table`.

    Returns
    -------
    polars.DataFrame
        String columns only; ``interval`` in place of ``low`` and ``high``.

    Examples
    --------
    >>> from optkit.display import as_text
    >>> as_text(pl.DataFrame({"n": [1200], "rate": [0.0612], "low": [0.05], "high": [0.07]})).row(0)
    ('1,200', '6.1%', '5.0% to 7.0%')
    """
    chosen = _select(frame, columns, _LONGEST_LINE, show_phones=False)
    formats = _formats(chosen)
    words = {
        name: [_or_dash(formats.get(name, str), value) for value in chosen[name]] for name in chosen.columns
    }
    for low, high in _intervals(chosen.columns):
        pairs = zip(words[low], words.pop(high), strict=True)
        words[low] = [
            low_text if low_text == NONE else f"{low_text} to {high_text}" for low_text, high_text in pairs
        ]
    renamed = {low: low.removesuffix("low") + "interval" for low, _ in _intervals(chosen.columns)}
    return pl.DataFrame(words, schema=dict.fromkeys(words, pl.String)).rename(renamed)


def style() -> None:
    """Configure how polars shows tables in a notebook: more rows, thousands separators, no dtypes."""
    pl.Config.set_tbl_rows(20)
    pl.Config.set_tbl_cols(20)
    pl.Config.set_thousands_separator(",")
    pl.Config.set_float_precision(3)
    pl.Config.set_tbl_hide_column_data_types(active=True)


def _select(
    frame: pl.DataFrame, columns: Sequence[str] | None, longest: int, *, show_phones: bool
) -> pl.DataFrame:
    import optkit

    chosen = frame.select(columns) if columns else frame
    if "to_phone" in chosen.columns and not show_phones:
        chosen = optkit.mask(chosen)
    long = pl.col(pl.String, pl.Enum, pl.Categorical).cast(pl.String)
    return chosen.with_columns(long.map_elements(lambda text: shorten(text, longest), return_dtype=pl.String))


def _intervals(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the two columns of each interval: low and high, excess_low and excess_high."""
    for name in names:
        high = name.removesuffix("low") + "high"
        if name.endswith("low") and high in names:
            yield name, high


def _formats(frame: pl.DataFrame) -> dict[str, Callable[[Any], str]]:
    """Return the formatter of each column; values of other columns are written with `str`."""
    bounds = {name for pair in _intervals(frame.columns) for name in pair}
    of_shares = any(map(_is_share, frame.columns))
    formats: dict[str, Callable[[Any], str]] = {}
    for name, dtype in frame.schema.items():
        if _is_share(name) or (of_shares and name in {"low", "high"}):
            formats[name] = percent
        elif dtype == pl.Boolean:
            formats[name] = lambda value: "yes" if value else "no"
        elif dtype == pl.Datetime:
            formats[name] = _minute
        elif dtype.is_float():
            whole = name in bounds and "per_1000" not in name
            formats[name] = "{:,.0f}".format if whole else "{:,.1f}".format
        elif dtype.is_integer() and not name.endswith("_id"):
            formats[name] = "{:,}".format
    return formats


def _or_dash(write: Callable[[Any], str], value: Any) -> str:
    return NONE if value is None else write(value)


def _is_share(name: str) -> bool:
    return name.endswith(_SHARES) or name.startswith(("win_back_", "return_", "relapse_", "limit_"))


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
