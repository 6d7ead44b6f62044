"""The test bed: real Asterisks, SIPp as the carrier and SIPp as destinations, on loopback."""

from callserver.demo.asterisk.calls import CallResult, CarrierCalls
from callserver.demo.asterisk.destinations import Destination
from callserver.demo.asterisk.folder import AsteriskFolder, ensure_asterisk_folder
from callserver.demo.asterisk.instance import AsteriskInstance, CdrLine
from tests.e2e.bed.bed import Bed

__all__ = [
    "AsteriskFolder",
    "AsteriskInstance",
    "Bed",
    "CallResult",
    "CarrierCalls",
    "CdrLine",
    "Destination",
    "ensure_asterisk_folder",
]
