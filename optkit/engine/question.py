"""The arguments that all analyses of messages share, checked: which messages and states they read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from optkit.engine import message_frames
from optkit.engine.periods import Stretch, read_stretch
from optkit.engine.states import Scope, validate_scope
from optkit.messages import REACHED
from optkit.phones import check_region
from optkit.times import Moment

Side: TypeAlias = Literal["before", "after"]


@dataclass(frozen=True)
class Question:
    """Which messages and states an analysis reads; made by `question`.

    Attributes
    ----------
    scope : "pair" or "recipient"
        Whose states.
    record : Stretch
        `since` and `until` as the caller gave them.
    statuses : list of str
        Delivery statuses of messages that reached somebody.
    region : str or None
        ISO code of the country of phones without a country code.
    payload : list of str
        Columns of the messages that the mapper needs in addition to the keys.
    by_unit : list of str
        Columns of both frames that `JointPartition.grouped` needs: constant for a sender, a recipient or a pair.
    beside_opt_outs : {"before", "after"}, optional
        Read only messages up to the recipient's last opt-out, or only those after the first; None: all messages.
    in_order : bool
        Whether the order of messages matters: then they are packed in memory, with message_id for those of one instant.
        Otherwise a partition scans its messages.
    needs_record : bool
        Whether the mapper reads begin or end of the record. If not, messages are not scanned for them. In memory that
        scan also checks sent_at: so it is done if `in_order`, and otherwise the mapper has to check.
    """

    scope: Scope
    record: Stretch
    statuses: list[str]
    region: str | None
    payload: list[str]
    by_unit: list[str]
    beside_opt_outs: Side | None
    in_order: bool
    needs_record: bool

    @property
    def keys(self) -> list[str]:
        """The columns of the messages that are always read."""
        return [name for name in message_frames.KEYS if self.in_order or name != "message_id"]


def question(
    since: Moment | None = None,
    until: Moment | None = None,
    statuses: Collection[str] = REACHED,
    region: str | None = None,
    *,
    scope: Scope = "pair",
    payload: Sequence[str] = (),
    by_unit: Sequence[str] = (),
    beside_opt_outs: Side | None = None,
    in_order: bool = True,
    needs_record: bool = True,
) -> Question:
    """Check a caller's arguments.

    Raises
    ------
    SettingsError
        An argument cannot be used.
    """
    validate_scope(scope, by_unit)
    return Question(
        scope=scope,
        record=read_stretch(since, until),
        statuses=message_frames.validate_statuses(statuses),
        region=check_region(region),
        payload=list(dict.fromkeys([*payload, *by_unit])),
        by_unit=list(by_unit),
        beside_opt_outs=beside_opt_outs,
        in_order=in_order,
        needs_record=needs_record,
    )


def record_of(asked: Question, first: int | None, last: int | None, last_event: int | None) -> Stretch:
    """Return the record: by default from the first message to the later of last event and last message."""
    ends = [end for end in (last, last_event) if end is not None]
    return asked.record.within(first, max(ends, default=None))
