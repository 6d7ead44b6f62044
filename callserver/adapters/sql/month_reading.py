"""Reading closed months: lines, corrections and reports."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, func, select

from callserver.adapters.sql.schema import AnyRow
from callserver.adapters.sql.schema_months import month_correction, month_line
from callserver.domain.billing_month import BillingMonth
from callserver.domain.minimum import Standing
from callserver.domain.month import Correction, Key, MonthLine, ReportRow, Usage

_CHUNK = 5_000
_USAGE = ("calls", "answered", "talk_s", "billed_s", "fee_micros", "charged_micros", "minutes")


def read_lines(
    connection: Connection, month: BillingMonth, customers: Sequence[str]
) -> list[MonthLine]:
    """The lines of some customers, in order of customer and number."""
    found: list[MonthLine] = []
    for start in range(0, len(customers), _CHUNK):
        query = select(month_line).where(
            month_line.c.month == str(month),
            month_line.c.customer.in_(customers[start : start + _CHUNK]),
        )
        order = query.order_by(month_line.c.customer, month_line.c.did)
        found += [_line(row) for row in connection.execute(order)]
    return found


def read_corrections(
    connection: Connection,
    *,
    month: BillingMonth | None = None,
    posted_in: BillingMonth | None = None,
    customers: Sequence[str] | None = None,
) -> list[Correction]:
    """Corrections of a month, or those whose bill is that of `posted_in`."""
    columns = month_correction.c
    query = select(month_correction)
    if month is not None:
        query = query.where(columns.month == str(month))
    if posted_in is not None:
        query = query.where(columns.posted_in == str(posted_in))
    if customers is not None:
        query = query.where(columns.customer.in_(customers))
    order = query.order_by(columns.month, columns.customer, columns.did, columns.number)
    return [_correction(row) for row in connection.execute(order)]


def known_usage(
    connection: Connection, month: BillingMonth, customers: Sequence[str] | None = None
) -> dict[Key, Usage]:
    """What is known of a closed month, corrections included; of all, or of some customers."""
    found: dict[Key, Usage] = {}
    for table in (month_line, month_correction):
        query = select(table.c.did, table.c.customer, *(table.c[name] for name in _USAGE))
        query = query.where(table.c.month == str(month))
        if customers is not None:
            query = query.where(table.c.customer.in_(customers))
        for row in connection.execute(query):
            key = (row.did, row.customer)
            usage = Usage(*tuple(row)[2:])
            found[key] = found[key] + usage if key in found else usage
    return found


def known_shortfalls(
    connection: Connection, month: BillingMonth, dids: Sequence[str]
) -> dict[Key, tuple[int, int]]:
    """What was posted of each number's shortfall, and how many corrections there were."""
    found: dict[Key, tuple[int, int]] = {}
    for table, more in ((month_line, 0), (month_correction, 1)):
        query = select(table.c.did, table.c.customer, table.c.shortfall_micros).where(
            table.c.month == str(month), table.c.did.in_(dids)
        )
        for row in connection.execute(query):
            micros, count = found.get((row.did, row.customer), (0, 0))
            found[row.did, row.customer] = (micros + row.shortfall_micros, count + more)
    return found


def report_rows(connection: Connection, month: BillingMonth) -> tuple[ReportRow, ...]:
    """The month by provider and customer."""
    line = month_line.c
    query = select(
        line.customer,
        line.provider,
        func.count(),
        *(_sum(line[name]) for name in _USAGE),
        _sum(case((line.shortfall_micros > 0, 1), else_=0)),
        _sum(line.shortfall_micros),
    ).where(line.month == str(month))
    grouped = query.group_by(line.provider, line.customer)
    rows = connection.execute(grouped.order_by(line.provider, line.customer))
    return tuple(
        ReportRow(row[0], row[1], row[2], Usage(*row[3:10]), row[10], row[11])
        for row in map(tuple, rows)
    )


def correction_sum(connection: Connection, posted_in: BillingMonth) -> tuple[int, int]:
    """How many corrections a month's bills show, and what they changed of earlier shortfalls."""
    query = select(func.count(), _sum(month_correction.c.shortfall_micros)).where(
        month_correction.c.posted_in == str(posted_in)
    )
    count, micros = connection.execute(query).one()
    return count, micros


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _usage(row: AnyRow) -> Usage:
    return Usage(*(getattr(row, name) for name in _USAGE))


def _line(row: AnyRow) -> MonthLine:
    return MonthLine(
        row.did,
        row.customer,
        row.provider,
        _usage(row),
        row.minimum_micros,
        Standing(row.standing),
        row.shortfall_micros,
    )


def _correction(row: AnyRow) -> Correction:
    return Correction(
        BillingMonth.parse(row.month),
        row.did,
        row.customer,
        row.provider,
        row.number,
        BillingMonth.parse(row.posted_in),
        _usage(row),
        row.shortfall_micros,
    )
