"""Count a history and messages together, per partition of recipients: `aggregate` for questions that need both.

A mapper takes an `exposures.JointPartition` and returns named partial sums, as for `aggregate.aggregate`. A row mapper
returns rows; its columns ``sender`` and ``recipient`` come back as from_phone and to_phone. What a question needs of
the messages in addition to their keys, it names in `payload`: a partition's messages have these columns. A key called
``sender`` comes back as that sender's name; other keys come back as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from optkit.engine import frames
from optkit.engine.aggregate import PartialSum, Rows, add_up, with_names
from optkit.engine.exposures import JointPartition
from optkit.engine.frames import History
from optkit.engine.joint_partitions import JointPartitions
from optkit.engine.message_frames import Messages
from optkit.engine.packing import Codes
from optkit.engine.partitions import CollectedSum
from optkit.engine.question import Question
from optkit.errors import SettingsError
from optkit.history import STATUS
from optkit.times import INSTANT

if TYPE_CHECKING:
    from optkit.engine.joint_spark import SparkJointPartitions

Mapper: TypeAlias = Callable[[JointPartition], Mapping[str, PartialSum]]
RowMapper: TypeAlias = Callable[[JointPartition], pl.LazyFrame]


class JointTotals(dict[str, pl.DataFrame]):
    """The partial sums of a whole history and its messages by name, and the record that they cover.

    Attributes
    ----------
    since, until : int or None
        Begin and end of the record, in milliseconds since 1970; None where there is neither event nor message, or
        no message to begin with.
    """

    def __init__(self, tables: Mapping[str, pl.DataFrame], since: int | None, until: int | None) -> None:
        super().__init__(tables)
        self.since = since
        self.until = until


def aggregate_joint(history: History, messages: Messages, mapper: Mapper, asked: Question) -> JointTotals:
    """Run a mapper over a whole history with its messages and return the sums; see the module.

    Raises
    ------
    HistoryError
        A frame is not what it should be.
    SettingsError
        Only one of the frames is Spark's.
    """
    source = _partitions(history, messages, asked)
    counted = list(source.run(lambda partition: _collect(mapper(partition), partition.codes)))
    return JointTotals(add_up(counted), source.since, source.until)


def map_rows_joint(
    history: History,
    messages: Messages,
    mapper: RowMapper,
    asked: Question,
    *,
    sort: Sequence[str],
) -> Rows:
    """Run a mapper of rows over a whole history with its messages; see the module.

    Returns
    -------
    polars.DataFrame or pyspark.sql.DataFrame
        The rows of all partitions; sorted by `sort`, except on Spark, where rows have no order.
    """
    source = _partitions(history, messages, asked)
    made = source.rows(lambda partition: with_names(mapper(partition), partition.codes).collect())
    return made.sort(sort, nulls_last=True) if isinstance(made, pl.DataFrame) else made


def _partitions(
    history: History, messages: Messages, asked: Question
) -> "JointPartitions | SparkJointPartitions":
    if frames.is_spark(history) and frames.is_spark(messages):
        from optkit.engine.joint_spark import SparkJointPartitions

        return SparkJointPartitions(history, messages, asked)
    if frames.is_spark(history) or frames.is_spark(messages):
        raise SettingsError("history and messages must both be Spark frames, or neither of them")
    return JointPartitions(history, messages, asked)


def no_events(messages: Messages) -> History:
    """Return a history without events, of the same kind as messages, for questions about messages alone."""
    if frames.is_spark(messages):
        text = "to_phone string, from_phone string, created_at timestamp, status string"
        return messages.sparkSession.createDataFrame([], text)
    dtypes = (pl.String(), pl.String(), INSTANT, STATUS)
    return pl.DataFrame(schema=dict(zip(frames.KEYS, dtypes, strict=True)))


def _collect(sums: Mapping[str, PartialSum], codes: Codes) -> dict[str, CollectedSum]:
    """Count the partial sums of a partition and turn codes back into texts."""
    counted = pl.collect_all([part.frame for part in sums.values()])
    decoded: dict[str, CollectedSum] = {}
    for (name, part), frame in zip(sums.items(), counted, strict=True):
        named = frame.with_columns(pl.selectors.categorical().cast(pl.String))
        if "sender" in part.keys:
            named = named.with_columns(sender=codes.sender(pl.col("sender")))
        decoded[name] = CollectedSum(part.keys, named)
    return decoded
