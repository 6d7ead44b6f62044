"""Callers' data: deleted in batches, each together with the counts that stay of it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from functools import partial

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql import partitions
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.schema import AnySelect, cdr, cdr_caller, cdr_key
from callserver.adapters.sql.schema_providers import caller_day, cdr_dispute
from callserver.domain.declined import Declined, Reason
from callserver.domain.retention import CallerData, CallerDay, Dispute, by_day
from callserver.ports import Clock
from callserver.ports.retention import Expired, Purged

_LOCK = 0x6361_6C6C_0090
_CHUNK = 500  # of a row with eleven bound variables: SQLite stops near 32 000
_SUMS = ("calls", "answered", "billsec", "billed_s", "fee_micros", "charged_micros")
_DAY_KEY = ("day", "did", "customer", "province", "area_code")


class SqlRetention:
    """The RetentionBook port on SQLite or PostgreSQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def expired(self, before_ms: int) -> Expired:
        """What a purge would find; reads it all."""
        return await self._database.read(lambda connection: _expired(connection, before_ms))

    async def any_expired(self, before_ms: int) -> bool:
        """Looks for one."""
        query = _due(before_ms).limit(1)
        return await self._database.read(
            lambda connection: connection.execute(query).first() is not None
        )

    async def purge_batch(self, before_ms: int, after: tuple[int, str] | None, most: int) -> Purged:
        """One transaction: callers out, their calls into the counts."""
        return await self._database.write(
            lambda connection: _purge(connection, before_ms, after, most)
        )

    async def reclaim(self, before_ms: int, *, rewrite: bool) -> None:
        """PostgreSQL drops the months that are empty now; SQLite folds its log into the file."""
        for month in await self._database.read(
            lambda connection: partitions.caller_months(connection, before_ms)
        ):
            await self._database.write(partial(partitions.drop_empty, month=month))
        await self._database.reclaim(rewrite=rewrite)

    async def caller_days(self, from_day: str, to_day: str, did: str | None) -> list[CallerDay]:
        """In order of day, number and area."""
        query = (
            select(caller_day)
            .where(caller_day.c.day >= from_day, caller_day.c.day <= to_day)
            .order_by(*(caller_day.c[name] for name in _DAY_KEY))
        )
        if did is not None:
            query = query.where(caller_day.c.did == did)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [CallerDay(date.fromisoformat(row.day), *row[1:]) for row in rows]

    async def open_dispute(self, call_id: str, note: str, actor: str) -> tuple[Dispute, bool]:
        """The first note stays."""
        now_ms = self._clock.now_us() // 1000
        return await self._database.write(
            lambda connection: _open(connection, call_id, note, actor, now_ms)
        )

    async def close_dispute(self, call_id: str, actor: str) -> Dispute:
        """Closing again changes nothing."""
        now_ms = self._clock.now_us() // 1000
        return await self._database.write(lambda connection: _close(connection, call_id, now_ms))

    async def disputes(self, *, closed: bool) -> list[Dispute]:
        """The newest first."""
        query = select(cdr_dispute).order_by(cdr_dispute.c.opened_ms.desc(), cdr_dispute.c.call_id)
        if not closed:
            query = query.where(cdr_dispute.c.closed_ms.is_(None))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Dispute(**row._mapping) for row in rows]


def _contested() -> ColumnElement[bool]:
    return exists().where(
        cdr_dispute.c.call_id == cdr_caller.c.call_id, cdr_dispute.c.closed_ms.is_(None)
    )


def _due(before_ms: int) -> AnySelect:
    return select(cdr_caller.c.ended_ms, cdr_caller.c.call_id).where(
        cdr_caller.c.ended_ms < before_ms, ~_contested()
    )


def _expired(connection: Connection, before_ms: int) -> Expired:
    counts = [
        connection.execute(
            select(func.count(), func.min(cdr_caller.c.ended_ms))
            .select_from(cdr_caller)
            .where(cdr_caller.c.ended_ms < before_ms, wanted)
        ).one()
        for wanted in (~_contested(), _contested())
    ]
    return Expired(counts[0][0], counts[1][0], counts[0][1])


def _purge(
    connection: Connection, before_ms: int, after: tuple[int, str] | None, most: int
) -> Purged:
    _take_turns(connection)
    due = _due(before_ms).order_by(cdr_caller.c.ended_ms, cdr_caller.c.call_id).limit(most)
    if after is not None:
        due = due.where(tuple_(cdr_caller.c.ended_ms, cdr_caller.c.call_id) > after)
        due = due.where(cdr_caller.c.ended_ms >= after[0])  # lets PostgreSQL skip earlier months
    keys = [(row.ended_ms, row.call_id) for row in connection.execute(due)]
    if not keys:
        return Purged(0, None)
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        _add_days(connection, by_day(_calls(connection, chunk)))
        connection.execute(delete(cdr_caller).where(_among(chunk)))
    return Purged(len(keys), keys[-1] if len(keys) == most else None)


def _take_turns(connection: Connection) -> None:
    """Purges and new disputes one after the other; SQLite's writers do so anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _among(keys: Sequence[tuple[int, str]]) -> ColumnElement[bool]:
    return and_(
        cdr_caller.c.ended_ms.between(keys[0][0], keys[-1][0]),
        cdr_caller.c.call_id.in_([call_id for _, call_id in keys]),
    )


def _calls(connection: Connection, keys: Sequence[tuple[int, str]]) -> list[CallerData]:
    """What the counts need of these calls."""
    query = (
        select(
            cdr_caller.c.ended_ms,
            cdr_caller.c.call_id,
            cdr.c.did,
            func.coalesce(cdr.c.customer, "").label("customer"),
            func.coalesce(cdr_caller.c.province, "").label("province"),
            func.coalesce(cdr_caller.c.area_code, "").label("area_code"),
            (cdr.c.answered_ms > 0).label("answered"),
            cdr.c.billsec,
            cdr.c.billed_s,
            cdr.c.fee_micros,
            cdr.c.charged_micros,
        )
        .select_from(cdr_caller)
        .join(
            cdr,
            and_(cdr.c.ended_ms == cdr_caller.c.ended_ms, cdr.c.call_id == cdr_caller.c.call_id),
        )
        .where(_among(keys), cdr.c.ended_ms.between(keys[0][0], keys[-1][0]))
    )
    return [CallerData(**row._mapping) for row in connection.execute(query)]


def _add_days(connection: Connection, days: Sequence[CallerDay]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(caller_day)
    statement = statement.on_conflict_do_update(
        index_elements=list(_DAY_KEY),
        set_={name: caller_day.c[name] + statement.excluded[name] for name in _SUMS},
    )
    if days:
        rows = [{**asdict(day), "day": day.day.isoformat()} for day in days]
        connection.execute(statement, rows)


def _open(
    connection: Connection, call_id: str, note: str, actor: str, now_ms: int
) -> tuple[Dispute, bool]:
    _take_turns(connection)
    known = _dispute(connection, call_id)
    if known is not None and known.closed_ms is None:
        return known, False
    ended_ms = connection.execute(
        select(cdr_key.c.ended_ms)
        .join(
            cdr,
            and_(cdr.c.ended_ms == cdr_key.c.ended_ms, cdr.c.token_hash == cdr_key.c.token_hash),
        )
        .where(cdr_key.c.token_hash == call_id.partition("-")[2], cdr.c.call_id == call_id)
    ).scalar_one_or_none()
    if ended_ms is None:
        raise Declined(Reason.CDR_UNKNOWN, f"There is no finished call {call_id[:64]!r}.")
    kept = connection.execute(
        select(cdr_caller.c.call_id).where(
            cdr_caller.c.ended_ms == ended_ms, cdr_caller.c.call_id == call_id
        )
    ).first()
    if kept is None:
        raise Declined(
            Reason.CALLER_DELETED,
            "The caller of this call was deleted when its time was over; its money is still there.",
        )
    dispute = Dispute(call_id, ended_ms, note, actor, now_ms)
    if known is not None:  # contested again
        connection.execute(delete(cdr_dispute).where(cdr_dispute.c.call_id == call_id))
    connection.execute(cdr_dispute.insert().values(**asdict(dispute)))
    return dispute, True


def _close(connection: Connection, call_id: str, now_ms: int) -> Dispute:
    connection.execute(
        update(cdr_dispute)
        .where(cdr_dispute.c.call_id == call_id, cdr_dispute.c.closed_ms.is_(None))
        .values(closed_ms=now_ms)
    )
    dispute = _dispute(connection, call_id)
    if dispute is None:
        raise Declined(Reason.DISPUTE_UNKNOWN, f"Call {call_id[:64]!r} is not disputed.")
    return dispute


def _dispute(connection: Connection, call_id: str) -> Dispute | None:
    row = connection.execute(
        select(cdr_dispute).where(cdr_dispute.c.call_id == call_id)
    ).one_or_none()
    return None if row is None else Dispute(**row._mapping)
