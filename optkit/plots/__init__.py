"""Pictures: ``optkit.plots.<name>(table, *, ax=None)`` draws the result of ``optkit.<name>`` and returns the Axes.

Each function is in the module of its question. Nothing is shown or saved; the caller does that.
"""

from optkit.plots.attribution import attribution
from optkit.plots.audience import audience
from optkit.plots.campaigns import campaign_rates
from optkit.plots.churn import churn
from optkit.plots.cohorts import cohorts
from optkit.plots.compare import compare
from optkit.plots.coverage import coverage
from optkit.plots.fatigue import fatigue
from optkit.plots.hazard import opt_out_hazard
from optkit.plots.leaks import leak_curve, leaks
from optkit.plots.list_growth import list_growth
from optkit.plots.local_time import with_local_time
from optkit.plots.overlap import overlap
from optkit.plots.quality import quality
from optkit.plots.rates import opt_out_rates
from optkit.plots.returns import cycles, return_curve
from optkit.plots.scrub import scrub
from optkit.plots.spikes import spikes
from optkit.plots.suppression import status_at, suppression_diff, suppression_list
from optkit.plots.timeline import timeline
from optkit.plots.transitions import spells, transitions

__all__ = [
    "attribution",
    "audience",
    "campaign_rates",
    "churn",
    "cohorts",
    "compare",
    "coverage",
    "cycles",
    "fatigue",
    "leak_curve",
    "leaks",
    "list_growth",
    "opt_out_hazard",
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
    "with_local_time",
]


def __dir__() -> list[str]:
    return __all__
