"""The answer of each notebook, first and in a sentence: computed from the tables below it."""

from optkit.display.headlines.headline import Answer
from optkit.display.headlines.lists import most_active, one_number, sample_contacts, suppression
from optkit.display.headlines.loaded import extract
from optkit.display.headlines.movement import churn, denominator, largest_spike, spikes, who_was_behind
from optkit.display.headlines.returns import cycles, relapses
from optkit.display.headlines.senders import countries, opt_out_rates

__all__ = [
    "Answer",
    "churn",
    "countries",
    "cycles",
    "denominator",
    "extract",
    "largest_spike",
    "most_active",
    "one_number",
    "opt_out_rates",
    "relapses",
    "sample_contacts",
    "spikes",
    "suppression",
    "who_was_behind",
]
