"""Providers' calls added up, and commissions: worked out and posted in one transaction."""

from collections.abc import Iterator, Mapping

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    case,
    cast,
    func,
    insert,
    select,
    text,
    tuple_,
)

from callserver.adapters.sql.database import Database
from callserver.adapters.sql.ledger import account_sums, post
from callserver.adapters.sql.schema import cdr
from callserver.adapters.sql.schema_ledger import cdr_correction
from callserver.adapters.sql.schema_providers import commission
from callserver.domain.billing_month import BillingMonth
from callserver.domain.commission import CallUsage, Terms, earned
from callserver.domain.ledger import Entry, EntryKind, provider_account
from callserver.ports import Clock
from callserver.ports.providers import Commission, CommissionKey, PostedCommission

_LOCK = 0x6361_6C6C_0091


class SqlProviders:
    """The ProviderBook port on SQLite or PostgreSQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def usage(self, from_ms: int, to_ms: int) -> dict[str, CallUsage]:
        """One pass over the period's CDRs."""
        return await self._database.read(lambda connection: _usage(connection, from_ms, to_ms))

    async def settled(self, accounts: list[str]) -> dict[str, int]:
        """As the ledger has them, holds of live calls not taken off."""
        sums = await self._database.read(lambda connection: account_sums(connection, accounts))
        return {name: each.settled_micros for name, each in sums.items()}

    async def commissions(
        self, month: BillingMonth, terms: Mapping[str, Terms], actor: str, *, post: bool
    ) -> list[Commission]:
        """Without `post` from one snapshot; with it posters take turns."""
        now_ms = self._clock.now_us() // 1000
        if not post:
            return await self._database.read(lambda connection: _due(connection, month, terms))
        return await self._database.write(
            lambda connection: _post(connection, month, terms, actor, now_ms)
        )

    async def posted(
        self,
        providers: frozenset[str],
        month: str | None,
        after: CommissionKey | None = None,
        most: int | None = None,
    ) -> list[PostedCommission]:
        """Without months that brought nothing."""
        columns = (commission.c[name] for name in PostedCommission.__slots__)
        query = (
            select(*columns)
            .where(commission.c.provider.in_(sorted(providers)), commission.c.amount_micros != 0)
            .order_by(commission.c.month.desc(), commission.c.provider, commission.c.part)
        )
        if month is not None:
            query = query.where(commission.c.month == month)
        if after is not None:
            within = tuple_(commission.c.provider, commission.c.part) > after[1:]
            later = (commission.c.month == after[0]) & within
            query = query.where((commission.c.month < after[0]) | later)
        query = query.limit(most)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [PostedCommission(**row._mapping) for row in rows]


def _usage(connection: Connection, from_ms: int, to_ms: int) -> dict[str, CallUsage]:
    priced = (cdr.c.cost_micros.is_not(None)) & (cdr.c.included_minutes == 0)
    sums = (
        func.sum(case((cdr.c.answered_ms > 0, 1), else_=0)),
        func.sum(cdr.c.billsec),
        func.sum(cdr.c.charged_micros),
        func.sum(case((priced, cdr.c.charged_micros), else_=0)),
        func.sum(case((priced, cdr.c.cost_micros), else_=0)),
    )
    query = (
        select(cdr.c.provider, func.count(), *(cast(each, BigInteger) for each in sums))
        .where(cdr.c.ended_ms >= from_ms, cdr.c.ended_ms < to_ms, cdr.c.provider.is_not(None))
        .group_by(cdr.c.provider)
    )
    found = {row[0]: CallUsage(*row[1:]) for row in connection.execute(query)}
    for provider, more in _corrected(connection, from_ms, to_ms, priced):
        found[provider] = found[provider] + more
    return found


def _corrected(
    connection: Connection, from_ms: int, to_ms: int, priced: ColumnElement[bool]
) -> Iterator[tuple[str, CallUsage]]:
    """What re-rating changed of these calls' fees, by provider."""
    change = cdr_correction.c
    same = (cdr.c.ended_ms == change.ended_ms) & (
        cdr.c.token_hash == func.substr(change.call_id, 4)
    )
    micros = change.after_micros - change.before_micros
    sums = (func.sum(micros), func.sum(case((priced, micros), else_=0)))
    query = (
        select(cdr.c.provider, *(cast(each, BigInteger) for each in sums))
        .join_from(cdr_correction, cdr, same)
        .where(change.ended_ms >= from_ms, change.ended_ms < to_ms, cdr.c.provider.is_not(None))
        .group_by(cdr.c.provider)
    )
    for provider, fees, priced_fees in connection.execute(query):
        yield provider, CallUsage(fees_micros=fees, priced_fees_micros=priced_fees)


def _due(
    connection: Connection, month: BillingMonth, terms: Mapping[str, Terms]
) -> list[Commission]:
    """What is to be posted now. A month posted before keeps the terms it was posted by: neither a
    new commission nor another parent changes the past, only calls that arrived late or were rated
    anew do. Providers added since come in with the terms they have now: a call that was connected
    without us is rated later, and may be theirs."""
    before: dict[str, tuple[int, int]] = {}
    kept: dict[str, Terms] = {}
    rows = connection.execute(
        select(commission).where(commission.c.month == str(month)).order_by(commission.c.part)
    )
    for row in rows:
        parts, micros = before.get(row.provider, (0, 0))
        before[row.provider] = (parts + 1, micros + row.amount_micros)
        kept.setdefault(row.provider, Terms(row.terms, row.parent))
    found = earned({**terms, **kept}, _usage(connection, month.from_ms, month.to_ms))
    return [
        Commission(name, month, each, posted, each.micros - posted, parts)
        for name, each in sorted(found.items())
        for parts, posted in (before.get(name, (0, 0)),)
    ]


def _post(
    connection: Connection,
    month: BillingMonth,
    terms: Mapping[str, Terms],
    actor: str,
    now_ms: int,
) -> list[Commission]:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    due = _due(connection, month, terms)
    for each in due:
        if each.part and not each.amount_micros:
            continue
        operation_id = f"commission:{each.provider}:{month}:{each.part}"
        if each.amount_micros:
            post(connection, _entry(each, operation_id, actor, now_ms))
        connection.execute(
            insert(commission).values(
                provider=each.provider,
                month=str(month),
                part=each.part,
                terms=terms[each.provider].commission if not each.part else None,
                parent=terms[each.provider].parent if not each.part else None,
                calls=each.earned.usage.calls,
                fees_micros=each.earned.usage.fees_micros,
                cost_micros=each.earned.usage.cost_micros,
                earned_micros=each.earned.micros,
                amount_micros=each.amount_micros,
                operation_id=operation_id,
                actor=actor,
                posted_ms=now_ms,
            )
        )
    return due


def _entry(each: Commission, operation_id: str, actor: str, now_ms: int) -> Entry:
    late = "" if not each.part else ", calls that came late or were rated anew"
    return Entry(
        id=0,
        account=provider_account(each.provider),
        kind=EntryKind.COMMISSION,
        amount_micros=each.amount_micros,
        seq=None,
        operation_id=operation_id,
        call_id=None,
        actor=actor,
        reason=f"commission of {each.month}{late}",
        created_ms=now_ms,
    )
