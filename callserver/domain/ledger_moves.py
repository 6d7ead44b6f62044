"""Moving money by hand: adjustments, reversals, transfers; and what forbids them."""

from collections.abc import Iterable
from dataclasses import dataclass

from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import (
    PROVIDER_PREFIX,
    TOP_UP_MICROS_MAX,
    AccountSum,
    Entry,
    EntryKind,
)
from callserver.domain.money import short_yuan, yuan_text

MINUTES_MAX = 100_000_000
TRANSFER_OUT, TRANSFER_IN = ":out", ":in"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Money and included minutes added (positive) or taken away, for a reason that is kept.

    `force` lets it take the account below its limit.
    """

    account: str
    amount_micros: int
    operation_id: str
    actor: str
    reason: str
    minutes: int = 0
    force: bool = False

    def __post_init__(self) -> None:
        if not self.amount_micros and not self.minutes:
            raise ValueError("an adjustment of nothing")
        if abs(self.amount_micros) > TOP_UP_MICROS_MAX or abs(self.minutes) > MINUTES_MAX:
            raise ValueError(f"at most {yuan_text(TOP_UP_MICROS_MAX)} yuan, {MINUTES_MAX} minutes")
        _need_reason(self.reason)


@dataclass(frozen=True, slots=True)
class Reversal:
    """An entry of an account taken back, whole, once. `providers`: whose own accounts a transfer's
    other entry may move (None: anybody's)."""

    account: str
    entry: int
    operation_id: str
    actor: str
    reason: str
    force: bool = False
    providers: frozenset[str] | None = None

    def __post_init__(self) -> None:
        _need_reason(self.reason)

    def check_reach(self, entries: Iterable[Entry]) -> None:
        """Raise Declined where one of these is of a provider that is out of reach."""
        for entry in entries:
            name = entry.account.removeprefix(PROVIDER_PREFIX)
            own = name != entry.account
            if own and self.providers is not None and name not in self.providers:
                raise Declined(
                    Reason.ENTRY_NOT_REVERSIBLE,
                    "Another provider moved this money here: only it or an admin takes it back.",
                )


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money (> 0) from a provider's account to a customer of its tree."""

    provider: str
    customer: str
    amount_micros: int
    operation_id: str
    actor: str
    reason: str

    def __post_init__(self) -> None:
        if not 0 < self.amount_micros <= TOP_UP_MICROS_MAX:
            raise ValueError(f"more than 0 and at most {yuan_text(TOP_UP_MICROS_MAX)} yuan")
        _need_reason(self.reason)


@dataclass(frozen=True, slots=True)
class Transferred:
    """The two entries of a transfer; they were posted together."""

    debit: Entry
    credit: Entry


class BelowLimit(Declined):
    """It would take the account below its limit; nothing has moved."""

    def __init__(self, total: AccountSum, lacking: str) -> None:
        super().__init__(
            Reason.BELOW_LIMIT,
            f"Account {total.account} would be {lacking} below its limit; force it if so meant.",
        )


def entry_unknown(account: str, entry: int) -> Declined:
    """The account has no such entry."""
    return Declined(Reason.ENTRY_UNKNOWN, f"Account {account} has no entry {entry}.")


def check_reversible(entry: Entry) -> None:
    """Raise Declined where an entry cannot be taken back: a call's, a reversal, or what a plan
    gave, which would lapse once more at its end."""
    if entry.kind is EntryKind.CALL or entry.call_id is not None:
        raise Declined(
            Reason.ENTRY_OF_A_CALL,
            "This entry belongs to a call; correct it with `callserver cdr rerate`.",
        )
    if entry.kind is EntryKind.REVERSAL:
        raise Declined(
            Reason.ENTRY_NOT_REVERSIBLE, "This entry is a reversal itself; post an adjustment."
        )
    if entry.kind is EntryKind.PLAN_CREDIT:
        raise Declined(
            Reason.ENTRY_NOT_REVERSIBLE,
            "This entry is what a plan gave; cancel the plan at once, then reverse its fee.",
        )


def already_reversed(entry: int, by: int) -> Declined:
    """An entry is taken back once."""
    return Declined(Reason.ALREADY_REVERSED, f"Entry {entry} was reversed before, by entry {by}.")


def goes_below(total: AccountSum, amount_micros: int, minutes: int, *, force: bool) -> bool:
    """Whether this takes the account below its limit: money below the credit limit (0 for prepaid
    accounts), or minutes below 0. Raises BelowLimit unless forced.

    What lowers nothing never goes below, however deep the account is already.
    """
    lacks_micros = -(total.settled_micros + total.floor_micros + amount_micros)
    lacks_minutes = -(total.minutes + minutes)
    money_short = amount_micros < 0 < lacks_micros
    minutes_short = minutes < 0 < lacks_minutes
    if (money_short or minutes_short) and not force:
        lacking = f"{short_yuan(lacks_micros)} yuan" if money_short else f"{lacks_minutes} minutes"
        raise BelowLimit(total, lacking)
    return money_short or minutes_short


def other_leg(operation_id: str) -> str:
    """The operation id of the transfer's other entry; its own where it is no transfer's."""
    if operation_id.endswith(TRANSFER_OUT):
        return operation_id.removesuffix(TRANSFER_OUT) + TRANSFER_IN
    if operation_id.endswith(TRANSFER_IN):
        return operation_id.removesuffix(TRANSFER_IN) + TRANSFER_OUT
    return operation_id


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise ValueError("a reason is needed")
