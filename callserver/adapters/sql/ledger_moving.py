"""Adjustments, reversals and transfers: each one transaction, each operation once."""

from dataclasses import replace

from sqlalchemy import Connection, select

from callserver.adapters.sql.ledger import (
    account_sums,
    entry_of,
    first_entry,
    post,
    post_covered,
)
from callserver.adapters.sql.schema import account, customer, ledger_entry, provider
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import (
    PROVIDER_PREFIX,
    AccountSum,
    Entry,
    EntryKind,
    OperationReused,
    provider_account,
)
from callserver.domain.ledger_moves import (
    TRANSFER_IN,
    TRANSFER_OUT,
    Adjustment,
    Reversal,
    Transfer,
    Transferred,
    already_reversed,
    check_reversible,
    entry_unknown,
    goes_below,
    other_leg,
)
from callserver.ports import AccountUnknown


def adjust(connection: Connection, asked: Adjustment, now_ms: int) -> Entry:
    """Post an adjustment, unless this operation did before. Raises BelowLimit, AccountUnknown."""
    wanted = Entry(
        id=0,
        account=asked.account,
        kind=EntryKind.ADJUSTMENT,
        amount_micros=asked.amount_micros,
        seq=None,
        operation_id=asked.operation_id,
        call_id=None,
        actor=asked.actor,
        reason=asked.reason,
        created_ms=now_ms,
        minutes=asked.minutes,
    )
    return _once(connection, wanted) or _within_limit(connection, wanted, force=asked.force)


def reverse(connection: Connection, asked: Reversal, now_ms: int) -> list[Entry]:
    """Take an entry back; of a transfer both its entries. Raises Declined, BelowLimit."""
    before = first_entry(connection, asked.operation_id)
    if before is not None:
        told = (before.account, before.kind, before.reverses, before.reason)
        if told != (asked.account, EntryKind.REVERSAL, asked.entry, asked.reason):
            raise OperationReused(asked.operation_id)
        return [before, *_posted(connection, f"{asked.operation_id}:pair")]
    taken_back = _entries_to_reverse(connection, asked)
    asked.check_reach(taken_back)
    posted = []
    for number, entry in enumerate(taken_back):
        operation_id = asked.operation_id if number == 0 else f"{asked.operation_id}:pair"
        inverse = _inverse(entry, asked, operation_id, now_ms)
        _require_unused(connection, operation_id)
        posted.append(_within_limit(connection, inverse, force=asked.force))
    return posted


def _inverse(entry: Entry, asked: Reversal, operation_id: str, now_ms: int) -> Entry:
    return Entry(
        id=0,
        account=entry.account,
        kind=EntryKind.REVERSAL,
        amount_micros=-entry.amount_micros,
        seq=None,
        operation_id=operation_id,
        call_id=None,
        actor=asked.actor,
        reason=asked.reason,
        created_ms=now_ms,
        minutes=-entry.minutes,
        reverses=entry.id,
    )


def _entries_to_reverse(connection: Connection, asked: Reversal) -> list[Entry]:
    """The entry and, of a transfer, its other one. Raises Declined."""
    row = connection.execute(
        select(*ledger_entry.c).where(
            ledger_entry.c.id == asked.entry, ledger_entry.c.account == asked.account
        )
    ).one_or_none()
    if row is None:
        raise entry_unknown(asked.account, asked.entry)
    entry = entry_of(row)
    check_reversible(entry)
    by = connection.execute(
        select(ledger_entry.c.id).where(ledger_entry.c.reverses == entry.id)
    ).scalar_one_or_none()
    if by is not None:
        raise already_reversed(entry.id, by)
    if entry.kind is not EntryKind.TRANSFER:
        return [entry]
    return [entry, *_posted(connection, other_leg(entry.operation_id))]


def transfer(connection: Connection, asked: Transfer, now_ms: int) -> Transferred:
    """Out of the provider's account, into the customer's. Raises NotCovered, Declined."""
    debit, credit = _legs(asked, now_ms)
    before = _once(connection, debit)
    if before is not None:
        done = _once(connection, credit)
        if done is None:
            raise OperationReused(asked.operation_id)
        return Transferred(before, done)
    _require_unused(connection, credit.operation_id)
    _require_below(connection, asked.provider, asked.customer)
    try:
        return Transferred(post_covered(connection, debit), post(connection, credit))
    except AccountUnknown as error:
        unknown_provider = str(error).startswith(PROVIDER_PREFIX)
        reason = Reason.PROVIDER_UNKNOWN if unknown_provider else Reason.CUSTOMER_UNKNOWN
        raise Declined(reason, f"There is no account {error}.") from error


def _legs(asked: Transfer, now_ms: int) -> tuple[Entry, Entry]:
    def leg(name: str, amount_micros: int, end: str) -> Entry:
        return Entry(
            id=0,
            account=name,
            kind=EntryKind.TRANSFER,
            amount_micros=amount_micros,
            seq=None,
            operation_id=asked.operation_id + end,
            call_id=None,
            actor=asked.actor,
            reason=asked.reason,
            created_ms=now_ms,
        )

    paid_by = provider_account(asked.provider)
    return (
        leg(paid_by, -asked.amount_micros, TRANSFER_OUT),
        leg(asked.customer, asked.amount_micros, TRANSFER_IN),
    )


def _require_below(connection: Connection, above: str, name: str) -> None:
    """The customer must be the provider's or one of a provider below it. Raises Declined."""
    if _parent(connection, above) is None:
        raise Declined(Reason.PROVIDER_UNKNOWN, f"There is no provider {above}.")
    found = connection.execute(select(customer.c.provider).where(customer.c.id == name))
    at = found.scalar_one_or_none()
    if at is None:
        raise Declined(Reason.CUSTOMER_UNKNOWN, f"There is no customer {name}.")
    seen: set[str] = set()
    while at and at not in seen:
        if at == above:
            return
        seen.add(at)
        at = _parent(connection, at)
    raise Declined(
        Reason.CUSTOMER_OF_ANOTHER_PROVIDER,
        f"Customer {name} belongs neither to provider {above} nor to one below it.",
    )


def _parent(connection: Connection, name: str) -> str | None:
    """The provider's parent, empty at the top; None: there is no such provider."""
    row = connection.execute(select(provider.c.parent).where(provider.c.id == name)).one_or_none()
    return None if row is None else (row.parent or "")


def _once(connection: Connection, wanted: Entry) -> Entry | None:
    """The entry that this operation made before. Raises OperationReused: it was another."""
    before = first_entry(connection, wanted.operation_id)
    if before is not None and _told(before) != _told(wanted):
        raise OperationReused(wanted.operation_id)
    return before


def _require_unused(connection: Connection, operation_id: str) -> None:
    """Of two entries that belong together none may be left out, as `post` does with an operation
    that was posted before. Raises OperationReused."""
    if first_entry(connection, operation_id) is not None:
        raise OperationReused(operation_id)


def _told(entry: Entry) -> tuple[object, ...]:
    return (entry.account, entry.kind, entry.amount_micros, entry.minutes, entry.reason)


def _posted(connection: Connection, operation_id: str) -> list[Entry]:
    found = first_entry(connection, operation_id)
    return [] if found is None else [found]


def _within_limit(connection: Connection, entry: Entry, *, force: bool) -> Entry:
    """Post unless that takes the account below its limit; where it is forced, that is noted."""
    total = _locked_sum(connection, entry.account)
    forced = goes_below(total, entry.amount_micros, entry.minutes, force=force)
    return post(connection, replace(entry, forced=forced))


def _locked_sum(connection: Connection, name: str) -> AccountSum:
    """The account's sums, which no call changes until the transaction ends."""
    connection.execute(select(account.c.id).where(account.c.id == name).with_for_update())
    found = account_sums(connection, [name])
    if name not in found:
        raise AccountUnknown(name)
    return found[name]
