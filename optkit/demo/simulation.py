"""The simulation of the made-up account: executions reach people, some opt out, some come back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from optkit.demo import effects
from optkit.demo.behavior import background_times, chance_of_opt_out, opt_out_times, return_times
from optkit.demo.population import Population, draw_population
from optkit.demo.rng import Bools, Ints, Rng
from optkit.demo.schedule import Execution, executions
from optkit.demo.senders import SENDERS
from optkit.times import DAY, HOUR, SECOND

_NEVER: Final = 2**62
_EARLIER_MESSAGES: Final = 10  # messages that had reached each person on the list before the history begins
_PER_SECOND: Final = 40  # messages of an execution per second
_UNREACHED: Final = 0.035  # share of messages that do not arrive
_OPT_IN_AT_JOINING: Final = 0.025  # share of people who join by an explicit opt-in, an orphan in the history


class Batch(NamedTuple):
    """Messages as columns.

    Attributes
    ----------
    execution, pair, text : numpy.ndarray of int64
        Places in the simulation's executions and pairs, and among the campaign's texts.
    sent : numpy.ndarray of int64
        Time of sending, in epoch ms, whole seconds.
    opted_out : numpy.ndarray of int64
        Time since which the pair was opted out, in epoch ms; if it was not, later than all times.
    """

    execution: Ints
    pair: Ints
    text: Ints
    sent: Ints
    opted_out: Ints

    @classmethod
    def concat(cls, batches: Sequence["Batch"]) -> "Batch":
        """Return all messages of `batches`."""
        return cls(*(np.concatenate(column) for column in zip(*batches, strict=True)))

    def take(self, which: Ints | Bools) -> "Batch":
        """Return a selection of the messages."""
        return Batch(*(column[which] for column in self))


@dataclass
class Simulation:
    """The events and messages of the account.

    Attributes
    ----------
    population : Population
        Recipients and pairs.
    executions : list of (Execution, int)
        The runs of campaigns and their starts, in epoch ms.
    sent, missed : list of Batch
        Messages that were sent, and messages that were not sent because the recipients had opted out.
    reached : list of numpy.ndarray of bool
        Whether each message of `sent` arrived.
    events : list of (pair, ms, is opt-out)
        Opt-outs and opt-ins, as columns; some of them are after the end.
    """

    population: Population
    executions: list[tuple[Execution, int]] = field(default_factory=list)
    sent: list[Batch] = field(default_factory=list)
    reached: list[Bools] = field(default_factory=list)
    missed: list[Batch] = field(default_factory=list)
    events: list[tuple[Ints, Ints, Bools]] = field(default_factory=list)


@lru_cache(maxsize=1)  # history, messages and audience of one account are usually used together
def simulate(recipients: int, start: int, end: int, seed: int) -> Simulation:
    """Simulate the account from `start` to `end` (epoch ms, whole days)."""
    rng = Rng(seed)
    simulation = Simulation(draw_population(recipients, rng))
    for sender in range(len(SENDERS)):
        _ContactList(simulation, sender, start, end, rng).run()
    return simulation


class _ContactList:
    """The people on one sender's list, and their states over time."""

    def __init__(self, simulation: Simulation, sender: int, start: int, end: int, rng: Rng) -> None:
        people = simulation.population
        self._simulation, self._sender, self._rng = simulation, sender, rng
        self._start, self._end = start, end
        self._pair = np.flatnonzero(people.sender == sender)
        self._hours = people.hours[self._pair]
        self._frailty = people.frailty[self._pair]
        joined = people.joined[self._pair]
        self._joined = start + (joined * (end - start)).astype(np.int64)
        self._reached = np.where(joined == 0, _EARLIER_MESSAGES, 0)
        # each pair's current or next time of being opted out
        self._out_at = np.full(len(self._pair), _NEVER)
        self._back_at = np.full(len(self._pair), _NEVER)
        self._returned = np.zeros(len(self._pair), np.bool_)
        self._recent: list[Ints] = []  # when messages of the last days reached each pair; 0: never

    def run(self) -> None:
        """Simulate all executions in order of time."""
        self._join()
        now = self._start
        for execution in executions(self._sender, self._start // DAY, self._end // DAY):
            hour = (execution.campaign.hour - SENDERS[self._sender].hours) % 24
            then = execution.day * DAY + hour * HOUR
            self._pass_time(now, then)
            now = self._execute(execution, then)
        self._pass_time(now, self._end)

    def _join(self) -> None:
        by_opt_in = (self._reached == 0) & (self._rng(len(self._pair)) < _OPT_IN_AT_JOINING)
        self._add_events(np.flatnonzero(by_opt_in), self._joined[by_opt_in], out=False)

    def _pass_time(self, now: int, then: int) -> None:
        """Add the opt-outs without a message from `now` to `then`, and note who has come back by then."""
        then = max(now, then)
        chance = effects.BACKGROUND_PER_DAY * ((then - now) / DAY)
        chances = np.where(self._returned, effects.RELAPSE_FACTOR, 1.0) * chance
        leaving = (self._rng(len(self._pair)) < chances) & (self._out_at == _NEVER) & (self._joined < now)
        who = np.flatnonzero(leaving)
        self._opt_out(who, background_times(now, then, self._hours[who], self._rng))
        back = self._back_at < then
        self._returned |= back
        self._out_at[back] = self._back_at[back] = _NEVER

    def _execute(self, execution: Execution, at: int) -> int:
        """Simulate one execution and return its end."""
        count = len(self._pair)
        sent = at + np.arange(count) // _PER_SECOND * SECOND
        text = (self._rng(count) * execution.campaign.texts).astype(np.int64)
        reached = self._send(execution, at, sent, text)
        self._respond(execution, sent, text, reached)
        self._reached += reached
        self._recent.append(np.where(reached, sent, 0))
        return at + (count // _PER_SECOND + 1) * SECOND

    def _send(self, execution: Execution, at: int, sent: Ints, text: Ints) -> Bools:
        """Send the messages of one execution and return who was reached."""
        count = len(sent)
        chosen = (self._rng(count) < execution.campaign.share) & (self._joined < at)
        out = (self._out_at < sent) & (self._back_at >= sent)
        reached: Bools = chosen & ~out & (self._rng(count) >= _UNREACHED)
        number = np.full(count, len(self._simulation.executions))
        messages = Batch(number, self._pair, text, sent, np.where(out, self._out_at, _NEVER))
        self._simulation.executions.append((execution, at))
        self._simulation.sent.append(messages.take(chosen & ~out))
        self._simulation.reached.append(reached[chosen & ~out])
        self._simulation.missed.append(messages.take(chosen & out))
        return reached

    def _respond(self, execution: Execution, sent: Ints, text: Ints, reached: Bools) -> None:
        """Add the opt-outs that the messages of one execution cause."""
        since = sent - effects.FATIGUE_DAYS * DAY
        self._recent = [times for times in self._recent if (times > since).any()]
        recent = np.zeros(len(sent), np.int64)
        for times in self._recent:
            recent += times > since
        chance = chance_of_opt_out(
            execution,
            SENDERS[self._sender],
            recent=recent,
            reached=self._reached,
            returned=self._returned,
            better_text=execution.campaign.first_response_set + text == effects.BETTER_RESPONSE_SET,
        )
        chance *= self._frailty
        leaving = np.flatnonzero(reached & (self._out_at == _NEVER) & (self._rng(len(sent)) < chance))
        self._opt_out(leaving, opt_out_times(sent[leaving], self._hours[leaving], self._rng))

    def _opt_out(self, who: Ints, at: Ints) -> None:
        back_at = return_times(at, SENDERS[self._sender], _NEVER, self._rng)
        self._out_at[who], self._back_at[who] = at, back_at
        self._add_events(who, at, out=True)
        returning = back_at < _NEVER
        self._add_events(who[returning], back_at[returning], out=False)

    def _add_events(self, who: Ints, at: Ints, *, out: bool) -> None:
        self._simulation.events.append((self._pair[who], at, np.full(len(who), out)))
