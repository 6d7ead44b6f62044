"""Sudden fees: a month above so many times the mean of the months before, noticed once."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select, union
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.month_usage import usage_of_customers
from callserver.adapters.sql.schema import cdr, customer
from callserver.adapters.sql.schema_ledger import cdr_correction
from callserver.adapters.sql.schema_months import bill, notice
from callserver.domain.bill import SuddenFee
from callserver.domain.billing_month import BillingMonth
from callserver.domain.sudden_fee import MONTHS, sudden

KIND = "sudden_fee"


def notice_sudden_fees(
    connection: Connection,
    month: BillingMonth,
    fees: Mapping[str, int],
    now_ms: int,
    factor: int,
) -> dict[str, SuddenFee]:
    """Write a notice for each customer whose fees of the month are sudden, once a month; those
    that are new."""
    found = {
        owner: SuddenFee(fees[owner], mean_micros, factor, now_ms)
        for owner, mean_micros in suspects(connection, month, fees, factor).items()
    }
    return {owner: each for owner, each in found.items() if _write(connection, owner, month, each)}


def suspects(
    connection: Connection, month: BillingMonth, fees: Mapping[str, int], factor: int
) -> dict[str, int]:
    """Customers with sudden fees who were not told yet, with the mean of their months before."""
    told = notices_of(connection, month, list(fees))
    rest = [owner for owner, fee in fees.items() if fee > 0 and owner not in told]
    means = {
        owner: sudden(fees[owner], months, factor)
        for owner, months in fees_before(connection, month, rest).items()
    }
    return {owner: mean for owner, mean in means.items() if mean is not None}


def _write(connection: Connection, owner: str, month: BillingMonth, each: SuddenFee) -> bool:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {
        "kind": KIND,
        "customer": owner,
        "month": str(month),
        "fee_micros": each.fee_micros,
        "mean_micros": each.mean_micros,
        "factor": each.factor,
        "raised_ms": each.raised_ms,
    }
    written = dialect.insert(notice).values(row).on_conflict_do_nothing().returning(notice.c.id)
    return connection.execute(written).first() is not None


def notices_of(
    connection: Connection, month: BillingMonth, customers: Sequence[str]
) -> dict[str, SuddenFee]:
    """The notices of a month."""
    query = select(notice).where(
        notice.c.kind == KIND, notice.c.month == str(month), notice.c.customer.in_(customers)
    )
    return {
        row.customer: SuddenFee(row.fee_micros, row.mean_micros, row.factor, row.raised_ms)
        for row in connection.execute(query)
    }


def fees_before(
    connection: Connection, month: BillingMonth, customers: Sequence[str]
) -> dict[str, list[int]]:
    """The call fees of the months before, of customers who have been there for as long: who had
    a call before or in the first of them."""
    months = [month.previous()]
    for _ in range(MONTHS - 1):
        months.append(months[-1].previous())
    long_there = _called_before(connection, months[-1].to_ms, customers)
    if not long_there:
        return {}
    found = {owner: [0] * MONTHS for owner in long_there}
    for place, each in enumerate(months):
        for owner, micros in _fees(connection, each, long_there).items():
            found[owner][place] = micros
    return found


def _called_before(connection: Connection, at_ms: int, customers: Sequence[str]) -> list[str]:
    """Those with a call before the instant; of each only one is looked for."""
    one = select(cdr.c.customer).where(cdr.c.customer == customer.c.id, cdr.c.ended_ms < at_ms)
    query = select(customer.c.id).where(customer.c.id.in_(customers), one.exists())
    return sorted(connection.execute(query).scalars())


def _fees(connection: Connection, month: BillingMonth, customers: Sequence[str]) -> dict[str, int]:
    """From the fixed bills; where there is none, from the calls."""
    kept = select(bill.c.customer, bill.c.calls_micros).where(
        bill.c.month == str(month), bill.c.customer.in_(customers)
    )
    found = {row.customer: row.calls_micros for row in connection.execute(kept)}
    rest = [owner for owner in customers if owner not in found]
    if rest:
        found |= fees_of(connection, month, rest)
    return found


def fees_of(
    connection: Connection, month: BillingMonth, customers: Sequence[str]
) -> dict[str, int]:
    """What the calls of a month cost each customer so far, re-rating included, as its close will
    have it. Who had none is left out."""
    found: dict[str, int] = {}
    for (_, owner), usage in usage_of_customers(connection, month, customers).items():
        found[owner] = found.get(owner, 0) + usage.charged_micros
    return found


def called_since(connection: Connection, from_ms: int, to_ms: int) -> list[str]:
    """Customers with calls that ended, or were rated anew, in [from_ms, to_ms)."""
    called = (
        select(cdr.c.customer)
        .distinct()
        .where(cdr.c.ended_ms >= from_ms, cdr.c.ended_ms < to_ms)
        .where(cdr.c.customer.is_not(None), cdr.c.charged_micros > 0)
    )
    corrected = (
        select(cdr_correction.c.account)  # an account of calls is its customer's
        .distinct()
        .where(cdr_correction.c.created_ms >= from_ms, cdr_correction.c.created_ms < to_ms)
    )
    return sorted(connection.execute(union(called, corrected)).scalars())


def count(connection: Connection, month: BillingMonth) -> int:
    """How many customers were noticed of the month."""
    query = select(func.count()).where(notice.c.kind == KIND, notice.c.month == str(month))
    return connection.execute(query).scalar_one()
