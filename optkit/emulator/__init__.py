"""The documented API, served from a history, with deviations and faults on request."""

from optkit.extras import require

require("the emulator, which also serves the made-up account,", "emulator", "starlette", "uvicorn")

from optkit.emulator.application import RequestRecord
from optkit.emulator.emulator import Emulator
from optkit.emulator.faults import Faults
from optkit.emulator.variants import ApiVariant, Arrivals

__all__ = ["ApiVariant", "Arrivals", "Emulator", "Faults", "RequestRecord"]
