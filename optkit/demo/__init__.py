"""The made-up account: messages, the opt-outs that they cause, and the fixed time of its clock.

It contains no real person's number. Recipients and senders have numbers that regulators reserve for fiction: +1 NXX
555 0100 to 0199, Ofcom's and BNetzA's drama numbers, ACMA's and ARCEP's ranges for films. These suffice for about
45,000 recipients; others have +1 numbers whose exchange code begins with 0 or 1, which the North American plan
never assigns: they are invalid and have no country. Short codes that begin with 1 are not assigned either.

All random numbers come from the bits of PCG64, and use only additions, multiplications, comparisons and look-ups: the
same seed gives the same frames with any version of numpy and polars, on any machine.
"""

from optkit.demo.demo_account import (
    CLOCK,
    EVENTS_PER_RECIPIENT,
    RECORD_START,
    demo_audience,
    demo_history,
    demo_messages,
)

__all__ = ["CLOCK", "EVENTS_PER_RECIPIENT", "RECORD_START", "demo_audience", "demo_history", "demo_messages"]
