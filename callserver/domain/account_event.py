"""When an account runs low: what is told, once each time."""

from dataclasses import dataclass
from enum import StrEnum


class AccountEventKind(StrEnum):
    """Which threshold the available money has come below."""

    LOW_BALANCE = "low_balance"
    ZERO_BALANCE = "zero_balance"


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """Available (settled money and credit limit, without holds) came below a threshold.

    LOW_BALANCE: below `threshold_micros`; ZERO_BALANCE: to zero or below. The next one of its kind
    comes only after the account has risen again.
    """

    id: int
    account: str
    event: AccountEventKind
    available_micros: int
    threshold_micros: int
    entry: int | None
    """The ledger entry that took the account there; None: none had been posted."""
    at_ms: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where LOW_BALANCE is told; 0: never. `own`: set for this account, not the default."""

    account: str
    low_micros: int
    own: bool
