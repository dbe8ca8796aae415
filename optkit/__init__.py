"""optkit: who said stop, who came back, which sender drives people away, who must not be messaged today.

The public names, each imported on first use: ``import optkit`` loads none of the libraries behind them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optkit import display as display
    from optkit import emulator as emulator
    from optkit import plots as plots
    from optkit.analysis.churn import churn as churn
    from optkit.analysis.cohorts import cohorts as cohorts
    from optkit.analysis.country import with_country as with_country
    from optkit.analysis.overlap import overlap as overlap
    from optkit.analysis.quality import quality as quality
    from optkit.analysis.rates import opt_out_rates as opt_out_rates
    from optkit.analysis.returns import cycles as cycles
    from optkit.analysis.returns import return_curve as return_curve
    from optkit.analysis.scrub import scrub as scrub
    from optkit.analysis.spikes import spikes as spikes
    from optkit.analysis.suppression import status_at as status_at
    from optkit.analysis.suppression import suppression_diff as suppression_diff
    from optkit.analysis.suppression import suppression_list as suppression_list
    from optkit.analysis.timeline import timeline as timeline
    from optkit.analysis.transitions import spells as spells
    from optkit.analysis.transitions import transitions as transitions
    from optkit.config import configure as configure
    from optkit.config import settings as settings
    from optkit.demo import demo_audience as demo_audience
    from optkit.demo import demo_history as demo_history
    from optkit.errors import AuthenticationError as AuthenticationError
    from optkit.errors import CacheError as CacheError
    from optkit.errors import DriftError as DriftError
    from optkit.errors import HistoryError as HistoryError
    from optkit.errors import LoadInterrupted as LoadInterrupted
    from optkit.errors import MissingWindowsError as MissingWindowsError
    from optkit.errors import OptkitError as OptkitError
    from optkit.errors import RateLimitError as RateLimitError
    from optkit.errors import ResponseError as ResponseError
    from optkit.errors import SettingsError as SettingsError
    from optkit.errors import TransportError as TransportError
    from optkit.loading.inventory import clear as clear
    from optkit.loading.inventory import coverage as coverage
    from optkit.loading.inventory import verify as verify
    from optkit.loading.loader import fetch as fetch
    from optkit.loading.loader import load as load
    from optkit.loading.loader import scan as scan
    from optkit.phones import mask as mask

__version__ = "0.1.0"

#: Where each public name lives. `tests/test_public_names.py` holds this and the imports above equal.
_HOMES = {
    "analysis.churn": ("churn",),
    "analysis.cohorts": ("cohorts",),
    "analysis.country": ("with_country",),
    "analysis.overlap": ("overlap",),
    "analysis.quality": ("quality",),
    "analysis.rates": ("opt_out_rates",),
    "analysis.returns": ("cycles", "return_curve"),
    "analysis.scrub": ("scrub",),
    "analysis.spikes": ("spikes",),
    "analysis.suppression": ("status_at", "suppression_diff", "suppression_list"),
    "analysis.transitions": ("spells", "transitions"),
    "analysis.timeline": ("timeline",),
    "errors": (
        "AuthenticationError",
        "CacheError",
        "DriftError",
        "HistoryError",
        "LoadInterrupted",
        "MissingWindowsError",
        "OptkitError",
        "RateLimitError",
        "ResponseError",
        "SettingsError",
        "TransportError",
    ),
    "config": ("configure", "settings"),
    "phones": ("mask",),
    "demo": ("demo_audience", "demo_history"),
    "loading.inventory": ("clear", "coverage", "verify"),
    "loading.loader": ("fetch", "load", "scan"),
}
_MODULES = ("display", "emulator", "plots")
_MODULE_OF = {name: f"optkit.{home}" for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_MODULE_OF, *_MODULES])  # noqa: PLE0605 - computed, so that names are written down once


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"optkit.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'optkit' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
