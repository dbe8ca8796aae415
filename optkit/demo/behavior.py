"""What recipients do: when they opt out, whether and when they come back."""

from typing import Final

import numpy as np

from optkit.demo import effects
from optkit.demo.rng import Bools, Floats, Ints, Rng
from optkit.demo.schedule import Execution
from optkit.demo.senders import Sender
from optkit.times import DAY, HOUR, MINUTE

#: Eighths of the distribution of hours from a message to the opt-out that it causes. All are within 72 hours, including
#: those that are delayed until the morning.
_OPT_OUT_AFTER: Final = (0.01, 0.03, 0.08, 0.25, 0.8, 2.5, 7, 20, 60)
#: Eighths of the distribution of hours from an opt-out to the return.
_RETURN_AFTER: Final = (2, 14, 48, 120, 240, 24 * 18, 24 * 34, 24 * 75, 24 * 220)
#: Weight of each local hour: people act by day and in the evening, a few at night.
_HOURS: Final = (2, 1, 1, 1, 1, 2, 6, 14, 28, 44, 52, 54, 50, 46, 46, 48, 52, 58, 62, 56, 42, 26, 12, 5)
_NIGHT_ENDS: Final = 7  # local hour: earlier opt-outs are delayed by as many hours

_MOST_MESSAGES: Final = 12  # recent messages that count for fatigue, at most


def chance_of_opt_out(
    execution: Execution, sender: Sender, *, recent: Ints, reached: Ints, returned: Bools, better_text: Bools
) -> Floats:
    """Return each recipient's probability of opting out because of a message, without the factor of their frailty.

    Parameters
    ----------
    execution : Execution
        The run of the campaign that the message belongs to.
    sender : Sender
        The sender of the message.
    recent : numpy.ndarray of int64
        Number of messages that reached the pair in the days before.
    reached : numpy.ndarray of int64
        Number of messages that ever reached the pair.
    returned : numpy.ndarray of bool
        Whether the pair opted out before and came back.
    better_text : numpy.ndarray of bool
        Whether the message has the better of two texts.
    """
    rate = effects.RATES[execution.campaign.kind] * sender.factor
    if execution.campaign.name == effects.WENT_WRONG:
        rate *= effects.WENT_WRONG_FACTOR
    if execution.mentions_stop:
        rate *= effects.STOP_TEXT_FACTOR
    fatigue = np.cumprod([1.0, *[effects.FATIGUE_FACTOR] * _MOST_MESSAGES], dtype=np.float64)
    chance: Floats = rate * fatigue[np.minimum(recent, _MOST_MESSAGES)]
    chance *= np.where(reached == 0, effects.FIRST_MESSAGE_FACTOR, 1.0)
    chance *= np.where(returned, effects.RELAPSE_FACTOR, 1.0)
    chance *= np.where(better_text, effects.BETTER_RESPONSE_SET_FACTOR, 1.0)
    return chance


def opt_out_times(sent: Ints, hours: Ints, rng: Rng) -> Ints:
    """Return the times of opt-outs that are caused by messages, in epoch ms."""
    at = sent + (rng.delays(_OPT_OUT_AFTER, len(sent)) * HOUR).astype(np.int64)
    local_hour = (at + hours * HOUR) % DAY // HOUR
    awake: Ints = np.where(local_hour < _NIGHT_ENDS, at + _NIGHT_ENDS * HOUR, at)
    return awake


def background_times(start: int, end: int, hours: Ints, rng: Rng) -> Ints:
    """Return the times of opt-outs without a message, in [start, end), in epoch ms."""
    day = start // DAY + (rng(len(hours)) * ((end - start) / DAY)).astype(np.int64)
    hour, minutes = rng.choose(_HOURS, len(hours))
    at = day * DAY + (hour - hours) % 24 * HOUR + (minutes * HOUR).astype(np.int64)
    inside: Ints = np.clip(at, start, end - 1)
    return inside


def return_times(opted_out: Ints, sender: Sender, never: int, rng: Rng) -> Ints:
    """Return the times at which people come back, in epoch ms; `never` for those who do not."""
    count = len(opted_out)
    after = (rng.delays(_RETURN_AFTER, count) * HOUR).astype(np.int64)
    # after a day or more, people return at about the same hour of the day
    spread = ((rng(count) - 0.5) * (5 * HOUR)).astype(np.int64)
    slow = np.where(after >= DAY, after // DAY * DAY + spread, after)
    quick = MINUTE // 2 + (rng(count) * 8 * MINUTE).astype(np.int64)
    delay = np.where(rng(count) < sender.quick, quick, slow)
    times: Ints = np.where(rng(count) < sender.returning, opted_out + delay, never)
    return times
