"""When a rule of the trade says no: an answer, not a fault."""

from enum import StrEnum


class Reason(StrEnum):
    """Why something was declined, for machines: stable; docs/api.md explains each.

    Names that end in `_unknown` speak of things that do not exist, or may not be seen.
    """

    OPERATION_REUSED = "operation_reused"
    NOT_COVERED = "not_covered"
    CUSTOMER_UNKNOWN = "customer_unknown"
    PROVIDER_UNKNOWN = "provider_unknown"
    NUMBER_UNKNOWN = "number_unknown"


class Declined(Exception):
    """A rule says no, and nothing has moved. The text says why and what to do, for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
