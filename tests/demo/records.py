"""A record of the PBX, each field changed by keyword."""

from typing import Any

from callserver.demo.business import CLINIC_DID
from callserver.demo.pbx.script import CallRecord

T0_US = 1_790_000_000_000_000


def record(**changed: Any) -> CallRecord:
    """An answered call of 3.4 s to the clinic, unless changed."""
    given: dict[str, Any] = {
        "uniqueid": "1790000000.2",
        "did": CLINIC_DID,
        "trunk_caller": "8613800210001",
        "started_us": T0_US,
        "rang_us": T0_US + 10_000,
        "answered_us": T0_US + 1_000_000,
        "ended_us": T0_US + 4_400_999,
        "dial_status": "ANSWER",
        "refused": "",
        "cause": 16,
        "hung_up_by": "caller",
        "destination": "02164330001",
        "tried": "1:ANSWER:16:990",
    }
    return CallRecord(**(given | changed))
