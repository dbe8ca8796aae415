"""The made-up account: messages, the opt-outs that they cause, and the moment at which its clock stands still.

Nobody's number is in it. Recipients and senders have numbers that the regulators keep for fiction: +1 NXX
555 0100 to 0199, Ofcom's and BNetzA's drama numbers, ACMA's and ARCEP's ranges for films. Where these run
out (about 45,000 recipients), further recipients get +1 numbers whose exchange code begins with 0 or 1, which the
North American plan never assigns: not valid, so without a country. Short codes that begin with 1 are not
assigned either.

Everything is drawn from the bits of PCG64, by additions, multiplications, comparisons and look-ups only: so
the same seed gives the same frames with any version of numpy and polars, on any machine.
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
