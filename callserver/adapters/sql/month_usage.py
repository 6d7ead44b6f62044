"""What a month came to, read from the CDRs: for some numbers, a customer, or a span of time."""

from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, case, cast, func, select, true

from callserver.adapters.sql.minimums import latest
from callserver.adapters.sql.schema import AnySelect, cdr, customer, did
from callserver.adapters.sql.schema_ledger import cdr_correction
from callserver.adapters.sql.schema_numbers import number_event
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import NumberState
from callserver.domain.cdr import Disposition
from callserver.domain.minimum import Happened, Service, services
from callserver.domain.month import Key, MonthLine, Usage, line

_CHUNK = 5_000
_ANSWERED = Disposition.ANSWERED.value


def usage_of_numbers(
    connection: Connection, month: BillingMonth, dids: Sequence[str]
) -> dict[Key, Usage]:
    """By number and customer; what had no calls is left out. Calls nobody paid for are nobody's."""
    found: dict[Key, Usage] = {}
    for start in range(0, len(dids), _CHUNK):
        chunk = cdr.c.did.in_(dids[start : start + _CHUNK])
        found |= _usage(connection, month.from_ms, month.to_ms, chunk)
    return found


def usage_of_customers(
    connection: Connection, month: BillingMonth, customers: Sequence[str]
) -> dict[Key, Usage]:
    """The same for everything of some customers."""
    found: dict[Key, Usage] = {}
    for start in range(0, len(customers), _CHUNK):
        chunk = cdr.c.customer.in_(customers[start : start + _CHUNK])
        found |= _usage(connection, month.from_ms, month.to_ms, chunk)
    return found


def usage_between(connection: Connection, from_ms: int, to_ms: int) -> dict[Key, Usage]:
    """The same for all calls that ended in [from_ms, to_ms)."""
    return _usage(connection, from_ms, to_ms, true())


def _ended(from_ms: int, to_ms: int) -> ColumnElement[bool]:
    return and_(cdr.c.ended_ms >= from_ms, cdr.c.ended_ms < to_ms)


def _usage(
    connection: Connection, from_ms: int, to_ms: int, which: ColumnElement[bool]
) -> dict[Key, Usage]:
    wanted = and_(_ended(from_ms, to_ms), which)
    figures = (
        func.count(),
        _sum(case((cdr.c.disposition == _ANSWERED, 1), else_=0)),
        *map(_sum, (cdr.c.billsec, cdr.c.billed_s, cdr.c.fee_micros, cdr.c.charged_micros)),
        _sum(cdr.c.included_minutes),
    )
    query = select(cdr.c.did, cdr.c.customer, *figures).where(wanted, cdr.c.customer.is_not(None))
    rows = connection.execute(query.group_by(cdr.c.did, cdr.c.customer))
    found: dict[Key, Usage] = {(row[0], row[1]): Usage(*row[2:]) for row in rows}
    for key, more in _corrected(connection, from_ms, to_ms, which):
        found[key] = found.get(key, Usage()) + more
    return found


def _sum(what: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(what), 0), BigInteger)


def _corrected(
    connection: Connection, from_ms: int, to_ms: int, which: ColumnElement[bool]
) -> Iterable[tuple[Key, Usage]]:
    """What re-rating changed of these calls: mostly nothing, which is told at once."""
    change = cdr_correction.c
    within = and_(change.ended_ms >= from_ms, change.ended_ms < to_ms)
    if connection.execute(select(change.id).where(within).limit(1)).first() is None:
        return
    same = and_(
        cdr.c.ended_ms == change.ended_ms, cdr.c.token_hash == func.substr(change.call_id, 4)
    )
    micros = _sum(change.after_micros - change.before_micros)
    minutes = _sum(change.after_minutes - change.before_minutes)
    query = select(cdr.c.did, cdr.c.customer, micros, minutes).join_from(cdr_correction, cdr, same)
    grouped = query.where(within, which).group_by(cdr.c.did, cdr.c.customer)
    for number, owner, micros_more, minutes_more in connection.execute(grouped):
        yield (
            (number, owner),
            Usage(fee_micros=micros_more, charged_micros=micros_more, minutes=minutes_more),
        )


def corrections_of(
    connection: Connection, month: BillingMonth, customers: Sequence[str]
) -> dict[str, int]:
    """What re-rating changed of each customer's calls that ended in the month, in micro-yuan.

    Usage counts it already. Who had no corrections is left out.
    """
    found: dict[str, int] = {}
    for start in range(0, len(customers), _CHUNK):
        which = cdr.c.customer.in_(customers[start : start + _CHUNK])
        for (_, owner), more in _corrected(connection, month.from_ms, month.to_ms, which):
            found[owner] = found.get(owner, 0) + more.charged_micros
    return found


def services_of(connection: Connection, dids: Sequence[str]) -> dict[str, list[Service]]:
    """The stretches of service of each number; one without a history is what the catalogue says."""
    found: dict[str, list[Service]] = {}
    for start in range(0, len(dids), _CHUNK):
        chunk = dids[start : start + _CHUNK]
        found |= _unwritten(connection, chunk)
        steps: dict[str, list[Happened]] = {}
        event = number_event.c
        query = select(event.number, event.at_ms, event.to_state, event.customer)
        for row in connection.execute(query.where(event.number.in_(chunk)).order_by(event.id)):
            happened = Happened(row.at_ms, NumberState(row.to_state), row.customer)
            steps.setdefault(row.number, []).append(happened)
        found |= {number: services(history) for number, history in steps.items()}
    return found


def _unwritten(connection: Connection, dids: Sequence[str]) -> dict[str, list[Service]]:
    """In service since nobody knows when, were there no history."""
    query = select(did.c.number, did.c.customer, did.c.state).where(did.c.number.in_(dids))
    return {
        row.number: services([Happened(0, NumberState(row.state), row.customer)])
        for row in connection.execute(query)
    }


def lines_of(
    connection: Connection,
    month: BillingMonth,
    dids: Sequence[str],
    used: dict[Key, Usage] | None = None,
) -> list[MonthLine]:
    """The lines of some numbers, in order: with each customer who had calls or the number in the
    month. `used`: their usage, where it is known already.
    """
    if used is None:
        used = usage_of_numbers(connection, month, dids)
    in_service = services_of(connection, dids)
    keys = set(used)
    from_ms, to_ms = month.from_ms, month.to_ms
    for number, stretches in in_service.items():
        keys |= {
            (number, service.customer) for service in stretches if _meets(service, from_ms, to_ms)
        }
    minimums = latest(connection, dids, month)
    providers = providers_of(connection, {key[1] for key in keys})
    lines: list[MonthLine] = []
    for key in sorted(keys):
        version = minimums.get(key[0])
        lines.append(
            line(
                month,
                key,
                providers.get(key[1], ""),
                used.get(key, Usage()),
                in_service.get(key[0], ()),
                version.terms.amount_micros if version else 0,
            )
        )
    return lines


def _meets(service: Service, from_ms: int, to_ms: int) -> bool:
    ended = service.to_ms is not None and service.to_ms <= from_ms
    return service.active_from_ms < to_ms and not ended


def providers_of(connection: Connection, customers: Iterable[str]) -> dict[str, str]:
    """Each customer's provider."""
    found: dict[str, str] = {}
    rest = iter(sorted(customers))
    while chunk := list(islice(rest, _CHUNK)):
        query = select(customer.c.id, customer.c.provider).where(customer.c.id.in_(chunk))
        found |= {row.id: row.provider for row in connection.execute(query)}
    return found


def numbers_of(connection: Connection, customer_id: str, month: BillingMonth) -> list[str]:
    """The numbers a customer has, or had in the month."""
    event = number_event.c
    queries: tuple[AnySelect, ...] = (
        select(did.c.number).where(did.c.customer == customer_id),
        select(cdr.c.did).where(
            _ended(month.from_ms, month.to_ms), cdr.c.customer == customer_id
        ).distinct(),
        select(event.number).where(event.customer == customer_id, event.at_ms < month.to_ms)
        .distinct(),
    )  # fmt: skip
    return sorted({row[0] for query in queries for row in connection.execute(query)})
