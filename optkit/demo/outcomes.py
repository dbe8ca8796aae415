"""What became of the made-up account's messages, as a frame."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from optkit.demo import effects
from optkit.demo.rng import Bools, Ints, Rng
from optkit.demo.senders import SENDERS
from optkit.demo.simulation import Batch, Simulation
from optkit.messages import DELIVERY_STATUS, FAILURE, SCHEMA
from optkit.times import DAY, MINUTE

_FIRST_ID: Final = 7_000_001
_FIRST_EXECUTION_ID: Final = 1001
_STOP_TEXT: Final = 26  # characters of "Reply STOP to unsubscribe."
_NAME_LENGTHS: Final = 7  # texts contain the first name, of 3 to 9 characters

#: Statuses of messages that arrive and of those that do not, with weights.
_ARRIVED: Final = {"delivered": 0.985, "sent": 0.015}
_LOST: Final = {"undelivered": 0.55, "failed": 0.30, "skipped": 0.15}
#: Reasons why messages to reachable numbers failed or were skipped, with weights.
_REASONS: Final = {
    "unreachable": 24,
    "blocked": 6,
    "filtered": 10,
    "region": 2,
    "queue": 6,
    "rate limit": 4,
    "carrier": 5,
    "account": 1,
    "content": 1,
    "unknown": 8,
}
#: Shares of the people without events whose number can never be reached, by reason.
_UNREACHABLE: Final = {"landline": 0.004, "invalid number": 0.003}
_STATUS_CODE: Final = {status: code for code, status in enumerate(DELIVERY_STATUS.categories)}
_FAILURE_CODE: Final = {reason: code for code, reason in enumerate(FAILURE.categories, start=1)}
_NO_FAILURE: Final = 0

#: Shortest and longest time after the opt-out: too late for a confirmation, but within ten business days.
_SOON: Final = (10 * MINUTE, 9 * DAY)
#: More than ten business days after the opt-out.
_LATE: Final = (21 * DAY, 10_000 * DAY)


class _Outcomes(NamedTuple):
    """Messages with their status (place in DELIVERY_STATUS) and failure (place in FAILURE from 1, or `_NO_FAILURE`)."""

    messages: Batch
    status: Ints
    failure: Ints


def messages_of(simulation: Simulation, start: int, rng: Rng) -> pl.DataFrame:
    """Return the messages since `start` (epoch ms) as a frame of messages."""
    sent, reached = Batch.concat(simulation.sent), np.concatenate(simulation.reached)
    missed = Batch.concat(simulation.missed)
    recent = sent.sent >= start
    parts = [
        _outcomes(sent.take(recent), reached[recent], rng),
        *_leaks(missed.take(missed.sent >= start), rng),
    ]
    batch = Batch.concat([part.messages for part in parts])
    status = np.concatenate([part.status for part in parts])
    failure = np.concatenate([part.failure for part in parts])
    unreachable = _unreachable(simulation, rng)[simulation.population.recipient[batch.pair]]
    status = np.where(unreachable, _STATUS_CODE["failed"], status)
    failure = np.where(unreachable, unreachable, failure)
    order = np.lexsort((batch.pair, batch.execution, batch.sent))
    return _frame(simulation, batch.take(order), status[order], failure[order])


def _outcomes(sent: Batch, reached: Bools, rng: Rng) -> _Outcomes:
    """Draw the outcomes of ordinary messages."""
    count = len(sent.pair)
    status = np.where(
        reached, _draw(_ARRIVED, _STATUS_CODE, count, rng), _draw(_LOST, _STATUS_CODE, count, rng)
    )
    explained = np.isin(status, [_STATUS_CODE["failed"], _STATUS_CODE["skipped"]])
    failure = np.where(explained, _draw(_REASONS, _FAILURE_CODE, count, rng), _NO_FAILURE)
    return _Outcomes(sent, status, failure)


def _unreachable(simulation: Simulation, rng: Rng) -> Ints:
    """Draw which recipients' numbers can never be reached: for each a place in FAILURE from 1, or `_NO_FAILURE`.

    Only people without events have such numbers, because nobody replies from them: so the history does not change.
    """
    people = simulation.population
    drawn = rng(len(people.numbers))
    edges = np.cumsum(list(_UNREACHABLE.values()))
    codes = np.asarray([*(_FAILURE_CODE[reason] for reason in _UNREACHABLE), _NO_FAILURE])
    unreachable = codes[np.searchsorted(edges, drawn, "right")]
    unreachable[people.recipient[np.concatenate([pair for pair, _, _ in simulation.events])]] = _NO_FAILURE
    return unreachable


def _draw(weights: Mapping[str, float], codes: Mapping[str, int], count: int, rng: Rng) -> Ints:
    drawn, _ = rng.choose(list(weights.values()), count)
    return np.asarray([codes[name] for name in weights])[drawn]


def _leaks(missed: Batch, rng: Rng) -> list[_Outcomes]:
    """Choose messages that are sent although the recipients have opted out, at most one per pair."""
    shuffled = missed.take(np.argsort(rng(len(missed.pair)), kind="stable"))
    _, first = np.unique(shuffled.pair, return_index=True)
    candidates = shuffled.take(np.sort(first))
    since = candidates.sent - candidates.opted_out
    late = np.flatnonzero((since >= _LATE[0]) & (since < _LATE[1]))[: effects.LEAKS.overdue]
    soon = np.flatnonzero((since >= _SOON[0]) & (since < _SOON[1]))[: effects.LEAKS.delivered - len(late)]
    rest = np.setdiff1d(np.flatnonzero(since >= _SOON[0]), np.concatenate((late, soon)))
    blocked = rest[: effects.LEAKS.blocked]
    delivered = np.concatenate((late, soon))
    return [
        _same(candidates.take(delivered), _STATUS_CODE["delivered"], _NO_FAILURE),
        _same(candidates.take(blocked), _STATUS_CODE["failed"], _FAILURE_CODE["unsubscribed"]),
    ]


def _same(messages: Batch, status: int, failure: int) -> _Outcomes:
    count = len(messages.pair)
    return _Outcomes(messages, np.full(count, status), np.full(count, failure))


def _frame(simulation: Simulation, batch: Batch, status: Ints, failure: Ints) -> pl.DataFrame:
    people = simulation.population
    recipient = people.recipient[batch.pair]
    # ids of executions are in order of time, for all senders together
    runs = [(at, run.campaign.campaign_id) for run, at in simulation.executions]
    rank = {run: place for place, run in enumerate(sorted(runs))}
    executions = pl.DataFrame(
        {
            "campaign_id": [run.campaign.campaign_id for run, _ in simulation.executions],
            "first_response_set": [run.campaign.first_response_set for run, _ in simulation.executions],
            "execution_id": [_FIRST_EXECUTION_ID + rank[run] for run in runs],
            "campaign": [run.campaign.name for run, _ in simulation.executions],
            "language": [run.campaign.language for run, _ in simulation.executions],
            "executed_at": [at for at, _ in runs],
            "from_phone": [SENDERS[run.campaign.sender].name for run, _ in simulation.executions],
            "mentions_stop": [run.mentions_stop for run, _ in simulation.executions],
            "characters": [run.campaign.characters for run, _ in simulation.executions],
        },
        schema_overrides={"campaign_id": pl.Int64, "executed_at": pl.Int64, "mentions_stop": pl.Boolean},
    )
    messages = pl.DataFrame({"number": people.numbers[recipient], "sent": batch.sent, "text": batch.text})
    return (
        messages.hstack(executions[batch.execution])
        .select(
            message_id=pl.int_range(_FIRST_ID, _FIRST_ID + pl.len(), dtype=pl.Int64),
            to_phone="+" + pl.col("number").cast(pl.String),
            from_phone="from_phone",
            sent_at=_instant("sent"),
            delivery_status=pl.Series(DELIVERY_STATUS.categories).gather(status),
            failure=pl.Series([None, *FAILURE.categories]).gather(failure),
            campaign_id="campaign_id",
            execution_id="execution_id",
            response_set_id=pl.col("first_response_set") + pl.col("text"),
            campaign="campaign",
            language="language",
            executed_at=_instant("executed_at"),
            characters=pl.col("characters")
            + pl.Series(recipient % _NAME_LENGTHS)
            + pl.col("mentions_stop").cast(pl.Int64) * _STOP_TEXT,
            mentions_stop="mentions_stop",
        )
        .cast(SCHEMA)
    )


def _instant(column: str) -> pl.Expr:
    return pl.from_epoch(column, time_unit="ms").dt.replace_time_zone("UTC")
