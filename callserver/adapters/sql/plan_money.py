"""What plans do to an account: fee, credit and minutes in, and what is left of them out again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    cast,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql import Subquery

from callserver.adapters.sql.ledger import account_sums, post, post_covered
from callserver.adapters.sql.plan_rows import SYSTEM, write_event
from callserver.adapters.sql.schema import AnyRow, AnySelect, account, ledger_entry
from callserver.adapters.sql.schema_plans import plan_grant, plan_movement
from callserver.domain.billing_month import shanghai_day
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import Entry, EntryKind, NotCovered
from callserver.domain.money import short_yuan
from callserver.domain.plan_leftover import Left, Movement, MovementKind, Used, leftovers
from callserver.domain.plans import PlanEvent, PlanVersion, Subscription, terms_of
from callserver.ports.plans import LiveMoney

_NOTHING = Left(0, 0)
# Calls, their corrections and the shortfall of the minimum use plans up; nothing else does.
_IS_USE = or_(ledger_entry.c.kind == EntryKind.SHORTFALL.value, ledger_entry.c.call_id.is_not(None))


def own_sums(wanted: ColumnElement[bool]) -> Subquery:
    """Per account, all that moved otherwise than by use; less the account's sum, it is the use.

    `wanted` says of which accounts: the ledger's own entries of all of them may be millions.
    """
    return (
        select(
            ledger_entry.c.account.label("account"),
            cast(func.sum(ledger_entry.c.amount_micros), BigInteger).label("micros"),
            cast(func.sum(ledger_entry.c.minutes), BigInteger).label("minutes"),
        )
        .where(ledger_entry.c.seq.is_not(None), ~_IS_USE, wanted)
        .group_by(ledger_entry.c.account)
        .subquery()
    )


@dataclass(frozen=True, slots=True)
class GrantBook:
    """A customer's grants with what is left of them, from one reading."""

    settled_micros: int
    settled_minutes: int
    seq: int
    used: Used
    grants: tuple[AnyRow, ...]
    left: Mapping[int, Left]

    def of(self, grant: int) -> Left:
        """What is left of a grant."""
        return self.left.get(grant, _NOTHING)

    @property
    def open_left(self) -> Left:
        """What is left of all that have not lapsed."""
        still = [self.of(row.id) for row in self.grants if row.closed_ms is None]
        return Left(sum(left.micros for left in still), sum(left.minutes for left in still))


def read_book(connection: Connection, customer: str) -> GrantBook:
    """The grants, oldest first, and the sums they are measured by."""
    settled = connection.execute(_settled(customer)).one()
    grants = connection.execute(
        select(*plan_grant.c).where(plan_grant.c.customer == customer).order_by(plan_grant.c.id)
    ).all()
    moved = connection.execute(
        select(*plan_movement.c)
        .where(plan_movement.c.customer == customer)
        .order_by(plan_movement.c.id)
    )
    used = Used(
        settled.own_micros - settled.settled_micros, settled.own_minutes - settled.settled_minutes
    )
    last_days = {row.id: date.fromisoformat(row.last_day) for row in grants}
    return GrantBook(
        settled_micros=settled.settled_micros,
        settled_minutes=settled.settled_minutes,
        seq=settled.seq,
        used=used,
        grants=tuple(grants),
        left=leftovers(last_days, (_movement(row) for row in moved), used),
    )


def _settled(customer: str) -> AnySelect:
    """One statement, so that a call that is written meanwhile is in all of it or in none."""
    own = own_sums(ledger_entry.c.account == customer)
    return (
        select(
            account.c.settled_micros,
            account.c.settled_minutes,
            account.c.seq,
            func.coalesce(own.c.micros, 0).label("own_micros"),
            func.coalesce(own.c.minutes, 0).label("own_minutes"),
        )
        .select_from(account.outerjoin(own, own.c.account == account.c.id))
        .where(account.c.id == customer)
    )


def _movement(row: AnyRow) -> Movement:
    return Movement(
        row.plan_grant,
        MovementKind(row.kind),
        row.amount_micros,
        row.minutes,
        Used(row.used_micros, row.used_minutes),
        bool(row.final),
    )


def give(
    connection: Connection,
    found: Subscription,
    number: int,
    days: tuple[date, date],
    version: PlanVersion,
    live: LiveMoney | None,
    actor: str,
    now_ms: int,
) -> None:
    """Take the fee of a grant, then give its credit and minutes.

    Raises Declined (not_covered) before anything is written: what is left of plan credit pays
    calls, not fees, and what running calls hold pays them.
    """
    fee, credit, minutes = terms_of(version, found.years)
    told = f"plan {version.plan}, {days[0]} to {days[1]}"
    operation = f"plan:{found.id}:{number}"
    book = read_book(connection, found.customer)
    if fee:
        entry = _entry(found.customer, EntryKind.PLAN_FEE, -fee, 0, operation, told, actor, now_ms)
        _take_fee(connection, entry, book, live, version)
    row = {
        "subscription": found.id,
        "customer": found.customer,
        "number": number,
        "first_day": days[0].isoformat(),
        "last_day": days[1].isoformat(),
        "fee_micros": fee,
        "credit_micros": credit,
        "minutes": minutes,
        "created_ms": now_ms,
        "closed_ms": None,
    }
    grant = connection.execute(insert(plan_grant).values(row).returning(plan_grant.c.id))
    posted = None
    if credit or minutes:
        kind = EntryKind.PLAN_CREDIT
        entry = _entry(found.customer, kind, credit, minutes, operation, told, actor, now_ms)
        posted = post(connection, entry).id
    kind_, id_ = MovementKind.GRANTED, grant.scalar_one()
    move = _Move(id_, found.customer, kind_, credit, minutes, book.used, posted, now_ms)
    _write(connection, move)


def _entry(
    customer: str,
    kind: EntryKind,
    micros: int,
    minutes: int,
    operation: str,
    told: str,
    actor: str,
    now_ms: int,
) -> Entry:
    return Entry(
        id=0,
        account=customer,
        kind=kind,
        amount_micros=micros,
        seq=None,
        operation_id=f"{operation}:{kind.value}",
        call_id=None,
        actor=actor,
        reason=told,
        created_ms=now_ms,
        minutes=minutes,
    )


@dataclass(frozen=True, slots=True)
class _Flight:
    micros: int = 0
    minutes: int = 0


def _take_fee(
    connection: Connection,
    entry: Entry,
    book: GrantBook,
    live: LiveMoney | None,
    version: PlanVersion,
) -> None:
    floor = account_sums(connection, [entry.account])[entry.account].floor_micros
    credit = book.open_left.micros
    held = _in_flight(connection, entry.account, book, live).micros if live else 0
    try:
        post_covered(connection, entry, floor - credit - held)
    except NotCovered as short:
        of_that = f" (without the {short_yuan(credit)} of plan credit left)" if credit else ""
        raise Declined(
            Reason.NOT_COVERED,
            f"Plan {version.plan!r} costs {short_yuan(-entry.amount_micros)} yuan and "
            f"{entry.account} has {short_yuan(short.available_micros)}{of_that}; top it up.",
        ) from short


def _in_flight(connection: Connection, customer: str, book: GrantBook, live: LiveMoney) -> _Flight:
    """What running calls hold, or used while SQL does not have it yet."""
    if live.seq is None:
        return _Flight(live.held_micros, live.held_minutes)
    query = select(
        cast(func.coalesce(func.sum(ledger_entry.c.amount_micros), 0), BigInteger),
        cast(func.coalesce(func.sum(ledger_entry.c.minutes), 0), BigInteger),
    ).where(ledger_entry.c.account == customer, ledger_entry.c.seq > live.seq)
    micros, minutes = connection.execute(query).one()  # entries that Redis has not applied yet
    return _Flight(
        live.held_micros + max(0, book.settled_micros - micros - live.settled_micros),
        live.held_minutes + max(0, book.settled_minutes - minutes - live.minutes),
    )


@dataclass(frozen=True, slots=True)
class _Move:
    grant: int
    customer: str
    kind: MovementKind
    micros: int
    minutes: int
    used: Used
    entry: int | None
    now_ms: int
    final: bool = False


def _write(connection: Connection, move: _Move) -> None:
    connection.execute(
        insert(plan_movement).values(
            plan_grant=move.grant,
            customer=move.customer,
            kind=move.kind.value,
            amount_micros=move.micros,
            minutes=move.minutes,
            used_micros=move.used.micros,
            used_minutes=move.used.minutes,
            final=int(move.final),
            entry=move.entry,
            created_ms=move.now_ms,
        )
    )


def lapse(
    connection: Connection,
    subscriptions: Mapping[int, Subscription],
    customer: str,
    cancelled: frozenset[int],
    live: LiveMoney | None,
    now_ms: int,
) -> bool:
    """Take back what is left of grants that are over; whether anything was done.

    What calls in flight need is left to them. What they leave is taken later: at the latest when
    a whole day has passed. A lapse never takes an account below zero.
    """
    today = shanghai_day(now_ms)
    book = read_book(connection, customer)
    flight = _in_flight(connection, customer, book, live) if live else _Flight()
    held_micros, held_minutes = flight.micros, flight.minutes
    micros_there = max(0, book.settled_micros - (live.held_micros if live else 0))
    minutes_there = max(0, book.settled_minutes - (live.held_minutes if live else 0))
    done = False
    for row in sorted(book.grants, key=lambda row: (row.last_day, row.id)):
        last_day = date.fromisoformat(row.last_day)
        over = last_day < today or row.subscription in cancelled
        if row.closed_ms is not None or not over:
            continue
        final = last_day + timedelta(days=1) < today
        if live is not None and live.seq is None and not final:
            continue  # the server, which knows more, does it within a minute
        final = final or not (held_micros or held_minutes)
        left = book.of(row.id)
        kept = (0, 0) if final else (min(left.micros, held_micros), min(left.minutes, held_minutes))
        held_micros, held_minutes = held_micros - kept[0], held_minutes - kept[1]
        micros = min(left.micros - kept[0], micros_there)
        minutes = min(left.minutes - kept[1], minutes_there)
        micros_there, minutes_there = micros_there - micros, minutes_there - minutes
        if micros or minutes or final:
            _take_back(connection, subscriptions, row, micros, minutes, book, now_ms, final=final)
            done = True
    return done


def _take_back(
    connection: Connection,
    subscriptions: Mapping[int, Subscription],
    row: AnyRow,
    micros: int,
    minutes: int,
    book: GrantBook,
    now_ms: int,
    *,
    final: bool,
) -> None:
    times = connection.execute(
        select(func.count()).where(
            and_(plan_movement.c.plan_grant == row.id, plan_movement.c.kind == MovementKind.LAPSED)
        )
    ).scalar_one()
    operation = f"plan:{row.subscription}:{row.number}:{times + 1}"
    told = f"left of the plan, {row.first_day} to {row.last_day}"
    posted = None
    if micros or minutes:
        kind = EntryKind.PLAN_LAPSE
        entry = _entry(row.customer, kind, -micros, -minutes, operation, told, SYSTEM, now_ms)
        posted = post(connection, entry).id
    kind_ = MovementKind.LAPSED
    _write(
        connection,
        _Move(row.id, row.customer, kind_, micros, minutes, book.used, posted, now_ms, final),
    )
    if final:
        closing = update(plan_grant).where(plan_grant.c.id == row.id)
        connection.execute(closing.values(closed_ms=now_ms))
    found = subscriptions[row.subscription]
    detail = f"{short_yuan(micros)} yuan, {minutes} minutes"
    write_event(connection, found, PlanEvent.LAPSED, SYSTEM, f"{operation}:lapsed", now_ms, detail)
