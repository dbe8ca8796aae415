"""The documented endpoint, served from a history, with faults on request."""

from optkit.emulator.endpoint import Record
from optkit.emulator.modes import Arrivals, Faults, Readings
from optkit.emulator.server import Emulator

__all__ = ["Arrivals", "Emulator", "Faults", "Readings", "Record"]
