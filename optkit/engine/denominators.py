"""How many people could have opted out: the denominator, given by the caller or else observed."""

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import polars as pl

from optkit.engine import frames
from optkit.errors import HistoryError, SettingsError

#: A number, or any frame with from_phone and recipients.
Audience: TypeAlias = Any
Denominator: TypeAlias = Literal["audience", "observed"]

_NAMED: Final = 5  # missing senders named in an error, at most


def population(
    audience: Audience | None, by: Sequence[str], seen: pl.DataFrame
) -> tuple[pl.DataFrame, Denominator]:
    """Return the denominator of each group.

    Parameters
    ----------
    audience : int, frame or None
        Recipients messaged in all, or a frame of from_phone and recipients (with the columns of `by`), whose
        rows are added up. None: those seen in the history.
    by : sequence of str
        The columns of a group.
    seen : polars.DataFrame
        What the history holds: the columns of `by`, sender (String) and seen (Int64).

    Returns
    -------
    (polars.DataFrame, str)
        The columns of `by` and population (Int64), a row per group of either; and "audience" or "observed".

    Raises
    ------
    SettingsError
        The audience is none, does not fit `by`, or lacks senders of the history, which are named.
    """
    if audience is None:
        return _total(seen, by, "seen"), "observed"
    if isinstance(audience, int) and not isinstance(audience, bool):
        if by:
            raise SettingsError(
                f"audience is one number, but by={list(by)} asks for one per group; give a frame"
            )
        if audience < 0:
            raise SettingsError("audience must not be below zero")
        return pl.DataFrame({"population": [audience]}, schema={"population": pl.Int64}), "audience"
    given = _read(audience, by)
    lacking = seen.join(
        given, left_on=["sender", *by], right_on=["from_phone", *by], how="anti", nulls_equal=True
    )
    missing = sorted(lacking["sender"].unique())
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise SettingsError(
            f"audience lacks senders of the history: {', '.join(missing[:_NAMED])}{more}; add them"
        )
    return _total(given, by, "recipients"), "audience"


def _read(audience: Audience, by: Sequence[str]) -> pl.DataFrame:
    columns = list(dict.fromkeys(["from_phone", *by, "recipients"]))
    try:
        frame = frames.read(audience, columns).collect()
    except HistoryError as error:
        raise SettingsError(f"audience is an int, or a frame with {', '.join(columns)} ({error})") from None
    recipients = frame["recipients"]
    if recipients.len() and (
        not recipients.dtype.is_integer() or recipients.null_count() or (recipients < 0).any()
    ):
        raise SettingsError("audience: recipients must be whole numbers, none missing, none below zero")
    return frame


def _total(frame: pl.DataFrame, by: Sequence[str], column: str) -> pl.DataFrame:
    total = pl.col(column).sum().cast(pl.Int64).alias("population")
    return frame.group_by(by).agg(total) if by else frame.select(total)
