"""Reading arrears from the ledger: sums by account and month, payments of the suspended."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, case, cast, func, or_, select

from callserver.adapters.sql.database import Database
from callserver.adapters.sql.schema import account, customer, ledger_entry
from callserver.adapters.sql.schema_numbers import number_event, number_record
from callserver.domain.arrears import (
    RESTORE_MS,
    Overdue,
    Owed,
    ToRestore,
    late_first,
    owed,
    paid_at,
)
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import Billing, NumberState
from callserver.ports import Clock

MONTHS_BACK = 24
"""A debt older than this is dated to the oldest month read."""
_ROW = ledger_entry.c


class SqlArrears:
    """ArrearsBook on SQLite or PostgreSQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def overdue(self, customers: Collection[str] | None, days: int) -> Sequence[Overdue]:
        """Customers in arrears, in order of their ids."""
        now_ms = self._clock.now_us() // 1000
        return await self._database.read(
            lambda connection: _overdue(connection, customers, now_ms, days)
        )

    async def to_restore(self, customers: Collection[str] | None) -> Sequence[ToRestore]:
        """Numbers suspended for arrears that were paid."""
        now_ms = self._clock.now_us() // 1000
        return await self._database.read(
            lambda connection: _to_restore(connection, customers, now_ms)
        )


def owed_by(connection: Connection, name: str, now_ms: int, days: int) -> tuple[bool, Owed | None]:
    """Whether the customer is postpaid, and what it owes from closed months."""
    found = connection.execute(
        select(customer.c.billing, account.c.settled_micros)
        .outerjoin(account, account.c.id == customer.c.id)
        .where(customer.c.id == name)
    ).one_or_none()
    if found is None or found.billing != Billing.POSTPAID.value:
        return False, None
    debits = _debits(connection, ledger_entry.c.account == name, now_ms).get(name, {})
    return True, owed(found.settled_micros or 0, debits, now_ms, days)


def _debits(connection: Connection, which: Any, now_ms: int) -> dict[str, dict[BillingMonth, int]]:
    """Debits (≥ 0) by account and month: the running month and MONTHS_BACK before it."""
    months = [BillingMonth.of(now_ms)]
    while len(months) <= MONTHS_BACK:
        months.append(months[-1].previous())
    place = case(
        *[(_ROW.created_ms >= month.from_ms, at) for at, month in enumerate(months)]
    ).label("place")
    rows = connection.execute(
        select(_ROW.account, place, cast(func.sum(-_ROW.amount_micros), BigInteger).label("micros"))
        .where(which, _ROW.amount_micros < 0, _ROW.created_ms >= months[-1].from_ms)
        .group_by(_ROW.account, place)
    )
    found: dict[str, dict[BillingMonth, int]] = {}
    for row in rows:
        found.setdefault(row.account, {})[months[row.place]] = row.micros
    return found


def _overdue(
    connection: Connection, customers: Collection[str] | None, now_ms: int, days: int
) -> list[Overdue]:
    is_postpaid = customer.c.billing == Billing.POSTPAID.value
    behind = or_(
        and_(is_postpaid, account.c.settled_micros < 0),
        and_(~is_postpaid, account.c.settled_micros <= 0),
    )
    asked = select(customer.c.id, customer.c.billing, account.c.settled_micros).join(
        account, account.c.id == customer.c.id
    )
    rows = connection.execute(asked.where(behind).order_by(customer.c.id)).all()
    owing = select(customer.c.id).join(account, account.c.id == customer.c.id)
    which = _ROW.account.in_(owing.where(is_postpaid, account.c.settled_micros < 0))
    debits = _debits(connection, which, now_ms)
    numbers = _in_service(connection)
    found = []
    for row in rows:
        if customers is not None and row.id not in customers:
            continue
        postpaid = row.billing == Billing.POSTPAID.value
        debt = owed(row.settled_micros, debits.get(row.id, {}), now_ms, days) if postpaid else None
        active = tuple(numbers.get(row.id, ()))
        if debt is not None or (not postpaid and active):
            found.append(Overdue(row.id, row.settled_micros, debt, active))
    return found


def _in_service(connection: Connection) -> dict[str, list[str]]:
    rows = connection.execute(
        select(number_record.c.customer, number_record.c.number)
        .join(account, account.c.id == number_record.c.customer)
        .where(number_record.c.state == NumberState.ACTIVE.value, account.c.settled_micros <= 0)
        .order_by(number_record.c.number)
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.customer, []).append(row.number)
    return found


def _to_restore(
    connection: Connection, customers: Collection[str] | None, now_ms: int
) -> Sequence[ToRestore]:
    last = (
        select(number_event.c.number, func.max(number_event.c.id).label("id"))
        .where(number_event.c.event == "suspend", number_event.c.suspension == "arrears")
        .group_by(number_event.c.number)
        .subquery()
    )
    row = number_record.c
    rows = connection.execute(
        select(row.number, row.customer, customer.c.billing, number_event.c.at_ms)
        .join(last, last.c.number == row.number)
        .join(number_event, number_event.c.id == last.c.id)
        .join(customer, customer.c.id == row.customer)
        .where(row.state == NumberState.SUSPENDED.value, row.suspensions.like("%arrears%"))
    ).all()
    found = []
    for each in rows:
        if customers is not None and each.customer not in customers:
            continue
        postpaid = each.billing == Billing.POSTPAID.value
        paid_ms = _paid_ms(connection, each.customer, each.at_ms, postpaid=postpaid)
        if paid_ms is not None:
            left_ms = paid_ms + RESTORE_MS - now_ms
            found.append(ToRestore(each.number, each.customer, paid_ms, left_ms))
    return late_first(found)


def _paid_ms(connection: Connection, name: str, suspended_ms: int, *, postpaid: bool) -> int | None:
    """When what the number was suspended for was paid: debts of months closed by then; prepaid:
    more than all that was spent by then."""
    before_ms = BillingMonth.of(suspended_ms).from_ms if postpaid else suspended_ms + 1
    own = _ROW.account == name
    spent: int = connection.execute(
        select(cast(func.coalesce(func.sum(-_ROW.amount_micros), 0), BigInteger)).where(
            own, _ROW.amount_micros < 0, _ROW.created_ms < before_ms
        )
    ).scalar_one()
    credits = connection.execute(
        select(_ROW.created_ms, _ROW.amount_micros)
        .where(own, _ROW.amount_micros > 0)
        .order_by(_ROW.created_ms, _ROW.id)
    )
    target = spent if postpaid else spent + 1
    return paid_at(target, ((at, micros) for at, micros in credits), suspended_ms)
