"""Bills: composed from the books while a month runs, and written down when it is closed."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import orjson
from sqlalchemy import BigInteger, Connection, and_, cast, func, insert, not_, select

from callserver.adapters.sql.month_reading import read_corrections, read_lines
from callserver.adapters.sql.month_usage import corrections_of, lines_of, numbers_of
from callserver.adapters.sql.notices import notice_sudden_fees, notices_of
from callserver.adapters.sql.schema import account, customer, ledger_entry
from callserver.adapters.sql.schema_features import deduction
from callserver.adapters.sql.schema_months import bill
from callserver.domain.bill import (
    Bill,
    BillLine,
    BillState,
    FeatureCharge,
    LateLine,
    Movement,
    SuddenFee,
    bill_line,
)
from callserver.domain.billing_month import BillingMonth
from callserver.domain.ledger import EntryKind
from callserver.domain.minimum import Standing
from callserver.domain.month import Correction, MonthLine, Usage

Owned = TypeVar("Owned", MonthLine, Correction)

_APART = (EntryKind.CALL.value, EntryKind.SHORTFALL.value)
_SHORTFALL = "shortfall:%"
_RERATE = "rerate:%"


def closed_bills(
    connection: Connection,
    month: BillingMonth,
    customers: Sequence[str],
    now_ms: int,
    factor: int,
) -> list[Bill]:
    """Write the bills of these customers for a month that is being closed, notices included.

    Who had no number, no call and no movement gets none.
    """
    lines = _by_customer(read_lines(connection, month, customers))
    late = _by_customer(read_corrections(connection, posted_in=month, customers=customers))
    fees = {owner: sum(each.usage.charged_micros for each in mine) for owner, mine in lines.items()}
    notice_sudden_fees(connection, month, fees, now_ms, factor)
    bills = compose(connection, month, customers, lines, late, BillState.CLOSED, now_ms)
    kept = [each for each in bills if each.lines or each.late or each.movements or each.features]
    rows = [
        {
            "month": each.month,
            "customer": each.customer,
            "provider": each.provider,
            "calls_micros": each.usage.charged_micros,
            "document": encode(each).decode(),
            "created_ms": now_ms,
        }
        for each in kept
    ]
    if rows:
        connection.execute(insert(bill), rows)
    return kept


def read_bill(connection: Connection, month: BillingMonth, owner: str) -> Bill | None:
    """The bill as it was fixed; None: the month is not closed, or had nothing of the customer."""
    query = select(bill.c.document).where(bill.c.month == str(month), bill.c.customer == owner)
    document = connection.execute(query).scalar_one_or_none()
    return None if document is None else decode(document)


def billed_months(connection: Connection, owner: str) -> list[BillingMonth]:
    """The months of which the customer has a fixed bill, the latest first."""
    query = select(bill.c.month).where(bill.c.customer == owner).order_by(bill.c.month.desc())
    return [BillingMonth.parse(month) for month in connection.execute(query).scalars()]


def bill_to_date(
    connection: Connection,
    month: BillingMonth,
    owner: str,
    late: Iterable[Correction],
    state: BillState,
    now_ms: int,
) -> Bill | None:
    """The bill as it stands; None: there is no such customer."""
    dids = numbers_of(connection, owner, month)
    lines = [each for each in lines_of(connection, month, dids) if each.customer == owner]
    found = compose(connection, month, [owner], {owner: lines}, {owner: list(late)}, state, now_ms)
    return found[0] if found else None


def compose(
    connection: Connection,
    month: BillingMonth,
    customers: Sequence[str],
    lines: dict[str, list[MonthLine]],
    late: dict[str, list[Correction]],
    state: BillState,
    now_ms: int,
) -> list[Bill]:
    """Bills of those customers that exist, in order of their ids."""
    query = select(customer.c.id, customer.c.name, customer.c.provider)
    rows = connection.execute(query.where(customer.c.id.in_(customers)).order_by(customer.c.id))
    movements = _movements(connection, month, customers)
    features = _features(connection, month, customers)
    corrections = corrections_of(connection, month, customers)
    minutes = _minutes_left(connection, month, customers)
    notices = notices_of(connection, month, customers)
    return [
        Bill(
            customer=row.id,
            name=row.name,
            provider=row.provider,
            month=str(month),
            state=state,
            as_of_ms=now_ms,
            lines=tuple(map(bill_line, lines.get(row.id, ()))),
            late=tuple(map(_late, late.get(row.id, ()))),
            movements=tuple(movements.get(row.id, ())),
            features=tuple(features.get(row.id, ())),
            corrections_micros=corrections.get(row.id, 0),
            minutes_left=minutes.get(row.id, 0),
            notice=notices.get(row.id),
        )
        for row in rows
    ]


def _by_customer(found: Iterable[Owned]) -> dict[str, list[Owned]]:
    kept: dict[str, list[Owned]] = {}
    for each in found:
        kept.setdefault(each.customer, []).append(each)
    return kept


def _late(each: Correction) -> LateLine:
    return LateLine(str(each.month), each.did, each.usage, each.shortfall_micros)


def _movements(
    connection: Connection, month: BillingMonth, customers: Sequence[str]
) -> dict[str, list[Movement]]:
    """Entries beside calls, corrections of calls and what month closes post."""
    entry = ledger_entry.c
    query = select(
        entry.account,
        entry.created_ms,
        entry.kind,
        entry.amount_micros,
        entry.minutes,
        entry.reason,
    ).where(
        entry.account.in_(customers),
        entry.created_ms >= month.from_ms,
        entry.created_ms < month.to_ms,
        entry.kind.not_in(_APART),
        entry.operation_id.not_like(_SHORTFALL),
        not_(and_(entry.call_id.is_not(None), entry.operation_id.like(_RERATE))),
        (entry.amount_micros != 0) | (entry.minutes != 0),
    )
    found: dict[str, list[Movement]] = {}
    for row in connection.execute(query.order_by(entry.account, entry.created_ms, entry.id)):
        moved = Movement(
            row.created_ms, EntryKind(row.kind), row.amount_micros, row.minutes, row.reason
        )
        found.setdefault(row.account, []).append(moved)
    return found


def _features(
    connection: Connection, month: BillingMonth, customers: Sequence[str]
) -> dict[str, list[FeatureCharge]]:
    charge = deduction.c
    days = (f"{month}-01", f"{month.next()}-01")
    query = select(
        charge.customer, charge.day, charge.did, charge.feature, charge.fee_micros
    ).where(charge.day >= days[0], charge.day < days[1], charge.customer.in_(customers))
    found: dict[str, list[FeatureCharge]] = {}
    for row in connection.execute(query.order_by(charge.day, charge.id)):
        charged = FeatureCharge(row.day, row.did, row.feature, row.fee_micros)
        found.setdefault(row.customer, []).append(charged)
    return found


def _minutes_left(
    connection: Connection, month: BillingMonth, customers: Sequence[str]
) -> dict[str, int]:
    """Included minutes at the end of the month: those of now, less what has moved since."""
    kept = select(account.c.id, account.c.settled_minutes).where(account.c.id.in_(customers))
    found = {row.id: row.settled_minutes for row in connection.execute(kept)}
    moved = cast(func.sum(ledger_entry.c.minutes), BigInteger)
    since = (
        select(ledger_entry.c.account, moved)
        .where(ledger_entry.c.account.in_(customers), ledger_entry.c.created_ms >= month.to_ms)
        .group_by(ledger_entry.c.account)
    )
    for name, minutes in connection.execute(since):
        found[name] -= minutes
    return found


def encode(made: Bill) -> bytes:
    """The document that is kept."""
    return orjson.dumps(made)


def decode(document: str) -> Bill:
    """A kept document as the bill it was."""
    raw = orjson.loads(document)
    lines = (
        BillLine(
            each["did"],
            Usage(**each["usage"]),
            each["minimum_micros"],
            Standing(each["standing"]),
            each["shortfall_micros"],
        )
        for each in raw.pop("lines")
    )
    late = (LateLine(**each | {"usage": Usage(**each["usage"])}) for each in raw.pop("late"))
    movements = (
        Movement(**each | {"kind": EntryKind(each["kind"])}) for each in raw.pop("movements")
    )
    features = (FeatureCharge(**each) for each in raw.pop("features"))
    notice = raw.pop("notice")
    return Bill(
        **raw | {"state": BillState(raw["state"]), "running": None},
        lines=tuple(lines),
        late=tuple(late),
        movements=tuple(movements),
        features=tuple(features),
        notice=SuddenFee(**notice) if notice else None,
    )
