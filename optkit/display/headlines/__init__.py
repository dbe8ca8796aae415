"""The answer of each notebook in one or two sentences, computed from its tables."""

from optkit.display.headlines.campaigns import campaigns, supported_window, window_sentence
from optkit.display.headlines.churn import churn
from optkit.display.headlines.countries import countries
from optkit.display.headlines.coverage import coverage
from optkit.display.headlines.fatigue import fatigue
from optkit.display.headlines.headline import Headline, Note
from optkit.display.headlines.leaks import leaks
from optkit.display.headlines.rates import denominator_note, opt_out_rates
from optkit.display.headlines.returns import cycles
from optkit.display.headlines.spikes import spikes
from optkit.display.headlines.suppression import sample_contacts, suppression
from optkit.display.headlines.timeline import most_active, one_number

__all__ = [
    "Headline",
    "Note",
    "campaigns",
    "churn",
    "countries",
    "coverage",
    "cycles",
    "denominator_note",
    "fatigue",
    "leaks",
    "most_active",
    "one_number",
    "opt_out_rates",
    "sample_contacts",
    "spikes",
    "supported_window",
    "suppression",
    "window_sentence",
]
