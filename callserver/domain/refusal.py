"""Why a call is not routed. A refusal is an answer, never an exception."""

from enum import StrEnum
from typing import assert_never


class Refusal(StrEnum):
    """The reasons the dialplan branches on (`CS_REFUSED`)."""

    UNKNOWN_DID = "unknown_did"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"
    NO_CREDIT = "no_credit"
    LINES_BUSY = "lines_busy"
    TOO_MANY_CALLS = "too_many_calls"
    FAULT = "fault"


def hangup_cause(refusal: Refusal) -> int:
    """The Q.850 cause the caller's network is told (`CS_CAUSE`)."""
    match refusal:  # a new member makes mypy fail here
        case Refusal.UNKNOWN_DID:
            return 1
        case Refusal.SUSPENDED | Refusal.BLOCKED | Refusal.NO_CREDIT:
            return 21
        case Refusal.LINES_BUSY | Refusal.TOO_MANY_CALLS:
            return 17
        case Refusal.FAULT:
            return 38
        case _:
            assert_never(refusal)
