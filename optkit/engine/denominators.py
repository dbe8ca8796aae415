"""How many people could have opted out: the denominator, given by the caller or observed in the history."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, SupportsIndex, TypeAlias

import polars as pl

from optkit.arguments import LARGEST_EXACT, whole_number
from optkit.engine import frames
from optkit.engine.frames import Table
from optkit.engine.groups import groups_of, sum_by
from optkit.engine.table_files import read_table
from optkit.errors import HistoryError, SettingsError
from optkit.formatting import join_names, percent, plural
from optkit.sender_names import find_senders
from optkit.warn import warn

#: A number; recipients by sender; a frame with from_phone and recipients; or the path of a file with such a table.
Audience: TypeAlias = int | Mapping[str, int] | Table | str | Path
#: An audience that has been read: a number, or from_phone, the columns of `by` and recipients; None: none is given.
Given: TypeAlias = int | pl.DataFrame | None
Denominator: TypeAlias = Literal["audience", "observed"]

_NAMED: Final = 5  # senders named in an error, at most


def given_audience(audience: Audience | None, by: Sequence[str], *, each_group: bool = False) -> Given:
    """Read an audience, before a history is counted: what cannot be read is an error at once.

    Parameters
    ----------
    audience : int, dict, frame, path or None
        Recipients messaged in total; or those of each sender (a dict, or a frame or file with from_phone, recipients
        and the columns of `by`, whose rows are added up). None: those seen in the history.
    by, each_group
        See `population`.

    Raises
    ------
    SettingsError
        The audience cannot be used, or does not fit `by`.
    """
    if audience is None:
        return None
    if not isinstance(audience, SupportsIndex):
        return read_audience(audience, by)
    people = whole_number(audience, "audience", least=0)
    if by and not each_group:
        raise SettingsError(f"audience is one number, but by={list(by)} asks for one per group; give a frame")
    return people


def population(
    given: Given, by: Sequence[str], seen: pl.DataFrame, *, each_group: bool = False
) -> tuple[pl.DataFrame, Denominator]:
    """Return the denominator of each group.

    Parameters
    ----------
    given : int, polars.DataFrame or None
        The audience, as `given_audience` returns it.
    by : sequence of str
        The columns of a group.
    seen : polars.DataFrame
        The recipients in the history: the columns of `by`, sender (String) and seen (Int64).
    each_group : bool
        Whether groups are compared with each other: then a number is the audience of each group, and senders of the
        audience without an event in the history keep their row. Otherwise a number is the audience of all groups
        together, and such senders are left out.

    Returns
    -------
    (polars.DataFrame, str)
        One row per group: the columns of `by` and population (Int64); and "audience" or "observed".

    Raises
    ------
    SettingsError
        The audience lacks senders of the history, which are named.

    Warns
    -----
    UserWarning
        Senders of the audience have no event in the history: the history may be filtered.
    """
    if given is None:
        return _total(seen, by, "seen"), "observed"
    if isinstance(given, int):
        return groups_of(seen, by).with_columns(population=pl.lit(given, pl.Int64)), "audience"
    given = with_known_senders(given, seen["sender"])
    _validate_senders(given, by, seen)
    silent = given.join(seen, left_on="from_phone", right_on="sender", how="anti")
    if silent.height:
        _warn_of_silent(given, silent, kept=each_group)
        if not each_group:
            given = given.join(seen, left_on="from_phone", right_on="sender", how="semi")
    return _total(given, by, "recipients"), "audience"


def validate_covers(table: pl.DataFrame, opted_out: str, population: str, groups: Sequence[str]) -> None:
    """Raise `SettingsError` where more people are opted out than the audience has."""
    small = table.filter(pl.col(opted_out) > pl.col(population))
    if small.is_empty():
        return
    names = small["from_phone"].unique().sort().to_list() if list(groups) == ["from_phone"] else []
    whose = f" of {join_names(names, _NAMED)}" if names else ""
    raise SettingsError(
        f"audience{whose} is smaller than the number of people who opted out; count everybody who was messaged "
        "during the whole history"
    )


def read_audience(audience: Mapping[str, int] | Table | str | Path, by: Sequence[str]) -> pl.DataFrame:
    """Return from_phone (String), the columns of `by` and recipients (Int64) of an audience that is not a number.

    Raises
    ------
    SettingsError
        It cannot be read, lacks a column, or has missing or negative values.
    """
    columns = list(dict.fromkeys(["from_phone", *by, "recipients"]))
    try:
        table = _with_plain_names(_table(audience), columns)
        frame = frames.read(_as_texts(table), columns, "audience").collect()
    except HistoryError as error:
        raise SettingsError(
            f"{error}; audience must be a whole number, a dict, or a frame or file with {join_names(columns)}"
        ) from None
    if frame["from_phone"].null_count():
        raise SettingsError("audience: from_phone must not be missing")
    if frame["recipients"].dtype.is_integer():
        frame = frame.cast({"recipients": pl.Int64}, strict=False)
        if frame["recipients"].is_between(0, LARGEST_EXACT).fill_null(False).all():
            return frame
    raise SettingsError("audience: recipients must be whole numbers, none missing, none below zero")


def _table(audience: Mapping[str, int] | Table | str | Path) -> pl.LazyFrame:
    if isinstance(audience, str | Path):
        return read_table(audience, "audience").lazy()
    if isinstance(audience, Mapping):
        columns = {"from_phone": list(audience), "recipients": list(audience.values())}
        return pl.LazyFrame(columns, strict=False)
    return frames.lazy(audience, "audience")


def _with_plain_names(table: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    """Return the table with the names of these columns as they should be, whatever their case and space."""
    found = {name: frames.find_column(table.collect_schema(), name) for name in columns}
    return table.rename({column: name for name, column in found.items() if column is not None})


def _as_texts(table: pl.LazyFrame) -> pl.LazyFrame:
    """Return the table with senders as text and recipients as numbers."""
    schema = table.collect_schema()
    if schema.get("from_phone", pl.String()).is_numeric():
        table = table.with_columns(pl.col("from_phone").cast(pl.Int64, strict=False).cast(pl.String))
    if schema.get("recipients") == pl.String():
        table = table.with_columns(pl.col("recipients").str.strip_chars().cast(pl.Int64, strict=False))
    return table


def with_known_senders(given: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Return the audience with its senders spelled as in the history, where only one sender can be meant."""
    typed = given.join(known.to_frame("from_phone"), on="from_phone", how="anti")["from_phone"].unique()
    found = find_senders(typed, known)
    spelled = {sender: same[0] for sender, same in found.items() if len(same) == 1}
    return given.with_columns(pl.col("from_phone").replace(spelled)) if spelled else given


def _validate_senders(given: pl.DataFrame, by: Sequence[str], seen: pl.DataFrame) -> None:
    lacking = seen.join(
        given, left_on=["sender", *by], right_on=["from_phone", *by], how="anti", nulls_equal=True
    )
    missing = sorted(lacking["sender"].unique())
    if missing:
        raise SettingsError(f"audience lacks senders of the history: {join_names(missing, _NAMED)}; add them")


def _warn_of_silent(given: pl.DataFrame, silent: pl.DataFrame, *, kept: bool) -> None:
    names = sorted(silent["from_phone"].unique())
    share = int(silent["recipients"].sum()) / max(1, int(given["recipients"].sum()))
    effect = "They count with a rate of 0" if kept else "They are left out of the population"
    warn(
        f"{plural(len(names), 'sender')} of the audience ({percent(share)} of its recipients) without an event in "
        f"the history: {join_names(names, _NAMED)}. {effect}; if the history was loaded for some senders only, "
        "give only their audience."
    )


def _total(frame: pl.DataFrame, by: Sequence[str], column: str) -> pl.DataFrame:
    return sum_by(frame, by, pl.col(column).sum().cast(pl.Int64).alias("population"))
