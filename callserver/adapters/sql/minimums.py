"""[R1] Monthly minimums: versions that only ever follow one another."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, func, insert, select, text

from callserver.adapters.sql.database import Database
from callserver.adapters.sql.number_rates import KnownNumber, known_numbers
from callserver.adapters.sql.schema import AnyRow
from callserver.adapters.sql.schema_months import minimum_version
from callserver.adapters.sql.schema_numbers import number_event
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import OperationReused
from callserver.domain.minimum import (
    MinimumChange,
    MinimumVersion,
    MinimumWish,
    Terms,
    followed,
    raised,
)
from callserver.ports import Clock

_CHUNK = 5_000
_LOCK = 0x6361_6C6C_0006
_IN_SERVICE = (NumberState.ACTIVE.value, NumberState.SUSPENDED.value)


def put_minimums(
    connection: Connection, wishes: Sequence[MinimumWish], actor: str, now_ms: int
) -> list[MinimumVersion]:
    """Grant all wishes, in order; the version that holds then, for each. Raises Declined.

    An operation that was granted before is its version; what changes nothing writes nothing.
    """
    _take_turn(connection)
    dids = sorted({wish.did for wish in wishes})
    known = known_numbers(connection, dids, now_ms)
    in_use = ever_active(connection, dids, known)
    last = latest(connection, dids)
    done = _by_operation(connection, [wish.operation_id for wish in wishes])
    granted: list[MinimumVersion] = []
    new: list[MinimumVersion] = []
    for wish in wishes:
        version = done.get(wish.operation_id)
        if version is not None:
            _same(version, wish)
        else:
            version = _granted(wish, known, last.get(wish.did), wish.did in in_use, actor, now_ms)
            if version.operation_id == wish.operation_id:
                new.append(version)
                last[wish.did] = done[wish.operation_id] = version
        granted.append(version)
    _insert(connection, new)
    return granted


def _granted(
    wish: MinimumWish,
    known: dict[str, KnownNumber],
    before: MinimumVersion | None,
    in_use: bool,
    actor: str,
    now_ms: int,
) -> MinimumVersion:
    number = known.get(wish.did)
    if number is None:
        raise Declined(Reason.NUMBER_UNKNOWN, f"There is no number {wish.did}.")
    try:
        terms = raised(
            before.terms if before else None,
            wish.amount_micros,
            number.rate_micros,
            in_use=in_use,
            confirmed=wish.confirmed,
            at_rate_micros=wish.at_rate_micros,
        )
    except Declined as declined:
        raise Declined(declined.reason, f"{wish.did}: {declined.detail}") from None
    next_one = MinimumVersion(
        did=wish.did,
        seq=before.seq + 1 if before else 1,
        from_month=BillingMonth.of(now_ms).next(),
        terms=terms or Terms(0, number.rate_micros, 0, number.rate_micros),
        change=MinimumChange.RAISE,
        in_use=in_use,
        operation_id=wish.operation_id,
        actor=actor,
        reason=wish.reason,
        created_ms=now_ms,
    )
    if terms is None:  # it is that already
        return before or replace(next_one, seq=0, operation_id="")
    if before is not None and terms.amount_micros < before.terms.amount_micros:
        return replace(next_one, change=MinimumChange.FOLLOW)
    return next_one


def _same(version: MinimumVersion, wish: MinimumWish) -> None:
    at_rate = wish.at_rate_micros or version.terms.rate_micros
    asked = Terms(0, version.terms.rate_micros, wish.amount_micros, at_rate)
    if (version.did, version.terms.amount_micros) != (wish.did, asked.at(asked.rate_micros)):
        raise OperationReused(wish.operation_id)


def follow_rates(
    connection: Connection, dids: Sequence[str], actor: str, now_ms: int
) -> list[MinimumVersion]:
    """New versions for those of the numbers, not yet in use, whose rates went down."""
    new = _following(connection, dids, actor, now_ms)
    if new:  # what was read before our turn may have changed
        _take_turn(connection)
        new = _following(connection, [version.did for version in new], actor, now_ms)
        _insert(connection, new)
    return new


def _following(
    connection: Connection, dids: Sequence[str], actor: str, now_ms: int
) -> list[MinimumVersion]:
    known = known_numbers(connection, dids, now_ms)
    in_use = ever_active(connection, dids, known)
    new: list[MinimumVersion] = []
    for did, before in latest(connection, dids).items():
        if did in in_use or did not in known or known[did].rate_micros == 0:
            continue
        terms = followed(before.terms, known[did].rate_micros, in_use=False)
        if terms is not None:
            new.append(
                MinimumVersion(
                    did=did,
                    seq=before.seq + 1,
                    from_month=BillingMonth.of(now_ms).next(),
                    terms=terms,
                    change=MinimumChange.FOLLOW,
                    in_use=False,
                    operation_id=f"minimum:{did}:{before.seq + 1}:follow",
                    actor=actor,
                    reason="the rate went down",
                    created_ms=now_ms,
                )
            )
    return new


def ever_active(
    connection: Connection, dids: Sequence[str], known: dict[str, KnownNumber]
) -> set[str]:
    """Those in use: they are active, or have been."""
    found = {did for did, number in known.items() if number.state.value in _IN_SERVICE}
    for start in range(0, len(dids), _CHUNK):
        query = select(number_event.c.number).where(
            number_event.c.number.in_(dids[start : start + _CHUNK]),
            number_event.c.to_state.in_(_IN_SERVICE),
        )
        found.update(connection.execute(query.distinct()).scalars())
    return found


def latest(
    connection: Connection, dids: Sequence[str], month: BillingMonth | None = None
) -> dict[str, MinimumVersion]:
    """The last version of each number, or the one in force in a month; in order of the numbers."""
    found: dict[str, MinimumVersion] = {}
    for start in range(0, len(dids), _CHUNK):
        chunk = minimum_version.c.did.in_(dids[start : start + _CHUNK])
        query = select(minimum_version).where(chunk)
        if month is not None:
            query = query.where(minimum_version.c.from_month <= str(month))
        order = query.order_by(minimum_version.c.did, minimum_version.c.seq)
        found |= {row.did: _version(row) for row in connection.execute(order)}
    return found


def _take_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _by_operation(connection: Connection, operations: Sequence[str]) -> dict[str, MinimumVersion]:
    found: dict[str, MinimumVersion] = {}
    for start in range(0, len(operations), _CHUNK):
        chunk = minimum_version.c.operation_id.in_(operations[start : start + _CHUNK])
        rows = connection.execute(select(minimum_version).where(chunk))
        found |= {row.operation_id: _version(row) for row in rows}
    return found


def _insert(connection: Connection, versions: Iterable[MinimumVersion]) -> None:
    rows = [
        {
            "did": version.did,
            "seq": version.seq,
            "from_month": str(version.from_month),
            "amount_micros": version.terms.amount_micros,
            "rate_micros": version.terms.rate_micros,
            "based_micros": version.terms.based_micros,
            "based_rate_micros": version.terms.based_rate_micros,
            "change": version.change.value,
            "in_use": int(version.in_use),
            "operation_id": version.operation_id,
            "actor": version.actor,
            "reason": version.reason,
            "created_ms": version.created_ms,
        }
        for version in versions
    ]
    if rows:
        connection.execute(insert(minimum_version), rows)


def _version(row: AnyRow) -> MinimumVersion:
    return MinimumVersion(
        did=row.did,
        seq=row.seq,
        from_month=BillingMonth.parse(row.from_month),
        terms=Terms(row.amount_micros, row.rate_micros, row.based_micros, row.based_rate_micros),
        change=MinimumChange(row.change),
        in_use=bool(row.in_use),
        operation_id=row.operation_id,
        actor=row.actor,
        reason=row.reason,
        created_ms=row.created_ms,
    )


def _page(connection: Connection, after: str, limit: int) -> list[str]:
    """Numbers that have a minimum, in order."""
    did = minimum_version.c.did
    query = select(did).where(did > after).group_by(did).order_by(did).limit(limit)
    return list(connection.execute(query).scalars())


class SqlMinimums:
    """MinimumBook over the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put(self, wishes: Sequence[MinimumWish], actor: str) -> list[MinimumVersion]:
        """Grant all of these or none."""
        now_ms = self._clock.now_us() // 1000
        return await self._database.write(
            lambda connection: put_minimums(connection, wishes, actor, now_ms)
        )

    async def follow(self, after: str, limit: int, actor: str) -> tuple[int, str | None]:
        """Let the next `limit` minimums follow their rates."""
        now_ms = self._clock.now_us() // 1000
        dids = await self._database.read(lambda connection: _page(connection, after, limit))
        if not dids:
            return 0, None
        new = await self._database.read(
            lambda connection: _following(connection, dids, actor, now_ms)
        )
        if new:
            new = await self._database.write(
                lambda connection: follow_rates(connection, dids, actor, now_ms)
            )
        return len(new), dids[-1]

    async def history(self, did: str) -> list[MinimumVersion]:
        """All versions, the oldest first."""
        query = select(minimum_version).where(minimum_version.c.did == did)
        rows = await self._database.read(
            lambda connection: connection.execute(query.order_by(minimum_version.c.seq)).all()
        )
        return [_version(row) for row in rows]

    async def current(self, after: str, limit: int) -> list[MinimumVersion]:
        """The last version of each number beyond `after`."""

        def read(connection: Connection) -> list[MinimumVersion]:
            found = latest(connection, _page(connection, after, limit))
            return list(found.values())

        return await self._database.read(read)

    async def count(self) -> int:
        """How many numbers have a minimum."""
        query = select(func.count(minimum_version.c.did.distinct()))
        return await self._database.read(lambda connection: connection.execute(query).scalar_one())

    async def rates(self, dids: Sequence[str]) -> dict[str, int]:
        """The numbers' rates now."""
        now_ms = self._clock.now_us() // 1000
        known = await self._database.read(
            lambda connection: known_numbers(connection, dids, now_ms)
        )
        return {did: number.rate_micros for did, number in known.items()}

    async def owner(self, did: str) -> str | None:
        """The customer whose number it is now."""
        now_ms = self._clock.now_us() // 1000
        known = await self._database.read(
            lambda connection: known_numbers(connection, [did], now_ms)
        )
        return known[did].customer if did in known else None
