"""The append-only ledger: a balance is the sum of its entries."""

from dataclasses import dataclass
from enum import StrEnum

TOP_UP_MICROS_MAX = 100_000_000_000_000  # 100 million yuan: many of them stay below 2^53


class EntryKind(StrEnum):
    """Why money moved."""

    TOP_UP = "top_up"
    CALL = "call"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `seq` counts an account's entries other than calls (which have None), from 1."""

    id: int
    account: str
    kind: EntryKind
    amount_micros: int
    """Positive into the account, negative out of it."""
    seq: int | None
    operation_id: str
    call_id: str | None
    actor: str
    reason: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class AccountSum:
    """An account as SQL has it: the sum of its entries and the last sequence number."""

    account: str
    settled_micros: int
    floor_micros: int
    seq: int
