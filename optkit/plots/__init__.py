"""Pictures: ``optkit.plots.<name>(table, *, ax=None)`` draws what ``optkit.<name>`` returned; returns Axes.

Every picture is drawn in the style ``optkit.optkit`` and nothing is shown: that is the caller's to do.
"""

from optkit.plots.movement import churn, spikes, transitions

__all__ = ["churn", "spikes", "transitions"]
