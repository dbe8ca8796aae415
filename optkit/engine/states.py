"""Events to states: the one place that resolves ties, repeats, duplicates and orphans.

Once packed into integers (`packing`) and sorted, a pair's events are adjacent and in order of time, an opt-out is the
last of several events in one millisecond, and exact duplicates are equal neighbours. Each frame below takes one pass
over that order, in whole numbers: codes for phones, milliseconds for times.

The frames of a `Partition` (lazy, sorted by recipient, sender and time; all have these columns)::

    group      UInt32   code of the `by` columns' values; 0 without `by`
    sender     UInt32   code of from_phone
    recipient  Int64    code of to_phone

`Partition.runs`          one row per run, a stretch of one state: at, out, first
`Partition.transitions`   one row per transition: at, out (true: opt-out; false: re-opt-in)
`Partition.spells`        one row per spell: spell, opted_out_at, returned_at (null: open)
`Partition.unit_summary`  one row per pair, or per recipient in that scope: first, since, out, out_before, opt_outs,
                          re_opt_ins

`at`, `first`, `since`, `opted_out_at` and `returned_at` are Int64 milliseconds since 1970; `runs.first` is a Boolean:
whether this is the pair's first run. A first run that is an opt-in is an orphan and not a transition.

Transitions and spells are those that begin in [partition.since, partition.until]; `opt_outs` and `re_opt_ins` count
these transitions. Earlier events only determine `out_before`, the state just before `partition.since`. Events and runs
are not cut; `out` and `since` describe the state at `partition.until`.

In recipient scope a row's state is the recipient's, evaluated once per millisecond; its sender is the sender of the
event that made the change (if several did in that millisecond, the first by name).
"""

from collections.abc import Collection
from typing import Literal, TypeAlias, get_args

import polars as pl

from optkit.arguments import choice
from optkit.engine.packing import EVENT, TIME_BITS, Codes, at_of, big, recipient_of, sender_of
from optkit.errors import HistoryError, SettingsError
from optkit.formatting import plural

Scope: TypeAlias = Literal["pair", "recipient"]


def validate_scope(scope: Scope, by: Collection[str] = ()) -> None:
    """Raise `SettingsError` unless a caller's scope is one, and goes with the columns of `by`."""
    choice(scope, "scope", get_args(Scope))
    if scope == "recipient" and "from_phone" in by:
        raise SettingsError("by='from_phone' needs scope='pair': a recipient's state spans all senders")


def _pair_runs(events: pl.LazyFrame) -> pl.LazyFrame:
    """Return the runs of each pair, from its packed and sorted events."""
    settled = events.filter((EVENT ^ EVENT.shift(-1)).fill_null(big(2)) > 1)
    change = EVENT ^ EVENT.shift(1)
    first = (change >= big(2**TIME_BITS)).fill_null(True)
    runs = settled.with_columns(first=first, changed=(change & 1) == 1).filter(
        pl.col("first") | pl.col("changed")
    )
    return runs.select(**_unpacked(), first="first")


def _unpacked() -> dict[str, pl.Expr]:
    """Return the columns of a packed event."""
    return {
        "sender": sender_of(EVENT),
        "recipient": recipient_of(EVENT),
        "at": at_of(EVENT),
        "out": (EVENT & 1) == 1,
    }


def _recipient_runs(runs: pl.LazyFrame, codes: Codes) -> pl.LazyFrame:
    """Return the runs of each recipient from those of its pairs: opted out while out of at least one sender."""
    same = pl.col("recipient") == pl.col("recipient").shift(1)
    out = pl.col("out")
    step = pl.when(out).then(1).when("first").then(0).otherwise(-1)
    moments = (
        runs.with_columns(step=step, rank=pl.lit(codes.rank).gather(pl.col("sender")))
        .sort("recipient", "at", "rank")
        .group_by("recipient", "at", maintain_order=True)
        .agg(
            pl.col("step").sum(),
            out_sender=pl.col("sender").filter(out).first(),
            return_sender=pl.col("sender").filter(~out & ~pl.col("first")).first(),
            seen=pl.col("sender").first(),
        )
        .with_columns(out=pl.col("step").cum_sum().over("recipient") > 0)
        .with_columns(first=~same.fill_null(False))
    )
    return moments.filter(pl.col("first") | (out != out.shift(1))).select(
        sender=pl.when("out").then("out_sender").otherwise(pl.coalesce("return_sender", "seen")),
        recipient="recipient",
        at="at",
        out="out",
        first="first",
    )


class Partition:
    """All events of some recipients, and their states; the module's docstring describes the frames.

    Attributes
    ----------
    codes : Codes
        The senders, recipients and groups behind the codes.
    scope : "pair" or "recipient"
        Whose states these are.
    first, since, until : int
        First event of the *whole* history, and the stretch that is counted, both ends included, in milliseconds since
        1970; 0 in an empty history if the caller did not give them.
    runs : polars.LazyFrame
        One row per run: at, out, first.
    """

    def __init__(
        self, packed: pl.Series, codes: Codes, *, scope: Scope, first: int, since: int, until: int
    ) -> None:
        self.codes = codes
        self.scope = scope
        self.first = first
        self.since = since
        self.until = until
        self._packed = pl.LazyFrame({"event": packed.sort()})
        pairs = _pair_runs(self._packed)
        if codes.senders.width > 1:
            _validate_by(pairs.collect(), codes, scope)
        runs = _recipient_runs(pairs, codes) if scope == "recipient" else pairs
        self.runs = self._with_group(runs).collect().lazy()

    @property
    def events(self) -> pl.LazyFrame:
        """One row per row of the history, duplicates included: at, out."""
        return self._with_group(self._packed.select(**_unpacked()))

    @property
    def transitions(self) -> pl.LazyFrame:
        """One row per transition: at, out (true: opt-out; false: re-opt-in)."""
        changed = pl.col("out") | ~pl.col("first")
        return self.runs.filter(changed & (pl.col("at") >= self.since)).drop("first")

    @property
    def spells(self) -> pl.LazyFrame:
        """One row per spell: spell (1, 2, …, in the unit's whole history), opted_out_at, returned_at (null: open)."""
        place = pl.int_range(pl.len(), dtype=pl.Int64)
        # A unit's runs alternate between the two states, so a run's place within the unit gives its spell.
        start = pl.when("first").then(place).forward_fill()
        orphan = pl.when("first").then(~pl.col("out")).forward_fill()
        return (
            self.runs.with_columns(
                spell=((place - start - orphan.cast(pl.Int64)) // 2 + 1).cast(pl.UInt32),
                opted_out_at="at",
                returned_at=pl.when(~pl.col("first").shift(-1)).then(pl.col("at").shift(-1)),
            )
            .filter(pl.col("out") & (pl.col("at") >= self.since))
            .drop("at", "out", "first")
        )

    @property
    def unit_summary(self) -> pl.LazyFrame:
        """One row per pair or recipient: first, since, out, out_before, opt_outs, re_opt_ins; see the module."""
        early = pl.col("at") < self.since
        placed = self.runs.with_columns(
            runs=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), early=early.cast(pl.Int64).cum_sum()
        )
        first = placed.filter("first").select(
            first="at",
            orphan=(~pl.col("out")).cast(pl.Int64),
            runs_elsewhere=pl.col("runs") - 1,
            early_elsewhere=pl.col("early") - early.cast(pl.Int64),
        )
        last = placed.filter(pl.col("first").shift(-1, fill_value=True)).drop("first")
        # A unit's runs are adjacent and alternate between two states, so their number determines how many of each.
        outs, ins = _alternating(pl.col("runs") - pl.col("runs_elsewhere"))
        outs_before, ins_before = _alternating(pl.col("early") - pl.col("early_elsewhere"))
        return pl.concat([last, first], how="horizontal").select(
            "group",
            "sender",
            "recipient",
            "first",
            since="at",
            out="out",
            out_before=outs_before > ins_before,
            opt_outs=(outs - outs_before).cast(pl.UInt32),
            re_opt_ins=(ins - ins_before).cast(pl.UInt32),
        )

    def _with_group(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        group = (
            pl.lit(self.codes.group_of).gather(pl.col("sender")) if self.codes.by else pl.lit(0, pl.UInt32)
        )
        return frame.select(group.alias("group"), pl.all())


def _alternating(runs: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return the opt-outs and re-opt-ins among a unit's first `runs` runs; `orphan` is 1 if it begins opted in."""
    return (runs + 1 - pl.col("orphan")) // 2, ((runs - pl.col("orphan")) // 2).clip(0)


def _validate_by(runs: pl.DataFrame, codes: Codes, scope: Scope) -> None:
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
            f"by={codes.by} has several values for {whose} in {plural(split, 'case')}: group by columns that are "
            "constant for a sender, or for a recipient"
        )
