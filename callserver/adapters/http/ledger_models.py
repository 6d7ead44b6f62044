"""Shapes of entries, statements and events of accounts."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from callserver.adapters.http.bodies import Reason, SignedYuan, Slug, Yuan, YuanOrZero
from callserver.adapters.http.models import CALL_ID, Money
from callserver.domain.account_event import AccountEventKind
from callserver.domain.ledger import EntryKind
from callserver.domain.ledger_moves import MINUTES_MAX


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LedgerEntry(_Shape):
    """One entry. Positive: into the account. `actor` is null for a customer's token."""

    id: int
    account: str
    seq: int | None = Field(description="Counts entries other than calls; null for a call's.")
    kind: EntryKind
    amount: Money
    minutes: int = Field(description="Included minutes moved.")
    call_id: str | None = Field(pattern=CALL_ID)
    reverses: int | None = Field(description="The entry that this one takes back.")
    forced: bool = Field(description="It took the account below its limit, and that was meant.")
    actor: str | None
    reason: str
    created_at: datetime


class LedgerPage(_Shape):
    """The newest first; `next_cursor` is null on the last page."""

    entries: list[LedgerEntry]
    next_cursor: str | None


class MovementLine(_Shape):
    """All entries of a kind within the period."""

    kind: EntryKind
    count: int
    amount: Money
    minutes: int


class Standing(_Shape):
    """Money and included minutes at an instant."""

    amount: Money
    minutes: int


class AccountStatement(_Shape):
    """opening + movements = closing; `from` is in it, `to` is not. `entries`: the oldest first,
    null where they were not asked for."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    account: str
    from_: datetime = Field(alias="from")
    to: datetime
    opening: Standing
    movements: list[MovementLine]
    closing: Standing
    entries: list[LedgerEntry] | None


class NewAdjustment(_Shape):
    """Money and minutes to add, or (negative) to take away."""

    amount: SignedYuan = Field(0, validate_default=False)
    minutes: int = Field(0, ge=-MINUTES_MAX, le=MINUTES_MAX)
    currency: Literal["CNY"] = "CNY"
    reason: Reason
    force: bool = Field(False, description="Also below the account's limit; for admins.")


class NewReversal(_Shape):
    """The entry to take back."""

    entry: int = Field(ge=1, lt=2**63)
    reason: Reason
    force: bool = Field(False, description="Also below the account's limit; for admins.")


class Reversed(_Shape):
    """What took it back: one entry; of a transfer two, that of the account first."""

    entries: list[LedgerEntry]


class NewTransfer(_Shape):
    """Money from a provider's account to a customer of its tree."""

    provider: Slug
    customer: Slug
    amount: Yuan
    currency: Literal["CNY"] = "CNY"
    reason: Reason


class Transferred(_Shape):
    """The two entries."""

    debit: LedgerEntry
    credit: LedgerEntry


class AccountEventLine(_Shape):
    """The account's available money (settled and credit limit, without holds) came below a
    threshold."""

    id: int
    account: str
    event: AccountEventKind
    available: Money
    threshold: Money
    entry: int | None = Field(description="The entry that took it there.")
    at: datetime


class AccountEventPage(_Shape):
    """The newest first; `next_cursor` is null on the last page."""

    events: list[AccountEventLine]
    next_cursor: str | None


class AccountThreshold(_Shape):
    """Where the account counts as low; 0: never. `own`: set for it, not the default."""

    account: str
    low_balance: Money
    own: bool


class NewThreshold(_Shape):
    """Where the account is to count as low; null: the default."""

    low_balance: YuanOrZero | None
