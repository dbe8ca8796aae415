"""Events to states: ties, repeats, duplicates and orphans are settled here, once.

An event is packed into one integer that sorts by pair and time::

    recipient (51 bits) | sender (30) | created_at in ms, from 2**44 before 1970 on (45) | opted out (1)

Sorted, all of a pair's events lie together in time, the last of several in one millisecond is an opt-out if
any of them is (so the opt-out counts), and exact duplicates are equal neighbours. Every frame below comes
from one pass over that order, in whole numbers: codes for phones, milliseconds for times.

The frames of a `Bucket` (lazy, sorted by recipient and sender, then time; all with these columns)::

    group      UInt32   code of the `by` columns' values; 0 without `by`
    sender     UInt32   code of from_phone
    recipient  Int64    code of to_phone

`Bucket.runs`         a row per stretch of one state: at, out, first
`Bucket.transitions`  a row per transition: at, out (true: opt-out; false: re-opt-in)
`Bucket.spells`       a row per spell: spell, opted_out_at, returned_at (null: open)
`Bucket.units`        a row per pair, or per recipient in that scope: first, since, out, opt_outs, re_opt_ins

`at`, `first`, `since`, `opted_out_at` and `returned_at` are Int64 milliseconds since 1970; `runs.first` is
a Boolean: the pair's first run. A first run that is an opt-in is an orphan: no transition.

In recipient scope a row's state is the recipient's, looked at once per millisecond; its sender is the one
whose event made the change (of several in that millisecond the first by name).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias

import polars as pl

from optkit.analysis.frames import REACH
from optkit.errors import HistoryError
from optkit.history import INSTANT, OPT_IN, OPT_OUT

Scope: TypeAlias = Literal["pair", "recipient"]

_TIME_BITS: Final = 46  # with the state
_SENDER_BITS: Final = 30
_BIAS: Final = REACH + 1
_DIGITS: Final = 15  # of a phone number, at most (E.164)
#: The least number of so many digits; of none and of too many there is none.
_LEAST: Final = pl.Series([None, *(10**n for n in range(_DIGITS)), None], dtype=pl.Int64)
_PLAIN: Final = 10**_DIGITS  # codes from here: digits without '+'
_ODD: Final = 2 * _PLAIN  # codes from here: any other text, numbered as it comes

_EVENT: Final = pl.col("event")
_CODE: Final = "code of the sender"  # beside a history's own columns


def _big(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int128)


@dataclass(frozen=True)
class Codes:
    """What the codes of a packed history stand for.

    Attributes
    ----------
    senders : polars.DataFrame
        Row number = sender code: from_phone, and the `by` columns other than it. A sender has several codes
        where a column is constant only per recipient.
    odd : polars.Series
        Recipients that are not plain digits, by code.
    by : list of str
        The columns that `group` stands for.
    """

    senders: pl.DataFrame
    odd: pl.Series
    by: list[str]

    @cached_property
    def groups(self) -> pl.DataFrame:
        """Row number = group code: the `by` columns."""
        return self.senders.select(self.by).unique().sort(self.by, nulls_last=True)

    @cached_property
    def group_of(self) -> pl.Series:
        """Group code of each sender code."""
        if not self.by:
            return pl.zeros(self.senders.height, dtype=pl.UInt32, eager=True)
        groups = self.groups.with_row_index("group")
        return self.senders.join(groups, on=self.by, nulls_equal=True, how="left", maintain_order="left")[
            "group"
        ]

    @cached_property
    def rank(self) -> pl.Series:
        """Rank by name of each sender code: codes come in no order."""
        return self.senders["from_phone"].rank("dense")

    def sender(self, code: pl.Expr) -> pl.Expr:
        """Return the name of a sender code."""
        return pl.lit(self.senders["from_phone"]).gather(code)

    def recipient(self, code: pl.Expr) -> pl.Expr:
        """Return the text of a recipient code."""
        odd = pl.lit(self.odd).gather((code - _ODD).clip(0)) if len(self.odd) else pl.lit(None, pl.String)
        digits = (code % _PLAIN).cast(pl.String)
        return pl.when(code < _PLAIN).then("+" + digits).when(code < _ODD).then(digits).otherwise(odd)


def pack(
    history: pl.LazyFrame, by: Sequence[str] = (), until: int | None = None
) -> tuple[pl.Series, Codes] | None:
    """Pack the events of a history, in its own order.

    Parameters
    ----------
    history : polars.LazyFrame
        As `frames.read` returns it: the four key columns and those of `by`.
    by : sequence of str
        Columns that are constant for a sender, a recipient or a pair.
    until : int, optional
        Milliseconds since 1970; later events are left out.

    Returns
    -------
    (polars.Series of Int128, Codes), or None
        None: a value is null or nothing that a history can hold; `frames.explain` says which.
    """
    extra = [name for name in by if name != "from_phone"]
    if until is not None:
        history = history.filter(pl.col("created_at") <= pl.lit(until).cast(INSTANT))
    odd = _Numbering()
    if extra:
        senders = (
            history.select("from_phone", *extra)
            .unique()
            .collect(engine="streaming")
            .sort("from_phone", *extra)
        )
        numbered = senders.with_row_index(_CODE).lazy()
        history = history.join(numbered, on=["from_phone", *extra], nulls_equal=True, how="left")
        packed = history.select(_packed(pl.col(_CODE), odd)).collect(engine="streaming").to_series()
    else:
        names = _Numbering()
        packed = (
            history.select(_packed(names.code(pl.col("from_phone")), odd))
            .collect(engine="streaming")
            .to_series()
        )
        senders = pl.DataFrame({"from_phone": names.words()})
    if packed.null_count():
        return None
    if senders.height > 2**_SENDER_BITS:
        raise HistoryError("from_phone and the columns of `by` take over a billion different values together")
    return packed, Codes(senders, odd.words(), list(by))


class _Numbering:
    """Numbers texts 0, 1, 2, … as they come, in one pass over them."""

    def __init__(self) -> None:
        self._categories = pl.Categories.random()
        self._dtype = pl.Categorical(self._categories)
        self._alive = pl.Series([], dtype=self._dtype)  # polars forgets the texts once no data uses them

    def code(self, text: pl.Expr) -> pl.Expr:
        return text.cast(self._dtype).to_physical().cast(pl.Int64)

    def words(self) -> pl.Series:
        return self._categories.to_series().cast(pl.String)


def _packed(sender: pl.Expr, odd: _Numbering) -> pl.Expr:
    """Return the packed event; null where a value is null or cannot be packed."""
    text = pl.col("to_phone")
    plus = text.str.starts_with("+")
    digits = text.str.len_bytes().cast(pl.Int64) - plus
    # n characters that read as a number of at least 10**(n-1) are n digits, not 0 first: one text a number.
    number = text.cast(pl.Int64, strict=False)
    least = pl.lit(_LEAST).gather(digits.clip(0, _DIGITS + 1))
    canonical = (number >= least).fill_null(False)
    other = odd.code(pl.when(canonical).then(None).otherwise(text)) + _ODD
    recipient = pl.when(canonical).then(number + pl.when(plus).then(0).otherwise(_PLAIN)).otherwise(other)
    at = pl.col("created_at").cast(pl.Int64) + _BIAS
    at = pl.when(at.is_between(1, 2 * REACH + 1)).then(at)
    status = pl.col("status")
    out = pl.when(status == OPT_OUT).then(1).when(status == OPT_IN).then(0).cast(pl.Int64)
    return (
        recipient.cast(pl.Int128) * _big(2 ** (_SENDER_BITS + _TIME_BITS))
        + sender.cast(pl.Int128) * _big(2**_TIME_BITS)
        + (at * 2 + out).cast(pl.Int128)
    ).alias("event")


def recipient_of(event: pl.Expr) -> pl.Expr:
    """Return the recipient code of a packed event."""
    return (event // _big(2 ** (_SENDER_BITS + _TIME_BITS))).cast(pl.Int64)


def _sender_of(event: pl.Expr) -> pl.Expr:
    return (event // _big(2**_TIME_BITS) & _big(2**_SENDER_BITS - 1)).cast(pl.UInt32)


def at_of(event: pl.Expr) -> pl.Expr:
    """Return the milliseconds since 1970 of a packed event."""
    return (event & _big(2**_TIME_BITS - 1)).cast(pl.Int64) // 2 - _BIAS


def _pair_runs(events: pl.LazyFrame) -> pl.LazyFrame:
    """Return the runs of each pair, from its packed and sorted events."""
    settled = events.filter((_EVENT ^ _EVENT.shift(-1)).fill_null(_big(2)) > 1)
    change = _EVENT ^ _EVENT.shift(1)
    first = (change >= _big(2**_TIME_BITS)).fill_null(True)
    runs = settled.with_columns(first=first, changed=(change & 1) == 1).filter(
        pl.col("first") | pl.col("changed")
    )
    return runs.select(
        sender=_sender_of(_EVENT),
        recipient=recipient_of(_EVENT),
        at=at_of(_EVENT),
        out=(_EVENT & 1) == 1,
        first="first",
    )


def _recipient_runs(runs: pl.LazyFrame, codes: Codes) -> pl.LazyFrame:
    """Return the runs of each recipient, opted out while out of at least one sender, from its pairs'."""
    same = pl.col("recipient") == pl.col("recipient").shift(1)
    out = pl.col("out")
    step = pl.when(out).then(1).when("first").then(0).otherwise(-1)
    moments = (
        runs.with_columns(step=step, rank=pl.lit(codes.rank).gather(pl.col("sender")))
        .sort("recipient", "at", "rank")
        .group_by("recipient", "at", maintain_order=True)
        .agg(
            pl.col("step").sum(),
            blamed=pl.col("sender").filter(out).first(),
            thanked=pl.col("sender").filter(~out & ~pl.col("first")).first(),
            seen=pl.col("sender").first(),
        )
        .with_columns(out=pl.col("step").cum_sum().over("recipient") > 0)
        .with_columns(first=~same.fill_null(False))
    )
    return moments.filter(pl.col("first") | (out != out.shift(1))).select(
        sender=pl.when("out").then("blamed").otherwise(pl.coalesce("thanked", "seen")),
        recipient="recipient",
        at="at",
        out="out",
        first="first",
    )


class Bucket:
    """All events of some recipients, and what follows from them; see the module for its frames.

    Attributes
    ----------
    codes : Codes
        What senders, recipients and groups stand for.
    scope : "pair" or "recipient"
        Whose states these are.
    first, until : int
        First event of the *whole* history and end of observation, in milliseconds since 1970; both 0 in an
        empty history without `until`.
    """

    def __init__(self, packed: pl.Series, codes: Codes, *, scope: Scope, first: int, until: int) -> None:
        self.codes = codes
        self.scope = scope
        self.first = first
        self.until = until
        self._packed = pl.DataFrame({"event": packed.sort()})

    @property
    def events(self) -> pl.LazyFrame:
        """A row per row of the history, duplicates included: at, out."""
        return self._named(
            self._packed.lazy().select(
                sender=_sender_of(_EVENT),
                recipient=recipient_of(_EVENT),
                at=at_of(_EVENT),
                out=(_EVENT & 1) == 1,
            )
        )

    @cached_property
    def _runs(self) -> pl.DataFrame:
        pairs = _pair_runs(self._packed.lazy())
        if self.codes.senders.width > 1:
            _refuse_unsteady(pairs.collect(), self.codes, self.scope)
        runs = _recipient_runs(pairs, self.codes) if self.scope == "recipient" else pairs
        return runs.collect()

    @property
    def runs(self) -> pl.LazyFrame:
        """A row per stretch of one state: at, out, first."""
        return self._named(self._runs.lazy())

    @property
    def transitions(self) -> pl.LazyFrame:
        """A row per transition: at, out (true: opt-out; false: re-opt-in)."""
        return self.runs.filter(pl.col("out") | ~pl.col("first")).drop("first")

    @property
    def spells(self) -> pl.LazyFrame:
        """A row per spell: spell (1, 2, …), opted_out_at, returned_at (null: open)."""
        place = pl.int_range(pl.len(), dtype=pl.Int64)
        # In a unit's runs the two states alternate, so places within it count the spells.
        start = pl.when("first").then(place).forward_fill()
        orphan = pl.when("first").then(~pl.col("out")).forward_fill()
        return (
            self.runs.with_columns(
                spell=((place - start - orphan.cast(pl.Int64)) // 2 + 1).cast(pl.UInt32),
                opted_out_at="at",
                returned_at=pl.when(~pl.col("first").shift(-1)).then(pl.col("at").shift(-1)),
            )
            .filter("out")
            .drop("at", "out", "first")
        )

    @property
    def units(self) -> pl.LazyFrame:
        """A row per pair or recipient: first, since, out (its state at `until`), opt_outs, re_opt_ins."""
        place = pl.int_range(pl.len(), dtype=pl.Int64)
        placed = self.runs.with_columns(place=place)
        heads = placed.filter("first").select(first="at", orphan=~pl.col("out"), head="place")
        tails = placed.filter(pl.col("first").shift(-1, fill_value=True))
        # The runs of a unit lie together and its two states alternate, so their number says how many of each.
        runs = pl.col("place") - pl.col("head")
        return pl.concat([tails.drop("first"), heads], how="horizontal").select(
            "group",
            "sender",
            "recipient",
            "first",
            since="at",
            out="out",
            opt_outs=((runs + 2 - pl.col("orphan").cast(pl.Int64)) // 2).cast(pl.UInt32),
            re_opt_ins=((runs + 1 - pl.col("orphan").cast(pl.Int64)) // 2).cast(pl.UInt32),
        )

    def _named(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        group = (
            pl.lit(self.codes.group_of).gather(pl.col("sender")) if self.codes.by else pl.lit(0, pl.UInt32)
        )
        return frame.select(group.alias("group"), pl.all())


def _refuse_unsteady(runs: pl.DataFrame, codes: Codes, scope: Scope) -> None:
    """Raise unless each pair (or recipient) has one value of the `by` columns."""
    unit = ["recipient"] if scope == "recipient" else ["recipient", "name"]
    named = runs.lazy().select(
        "recipient",
        name=pl.lit(codes.rank).gather(pl.col("sender")),
        group=pl.lit(codes.group_of).gather(pl.col("sender")),
    )
    split = (
        named.select(*unit, "group").unique().group_by(unit).len().filter(pl.col("len") > 1).collect().height
    )
    if split:
        whose = "a recipient" if scope == "recipient" else "a sender and recipient"
        raise HistoryError(
            f"by={codes.by} has several values for {whose} in {split} cases: group by columns that are "
            "constant for a sender, or for a recipient"
        )
