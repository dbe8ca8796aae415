"""The causes of opt-outs in the made-up account: the true effects that analyses of it should find.

The probability that a message which arrives makes its recipient opt out is the product of the rate of its kind, the
factor of its sender (`optkit.demo.senders`), and the factors below that apply.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

#: Opt-outs per message that arrives, by kind of campaign, before the factors; with them, about 0.5% and 1%.
RATES: Final = {"reminder": 0.004, "marketing": 0.008}

#: The first message that somebody receives from a sender.
FIRST_MESSAGE_FACTOR: Final = 3.0

#: Each further message that reached the same pair within the days before.
FATIGUE_FACTOR: Final = 1.3
FATIGUE_DAYS: Final = 7

#: Texts that tell how to opt out.
STOP_TEXT_FACTOR: Final = 1.8

#: People differ: each always has one of these factors, all equally often. The mean is 1.
FRAILTY: Final = (0.1, 0.2, 0.4, 0.6, 0.9, 1.2, 1.6, 3.0)

#: People who opted out of a sender before, and came back.
RELAPSE_FACTOR: Final = 3.0

#: Opt-outs per pair and day that no message causes.
BACKGROUND_PER_DAY: Final = 0.0001

#: The campaign that went wrong. It ran once, the day after a flash sale; without it, only fatigue remains.
WENT_WRONG: Final = "Spring clearance"
WENT_WRONG_ON: Final = date(2026, 3, 17)
WENT_WRONG_FACTOR: Final = 6.0

#: The one of the two texts of "Member offers" that drives away fewer people.
BETTER_RESPONSE_SET: Final = 5012
BETTER_RESPONSE_SET_FACTOR: Final = 0.5


@dataclass(frozen=True)
class _Leaks:
    """Messages to people who had opted out."""

    attempted: int
    blocked: int
    delivered: int
    overdue: int


#: How many messages were sent to somebody who had opted out: the carrier blocked some and delivered the others, a few
#: of them more than ten business days after the opt-out.
LEAKS: Final = _Leaks(attempted=48, blocked=26, delivered=22, overdue=5)
