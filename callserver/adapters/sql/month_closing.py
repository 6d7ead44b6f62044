"""The close of a month, batch by batch: each is one transaction that also moves the cursor, so that
a kill at any point costs at most one batch, and two closers do each batch once."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.bills import closed_bills
from callserver.adapters.sql.ledger import add_accounts, post_many, take_turn
from callserver.adapters.sql.month_usage import lines_of
from callserver.adapters.sql.schema import AnyRow, cdr, customer, did
from callserver.adapters.sql.schema_months import minimum_version, month_close, month_line
from callserver.domain.billing_month import DAY_MS, FIRST_YEAR, BillingMonth
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import Entry, EntryKind, OperationReused
from callserver.domain.month import MonthClose, MonthLine, Phase, Usage, closable

NUMBERS_AT_ONCE = 500
CUSTOMERS_SHARE = 5
"""Customers in a batch of bills: a fifth of the numbers in a batch."""


def closes(connection: Connection) -> list[MonthClose]:
    """Months that are closed or being closed, the earliest first."""
    query = select(month_close).order_by(month_close.c.month)
    return [close_of(row) for row in connection.execute(query)]


def close_of(row: AnyRow) -> MonthClose:
    """The row as a value."""
    return MonthClose(
        BillingMonth.parse(row.month),
        Phase(row.phase),
        row.cursor,
        row.actor,
        row.started_ms,
        row.closed_ms,
    )


def half_closed(connection: Connection) -> list[BillingMonth]:
    """Months of which some lines are fixed and some bills are not.

    Ask when it is your turn to post: what was posted before it is in every line, and what is posted
    after it finds the month here. So a bill's corrections are those that its usage counts.
    """
    fixing = (Phase.NUMBERS, Phase.OTHERS, Phase.BILLS)
    return [close.month for close in closes(connection) if close.phase in fixing]


def open_month(connection: Connection, now_ms: int) -> BillingMonth:
    """The month whose bill shows what is posted now."""
    begun = closes(connection)
    if not begun:
        return BillingMonth.of(now_ms)
    last = begun[-1]
    return last.month if last.phase is Phase.CORRECTING else last.month.next()


def check_closable(connection: Connection, month: BillingMonth, now_ms: int) -> None:
    """Raise Declined unless the month may be closed now, or goes on being closed."""
    begun = closes(connection)
    closable(month, now_ms, begun[-1] if begun else None, None if begun else _first(connection))


def begin(connection: Connection, month: BillingMonth, actor: str, now_ms: int) -> MonthClose:
    """The close of the month, begun now or before. Raises Declined."""
    begun = {close.month: close for close in closes(connection)}
    if month in begun:
        return begun[month]
    check_closable(connection, month, now_ms)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {
        "month": str(month),
        "phase": Phase.CORRECTING.value,
        "cursor": "",
        "actor": actor,
        "started_ms": now_ms,
    }
    connection.execute(dialect.insert(month_close).values(row).on_conflict_do_nothing())
    return read_close(connection, month)


def _first(connection: Connection) -> BillingMonth | None:
    """The first month with anything to close: without a call a minimum is owed whole."""
    minimum = connection.execute(select(func.min(minimum_version.c.from_month))).scalar_one()
    found = (_first_call(connection), BillingMonth.parse(minimum) if minimum else None)
    return min((each for each in found if each is not None), default=None)


def _first_call(connection: Connection) -> BillingMonth | None:
    """The month of the earliest call; a PBX whose clock had not been set counts for nothing."""
    least_ms = BillingMonth(FIRST_YEAR, 1).from_ms
    query = select(cdr.c.ended_ms).where(cdr.c.ended_ms >= least_ms, cdr.c.customer.is_not(None))
    first_ms = connection.execute(query.order_by(cdr.c.ended_ms).limit(1)).scalar_one_or_none()
    return None if first_ms is None else BillingMonth.of(first_ms)


def read_close(connection: Connection, month: BillingMonth) -> MonthClose:
    """How far the close has come. Raises Declined (month_unknown)."""
    row = connection.execute(
        select(month_close).where(month_close.c.month == str(month))
    ).one_or_none()
    if row is None:
        raise Declined(Reason.MONTH_UNKNOWN, f"{month} is not closed.")
    return close_of(row)


def step(
    connection: Connection, month: BillingMonth, now_ms: int, factor: int, batch: int
) -> tuple[MonthClose, int]:
    """Do the next batch of so many numbers; where the close stands now, and how much was done.
    `factor`: of the sudden-fee notice."""
    close = read_close(connection, month)
    match close.phase:
        case Phase.CORRECTING:
            take_turn(connection)  # corrections that were begun are posted before lines are fixed
            return _moved(connection, close, Phase.NUMBERS, ""), 0
        case Phase.NUMBERS:
            return _numbers(connection, close, now_ms, batch)
        case Phase.OTHERS:
            return _others(connection, close, now_ms)
        case Phase.BILLS:
            return _bills(connection, close, now_ms, factor, batch)
        case Phase.CLOSED:
            return close, 0


def next_numbers(connection: Connection, after: str, limit: int = NUMBERS_AT_ONCE) -> list[str]:
    """Numbers beyond `after` that are somebody's or have a minimum, in order."""
    found: set[str] = set()
    for column in (did.c.number, minimum_version.c.did):
        query = select(column).where(column > after).group_by(column).order_by(column).limit(limit)
        found.update(connection.execute(query).scalars())
    return sorted(found)[:limit]


def _numbers(
    connection: Connection, close: MonthClose, now_ms: int, batch: int
) -> tuple[MonthClose, int]:
    dids = next_numbers(connection, close.cursor, batch)
    if not dids:
        return _moved(connection, close, Phase.OTHERS, ""), 0
    moved = _moved(connection, close, Phase.NUMBERS, dids[-1])
    if moved.cursor == dids[-1]:
        _write(connection, close, lines_of(connection, close.month, dids), now_ms)
    return moved, len(dids)


def _others(connection: Connection, close: MonthClose, now_ms: int) -> tuple[MonthClose, int]:
    """A day at a time, calls of numbers that are neither in the catalogue nor have a minimum."""
    from_ms = close.month.from_ms + DAY_MS * int(close.cursor or 0)
    if from_ms >= close.month.to_ms:
        return _moved(connection, close, Phase.BILLS, ""), 0
    cursor = f"{int(close.cursor or 0) + 1:02d}"
    moved = _moved(connection, close, Phase.OTHERS, cursor)
    if moved.cursor != cursor:
        return moved, 0
    dids = _without_line(connection, close.month, from_ms, from_ms + DAY_MS)
    for start in range(0, len(dids), NUMBERS_AT_ONCE):
        lines = lines_of(connection, close.month, dids[start : start + NUMBERS_AT_ONCE])
        written = _written(connection, close.month, lines)
        _write(connection, close, [each for each in lines if each.key not in written], now_ms)
    return moved, 0


def _without_line(
    connection: Connection, month: BillingMonth, from_ms: int, to_ms: int
) -> list[str]:
    has_line = and_(
        month_line.c.month == str(month),
        month_line.c.customer == cdr.c.customer,
        month_line.c.did == cdr.c.did,
    )
    query = (
        select(cdr.c.did)
        .distinct()
        .select_from(cdr.outerjoin(month_line, has_line))
        .where(cdr.c.ended_ms >= from_ms, cdr.c.ended_ms < to_ms, cdr.c.customer.is_not(None))
        .where(month_line.c.did.is_(None))
    )
    return sorted(connection.execute(query).scalars())


def _written(
    connection: Connection, month: BillingMonth, lines: Sequence[MonthLine]
) -> set[tuple[str, str]]:
    query = select(month_line.c.did, month_line.c.customer).where(
        month_line.c.month == str(month),
        month_line.c.customer.in_({each.customer for each in lines}),
        month_line.c.did.in_({each.did for each in lines}),
    )
    return {(row.did, row.customer) for row in connection.execute(query)}


def _bills(
    connection: Connection, close: MonthClose, now_ms: int, factor: int, batch: int
) -> tuple[MonthClose, int]:
    query = select(customer.c.id).where(customer.c.id > close.cursor).order_by(customer.c.id)
    customers = list(connection.execute(query.limit(max(1, batch // CUSTOMERS_SHARE))).scalars())
    if not customers:
        return _moved(connection, close, Phase.CLOSED, "", now_ms), 0
    moved = _moved(connection, close, Phase.BILLS, customers[-1])
    if moved.cursor == customers[-1]:
        closed_bills(connection, close.month, customers, now_ms, factor)
    return moved, len(customers)


def _moved(
    connection: Connection,
    close: MonthClose,
    phase: Phase,
    cursor: str,
    closed_ms: int | None = None,
) -> MonthClose:
    """Where the close stands: moved on by us, or already by somebody else, who did the batch."""
    found = connection.execute(
        update(month_close)
        .where(month_close.c.month == str(close.month), month_close.c.phase == close.phase.value)
        .where(month_close.c.cursor == close.cursor, month_close.c.phase != Phase.CLOSED.value)
        .values(phase=phase.value, cursor=cursor, closed_ms=closed_ms)
    )
    if found.rowcount == 1:
        return MonthClose(close.month, phase, cursor, close.actor, close.started_ms, closed_ms)
    return MonthClose(close.month, close.phase, close.cursor, close.actor, close.started_ms)


def _write(
    connection: Connection, close: MonthClose, lines: Sequence[MonthLine], now_ms: int
) -> None:
    """Lines, and the entries of those that owe something: one a number and month, by its id."""
    rows = [_row(close.month, each) for each in lines]
    if rows:
        connection.execute(insert(month_line), rows)
    owing = [each for each in lines if each.shortfall_micros]
    add_accounts(connection, {each.customer for each in owing})
    entries = [
        Entry(
            id=0,
            account=each.customer,
            kind=EntryKind.SHORTFALL,
            amount_micros=-each.shortfall_micros,
            seq=None,
            operation_id=shortfall_operation(each.did, close.month),
            call_id=None,
            actor=close.actor,
            reason=f"monthly minimum of {each.did} for {close.month}",
            created_ms=now_ms,
        )
        for each in owing
    ]
    for entry, posted in zip(entries, post_many(connection, entries), strict=True):
        if (posted.account, posted.amount_micros) != (entry.account, entry.amount_micros):
            raise OperationReused(entry.operation_id)


def shortfall_operation(number: str, month: BillingMonth) -> str:
    """The operation id under which a number's shortfall of a month is posted, once for ever."""
    return f"shortfall:{number}:{month}"


def _row(month: BillingMonth, each: MonthLine) -> dict[str, object]:
    return {
        "month": str(month),
        "customer": each.customer,
        "did": each.did,
        "provider": each.provider,
        **usage_columns(each.usage),
        "minimum_micros": each.minimum_micros,
        "standing": each.standing.value,
        "shortfall_micros": each.shortfall_micros,
    }


def usage_columns(usage: Usage) -> dict[str, object]:
    """The columns that lines and corrections have of it."""
    return {
        "calls": usage.calls,
        "answered": usage.answered,
        "talk_s": usage.talk_s,
        "billed_s": usage.billed_s,
        "fee_micros": usage.fee_micros,
        "charged_micros": usage.charged_micros,
        "minutes": usage.minutes,
    }
