"""The senders of the made-up account."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Sender:
    """A sender and the behaviour of its recipients.

    Attributes
    ----------
    name : str
        Its phone number, short code or name.
    hours : int
        Hours from UTC of its local time.
    factor : float
        Factor of the probability that a message makes somebody opt out.
    returning : float
        Share of opt-outs that are ever followed by a return.
    quick : float
        Share of returns within minutes.
    """

    name: str
    hours: int
    factor: float
    returning: float
    quick: float


SENDERS: Final = (
    Sender("18181", -6, 0.75, 0.22, 0.08),  # short code: the shop's marketing
    Sender("+18335550142", -6, 1.0, 0.55, 0.62),  # appointments: CANCEL means the visit
    Sender("NORTHWIND", 0, 0.9, 0.16, 0.05),  # alphanumeric: delivery notices abroad
    Sender("+447700900142", 0, 1.0, 0.27, 0.10),
    Sender("+19025550107", -5, 0.9, 0.30, 0.12),
    Sender("+61491570156", 10, 1.0, 0.30, 0.15),
    Sender("+33639980142", 1, 1.1, 0.19, 0.06),
    Sender("+491713920042", 1, 1.0, 0.10, 0.05),
    Sender("+19075550107", -6, 3.0, 0.06, 0.04),  # small, and people want out
)
