"""What can be loaded: one module of data per endpoint, without control flow."""

from typing import Final

from optkit.datasets.endpoint import Endpoint
from optkit.datasets.messages import MESSAGES
from optkit.datasets.opt_status import OPT_STATUS

#: Every dataset by its name, as users give it.
DATASETS: Final[dict[str, Endpoint]] = {"events": OPT_STATUS, "messages": MESSAGES}
