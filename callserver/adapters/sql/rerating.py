"""Reading finished calls with what they cost now, and posting corrections of them."""

from collections.abc import Sequence
from dataclasses import fields

import orjson
from sqlalchemy import Connection, and_, func, insert, select, tuple_

from callserver.adapters.sql.cdr_rows import read_cdr
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.ledger import account_sums, add_accounts, post_many, take_turn
from callserver.adapters.sql.month_closing import half_closed
from callserver.adapters.sql.schema import (
    AnyRow,
    AnySelect,
    account,
    cdr,
    cdr_caller,
    ledger_entry,
)
from callserver.adapters.sql.schema_ledger import cdr_correction
from callserver.domain.ledger import AccountSum, Entry, EntryKind
from callserver.domain.ledger_moves import BelowLimit, goes_below
from callserver.domain.rerating import Correction, FinishedCall, PostedCorrection, RerateOutcome
from callserver.ports import Clock
from callserver.ports.rerating import Posting, RerateQuery

_CHUNK = 5_000
_SHARED = tuple(each.name for each in fields(Correction) if each.name in cdr_correction.c)


class SqlRerating:
    """The RerateBook port."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def count_calls(self, query: RerateQuery) -> int:
        """How many calls there are to look at."""
        wanted = _within(select(func.count()).select_from(cdr), query)
        return await self._database.read(
            lambda connection: int(connection.execute(wanted).scalar_one())
        )

    async def calls(
        self, query: RerateQuery, after: FinishedCall | None, most: int
    ) -> list[FinishedCall]:
        """The next calls in order of their ends."""
        return await self._database.read(lambda connection: _calls(connection, query, after, most))

    async def corrected(self, operations: Sequence[str]) -> set[str]:
        """Which of these corrections were posted before."""
        return await self._database.read(lambda connection: _corrected(connection, operations))

    async def post(
        self, corrections: Sequence[Correction], posting: Posting
    ) -> dict[str, RerateOutcome]:
        """Post these in one transaction."""
        now_ms = self._clock.now_us() // 1000
        return await self._database.write(
            lambda connection: _post(connection, corrections, posting, now_ms)
        )

    async def corrections(self, call_ids: Sequence[str]) -> list[PostedCorrection]:
        """All corrections of these calls, the oldest first."""
        return await self._database.read(lambda connection: _of_calls(connection, call_ids))


def _within(wanted: AnySelect, query: RerateQuery) -> AnySelect:
    wanted = wanted.where(cdr.c.ended_ms >= query.from_ms, cdr.c.ended_ms < query.to_ms)
    if query.customer is not None:
        wanted = wanted.where(cdr.c.customer == query.customer)
    if query.did is not None:
        wanted = wanted.where(cdr.c.did == query.did)
    return wanted


def _calls(
    connection: Connection, query: RerateQuery, after: FinishedCall | None, most: int
) -> list[FinishedCall]:
    caller = (column.label(f"caller_{column.name}") for column in list(cdr_caller.c)[2:])
    of_call = and_(cdr_caller.c.ended_ms == cdr.c.ended_ms, cdr_caller.c.call_id == cdr.c.call_id)
    wanted = _within(select(*cdr.c, *caller).select_from(cdr.outerjoin(cdr_caller, of_call)), query)
    if after is not None:
        place = (after.ended_ms, after.token_hash)
        wanted = wanted.where(tuple_(cdr.c.ended_ms, cdr.c.token_hash) > place)
        wanted = wanted.where(cdr.c.ended_ms >= after.ended_ms)  # lets PostgreSQL skip months
    wanted = wanted.order_by(cdr.c.ended_ms, cdr.c.token_hash).limit(most)
    rows = connection.execute(wanted).all()
    current = {
        posted.correction.call_id: posted.correction
        for posted in _of_calls(connection, [row.call_id for row in rows])
    }
    return [_finished(row, current.get(row.call_id)) for row in rows]


def _finished(row: AnyRow, corrected: Correction | None) -> FinishedCall:
    found = read_cdr(row)
    return FinishedCall(
        call_id=found.call_id,
        token_hash=found.token_hash,
        customer=found.customer,
        account=found.account,
        did=found.did,
        caller=found.caller,
        caller_known=row.caller_kind is not None,
        destination=found.destination,
        arrived_ms=found.arrived_ms,
        answered_ms=found.answered_ms,
        ended_ms=found.ended_ms,
        billsec=found.billsec,
        tariff=corrected.tariff if corrected else found.tariff,
        tariff_version=corrected.tariff_version if corrected else found.tariff_version,
        written_off_micros=found.written_off_micros,
        charged_micros=corrected.after_micros if corrected else found.charged_micros,
        minutes=corrected.after_minutes if corrected else found.included_minutes,
    )


def _of_calls(connection: Connection, call_ids: Sequence[str]) -> list[PostedCorrection]:
    found: list[PostedCorrection] = []
    for start in range(0, len(call_ids), _CHUNK):
        chunk = call_ids[start : start + _CHUNK]
        wanted = select(*cdr_correction.c).where(cdr_correction.c.call_id.in_(chunk))
        rows = connection.execute(wanted.order_by(cdr_correction.c.id))
        found += map(_posted, rows)
    return found


def _posted(row: AnyRow) -> PostedCorrection:
    shared = {name: getattr(row, name) for name in _SHARED}
    shared["fee_lines"] = tuple(orjson.loads(row.fee_lines))
    token_hash = row.call_id.partition("-")[2]
    correction = Correction(token_hash=token_hash, **shared)
    return PostedCorrection(row.id, correction, row.actor, row.reason, row.created_ms)


def _corrected(connection: Connection, operations: Sequence[str]) -> set[str]:
    found: set[str] = set()
    column = cdr_correction.c.operation_id
    for start in range(0, len(operations), _CHUNK):
        wanted = select(column).where(column.in_(operations[start : start + _CHUNK]))
        found.update(connection.execute(wanted).scalars())
    return found


def _post(
    connection: Connection, corrections: Sequence[Correction], posting: Posting, now_ms: int
) -> dict[str, RerateOutcome]:
    """Decide on each with the accounts locked, then write all that are to be."""
    take_turn(connection)
    closing = half_closed(connection)
    done = _corrected(connection, [each.operation_id for each in corrections])
    now = {
        posted.correction.call_id: posted.correction
        for posted in _of_calls(connection, [each.call_id for each in corrections])
    }
    totals = _locked_sums(connection, {each.account for each in corrections})
    outcomes: dict[str, RerateOutcome] = {}
    chosen: list[tuple[Correction, bool]] = []
    for each in corrections:
        if each.operation_id in done:
            outcomes[each.call_id] = RerateOutcome.CORRECTED_BEFORE
        elif any(month.from_ms <= each.ended_ms < month.to_ms for month in closing):
            outcomes[each.call_id] = RerateOutcome.MONTH_CLOSING
        elif _is_of_now(each, now.get(each.call_id)):
            try:
                forced = _moves(totals, each, force=posting.force)
            except BelowLimit:
                outcomes[each.call_id] = RerateOutcome.BELOW_LIMIT
                continue
            chosen.append((each, forced))
            outcomes[each.call_id] = RerateOutcome.CHANGED
    if chosen:
        _write(connection, chosen, now, posting, now_ms)
    return outcomes


def _is_of_now(wanted: Correction, latest: Correction | None) -> bool:
    """Whether the call still costs what the correction was worked out from."""
    if latest is None:
        return True  # the CDR itself never changes
    return (latest.after_micros, latest.after_minutes) == (
        wanted.before_micros,
        wanted.before_minutes,
    )


def _moves(totals: dict[str, AccountSum], each: Correction, *, force: bool) -> bool:
    """Keep the account's sum up with what is to be posted; whether that is below its limit."""
    total = totals[each.account]
    micros, minutes = each.difference_micros, each.difference_minutes
    below = goes_below(total, micros, minutes, force=force)
    totals[each.account] = AccountSum(
        total.account,
        total.settled_micros + micros,
        total.floor_micros,
        total.seq,
        total.minutes + minutes,
    )
    return below


def _locked_sums(connection: Connection, names: set[str]) -> dict[str, AccountSum]:
    """Sums that no call changes until the transaction ends; locked in order of the ids."""
    wanted = sorted(names)
    add_accounts(connection, wanted)  # a call that cost nothing has opened none
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        rows = select(account.c.id).where(account.c.id.in_(chunk)).order_by(account.c.id)
        connection.execute(rows.with_for_update())
    return account_sums(connection, wanted)


def _write(
    connection: Connection,
    chosen: Sequence[tuple[Correction, bool]],
    latest: dict[str, Correction],
    posting: Posting,
    now_ms: int,
) -> None:
    standing = _standing_entries(connection, [each for each, _ in chosen], latest)
    entries: list[Entry] = []
    for each, forced in chosen:
        reversed_id = standing.get(each.call_id)
        if reversed_id is not None:
            entries.append(_reversal(each, reversed_id, posting, now_ms))
        if each.after_micros or each.after_minutes:
            entries.append(_correction(each, posting, now_ms, forced=forced))
    post_many(connection, entries)
    rows = [_row(each, posting, now_ms) for each, _ in chosen]
    connection.execute(insert(cdr_correction), rows)


def _standing_entries(
    connection: Connection, corrections: Sequence[Correction], latest: dict[str, Correction]
) -> dict[str, int]:
    """The entry that charges each call now, by call_id: the call's own or its last correction's."""
    operations = {
        _own_operation(latest.get(each.call_id), each): each.call_id for each in corrections
    }
    found: dict[str, int] = {}
    names = list(operations)
    for start in range(0, len(names), _CHUNK):
        wanted = select(ledger_entry.c.id, ledger_entry.c.operation_id).where(
            ledger_entry.c.operation_id.in_(names[start : start + _CHUNK])
        )
        for entry_id, operation_id in connection.execute(wanted):
            found[operations[operation_id]] = entry_id
    return found


def _own_operation(latest: Correction | None, each: Correction) -> str:
    if latest is None:
        return f"call:{each.token_hash}"
    return f"{latest.operation_id}:correction"


def _entry(each: Correction, posting: Posting, now_ms: int, **given: object) -> Entry:
    values: dict[str, object] = {
        "id": 0,
        "account": each.account,
        "seq": None,
        "call_id": each.call_id,
        "actor": posting.actor,
        "reason": posting.reason,
        "created_ms": now_ms,
    }
    return Entry(**(values | given))  # type: ignore[arg-type]  # the fields of an entry, by name


def _reversal(each: Correction, reversed_id: int, posting: Posting, now_ms: int) -> Entry:
    return _entry(
        each,
        posting,
        now_ms,
        kind=EntryKind.REVERSAL,
        amount_micros=each.before_micros,
        minutes=each.before_minutes,
        operation_id=f"{each.operation_id}:reversal",
        reverses=reversed_id,
    )


def _correction(each: Correction, posting: Posting, now_ms: int, *, forced: bool) -> Entry:
    return _entry(
        each,
        posting,
        now_ms,
        kind=EntryKind.ADJUSTMENT,
        amount_micros=-each.after_micros,
        minutes=-each.after_minutes,
        operation_id=f"{each.operation_id}:correction",
        forced=forced,
    )


def _row(each: Correction, posting: Posting, now_ms: int) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(each, name) for name in _SHARED}
    return row | {
        "fee_lines": orjson.dumps(each.fee_lines).decode(),
        "operation_id": each.operation_id,
        "actor": posting.actor,
        "reason": posting.reason,
        "created_ms": now_ms,
    }
