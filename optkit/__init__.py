"""optkit: who said stop, who came back, which sender drives people away, who must not be messaged today.

The public names are listed in ``__init__.pyi`` and imported on first use, so ``import optkit`` is fast. The call path
of a load is in the docstring of `optkit.loading`, that of an analysis in `optkit.engine`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
