"""optkit: who said stop, who came back, which sender drives people away, who must not be messaged today.

The public names stand in ``__init__.pyi`` and are imported on first use: ``import optkit`` loads none of the libraries
behind them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
