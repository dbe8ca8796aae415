"""Pictures: ``optkit.plots.<name>(table, *, ax=None)`` draws what ``optkit.<name>`` returned; returns Axes.

Every picture is drawn in the style ``optkit.optkit`` and nothing is shown: that is the caller's to do.
"""

from optkit.plots.extract import coverage, quality, timeline
from optkit.plots.lists import scrub, status_at, suppression_diff, suppression_list
from optkit.plots.movement import churn, spikes, transitions
from optkit.plots.returns import cohorts, cycles, return_curve, spells
from optkit.plots.senders import opt_out_rates, overlap

__all__ = [
    "churn",
    "cohorts",
    "coverage",
    "cycles",
    "opt_out_rates",
    "overlap",
    "quality",
    "return_curve",
    "scrub",
    "spells",
    "spikes",
    "status_at",
    "suppression_diff",
    "suppression_list",
    "timeline",
    "transitions",
]
