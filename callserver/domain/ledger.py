"""The append-only ledger: a balance is the sum of its entries."""

from dataclasses import dataclass
from enum import StrEnum

from callserver.domain.declined import Declined, Reason
from callserver.domain.money import short_yuan

PROVIDER_PREFIX = "provider:"
TOP_UP_MICROS_MAX = 100_000_000_000_000  # 100 million yuan: many of them stay below 2^53


class EntryKind(StrEnum):
    """Why money moved."""

    TOP_UP = "top_up"
    CALL = "call"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"
    TRANSFER = "transfer"
    """Provider to customer: out of the one, into the other, in one transaction."""
    FEATURE_FEE = "feature_fee"
    """[R2] out of the provider's account, never the customer's."""
    NUMBER_FEE = "number_fee"
    """The price of a special number, out of the provider's account when it is locked."""
    SHORTFALL = "shortfall"
    """[R1] what a month still owed to the monthly minimum."""
    PLAN_FEE = "plan_fee"
    PLAN_CREDIT = "plan_credit"
    PLAN_LAPSE = "plan_lapse"
    COMMISSION = "commission"


class NotCovered(Declined):
    """The account has too little for a debit; nothing has moved. `available_micros`: what it has,
    its credit limit included."""

    def __init__(self, account: str, available_micros: int) -> None:
        super().__init__(
            Reason.NOT_COVERED,
            f"Account {account} has {short_yuan(available_micros)} yuan available; top it up.",
        )
        self.account = account
        self.available_micros = available_micros


class OperationReused(Declined):
    """The operation id was used before, for something else; nothing has moved."""

    def __init__(self, operation_id: str) -> None:
        super().__init__(
            Reason.OPERATION_REUSED,
            f"Operation {operation_id!r} was used before, for something else; take a new id.",
        )


def provider_account(provider: str) -> str:
    """The account of a provider; a customer's has the customer's id."""
    return f"{PROVIDER_PREFIX}{provider}"


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
    minutes: int = 0
    """Included minutes, positive into the account, negative out of it."""
    reverses: int | None = None
    """The id of the entry that this one takes back."""
    forced: bool = False
    """Posted although it took the account below its limit."""


@dataclass(frozen=True, slots=True)
class AccountSum:
    """An account as SQL has it: the sums of its entries and the last sequence number."""

    account: str
    settled_micros: int
    floor_micros: int
    seq: int
    minutes: int = 0
    """Included minutes left, those that live calls hold among them."""


@dataclass(frozen=True, slots=True)
class Drift:
    """An account's kept sums where they are not those of its entries."""

    kept_micros: int
    summed_micros: int
    kept_minutes: int = 0
    summed_minutes: int = 0
