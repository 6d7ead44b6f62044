"""What comes after a month was closed: calls reported late, and calls rated anew.

A closed month's lines stay. The difference is written beside them, shown on the bill of the month
that is open, and what it changes of the shortfall is posted there as an adjustment.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from callserver.adapters.sql.ledger import add_accounts, post_many
from callserver.adapters.sql.month_closing import (
    closes,
    open_month,
    shortfall_operation,
    usage_columns,
)
from callserver.adapters.sql.month_reading import known_shortfalls, known_usage
from callserver.adapters.sql.month_usage import lines_of, usage_between, usage_of_customers
from callserver.adapters.sql.schema_months import month_correction
from callserver.domain.billing_month import DAY_MS, BillingMonth
from callserver.domain.ledger import Entry, EntryKind
from callserver.domain.month import Correction, Key, MonthLine, Phase, Usage, differences


def changed(connection: Connection, month: BillingMonth, known: dict[Key, Usage]) -> list[Key]:
    """Numbers whose calls of a closed month are no longer what is known of them."""
    now: dict[Key, Usage] = {}
    for from_ms in range(month.from_ms, month.to_ms, DAY_MS):
        for key, usage in usage_between(connection, from_ms, from_ms + DAY_MS).items():
            now[key] = now[key] + usage if key in now else usage
    return differences(now, {key: usage for key, usage in known.items() if usage != Usage()})


def correct(
    connection: Connection, month: BillingMonth, dids: Sequence[str], actor: str, now_ms: int
) -> list[Correction]:
    """Write down and post what has changed of these numbers since the month was closed.

    Again it finds nothing: what was corrected is known. A month that is not closed is left alone.
    """
    if not _is_closed(connection, month):
        return []
    posted_in = open_month(connection, now_ms)
    # Whoever corrects takes turns with whoever posts, so that nothing is corrected twice.
    post_many(connection, [])
    found = _differences(connection, month, dids, posted_in)
    rows = [_row(each, actor, now_ms) for each in found]
    if rows:
        connection.execute(insert(month_correction), rows)
    entries = [_entry(each, actor, now_ms) for each in found if each.shortfall_micros]
    add_accounts(connection, {entry.account for entry in entries})
    post_many(connection, entries)
    return found


def pending(connection: Connection, month: BillingMonth, customer: str) -> list[Correction]:
    """What has changed of a customer's closed month and is not written down yet."""
    now = usage_of_customers(connection, month, [customer])
    known = known_usage(connection, month, [customer])
    dids = [did for did, owner in differences(now, known) if owner == customer]
    if not dids:
        return []
    found = _differences(connection, month, dids, month.next())
    return [each for each in found if each.customer == customer]


def _is_closed(connection: Connection, month: BillingMonth) -> bool:
    return any(close.month == month and close.phase is Phase.CLOSED for close in closes(connection))


def _differences(
    connection: Connection, month: BillingMonth, dids: Sequence[str], posted_in: BillingMonth
) -> list[Correction]:
    lines = lines_of(connection, month, dids)
    customers = sorted({each.customer for each in lines})
    known = known_usage(connection, month, customers)
    posted = known_shortfalls(connection, month, dids)
    found: list[Correction] = []
    for each in lines:
        before = known.get(each.key, Usage())
        micros, count = posted.get(each.key, (0, 0))
        owed = each.shortfall_micros - micros
        if each.usage != before or owed:
            found.append(_correction(month, each, before, owed, count + 1, posted_in))
    return found


def _correction(
    month: BillingMonth,
    now: MonthLine,
    before: Usage,
    owed_micros: int,
    number: int,
    posted_in: BillingMonth,
) -> Correction:
    return Correction(
        month,
        now.did,
        now.customer,
        now.provider,
        number,
        posted_in,
        now.usage - before,
        owed_micros,
    )


def _entry(each: Correction, actor: str, now_ms: int) -> Entry:
    return Entry(
        id=0,
        account=each.customer,
        kind=EntryKind.ADJUSTMENT,
        amount_micros=-each.shortfall_micros,
        seq=None,
        operation_id=f"{shortfall_operation(each.did, each.month)}:correction:{each.number}",
        call_id=None,
        actor=actor,
        reason=f"monthly minimum of {each.did} for {each.month}, corrected",
        created_ms=now_ms,
    )


def _row(each: Correction, actor: str, now_ms: int) -> dict[str, object]:
    return {
        "month": str(each.month),
        "customer": each.customer,
        "did": each.did,
        "number": each.number,
        "posted_in": str(each.posted_in),
        "provider": each.provider,
        **usage_columns(each.usage),
        "shortfall_micros": each.shortfall_micros,
        "actor": actor,
        "created_ms": now_ms,
    }
