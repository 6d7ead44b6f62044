"""The ledger: append-only; a balance is the sum of an account's entries.

That sum stands in `account.settled_micros`, moved by a trigger in the entry's own transaction, so
that it costs the same after ten million calls as after ten; that of included minutes beside it in
`settled_minutes`. `drift` compares them with the entries.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    case,
    cast,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import text as sql_text
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.schema import AnyRow, AnySelect, account, customer, ledger_entry
from callserver.domain.business import Billing
from callserver.domain.ledger import (
    AccountSum,
    Drift,
    Entry,
    EntryKind,
    NotCovered,
    OperationReused,
)
from callserver.ports import AccountUnknown

_CHUNK = 5_000  # bound variables of one statement: both databases stop near 32 000
_LOCK = 0x6361_6C6C_0003


def post(connection: Connection, entry: Entry) -> Entry:
    """Append a non-call entry, its `id` and `seq` given here. The same operation id: the first.

    Raises AccountUnknown. On PostgreSQL such entries take turns, by a lock: so that their ids rise
    in the order of their commits and whoever follows the ids misses none.
    """
    first = first_entry(connection, entry.operation_id)
    if first is not None:
        return first
    seq = connection.execute(
        update(account)
        .where(account.c.id == entry.account)
        .values(seq=account.c.seq + 1)
        .returning(account.c.seq)
    ).scalar_one_or_none()
    if seq is None:
        raise AccountUnknown(entry.account)
    row = connection.execute(
        insert(ledger_entry).values(_values(entry, seq)).returning(*ledger_entry.c)
    ).one()
    return entry_of(row)


def _values(entry: Entry, seq: int) -> dict[str, object]:
    """The row of an entry that gets this number."""
    return {
        "account": entry.account,
        "kind": entry.kind.value,
        "amount_micros": entry.amount_micros,
        "seq": seq,
        "operation_id": entry.operation_id,
        "call_id": entry.call_id,
        "actor": entry.actor,
        "reason": entry.reason,
        "created_ms": entry.created_ms,
        "minutes": entry.minutes,
        "reverses": entry.reverses,
        "forced": int(entry.forced),
    }


def take_turn(connection: Connection) -> None:
    """Wait until no other transaction posts such entries, and keep others out until we commit."""
    if connection.dialect.name == "postgresql":
        connection.execute(sql_text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def first_entry(connection: Connection, operation_id: str) -> Entry | None:
    """The entry that this operation made before, once it is our turn: until the end of the
    transaction nobody else posts (calls go on)."""
    take_turn(connection)
    row = connection.execute(
        _entries().where(ledger_entry.c.operation_id == operation_id)
    ).one_or_none()
    return None if row is None else entry_of(row)


def post_many(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Append non-call entries as `post` would one after the other, in a few statements.

    The entries as the ledger has them, in the order given; an operation that was posted before, or
    twice in `entries`, is its first entry. Raises AccountUnknown, and nothing is written.
    """
    take_turn(connection)
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.operation_id, entry)
    known = _by_operation(connection, list(first))
    new = [entry for operation_id, entry in first.items() if operation_id not in known]
    if new:
        seqs = _take_seqs(connection, [entry.account for entry in new])
        rows = [_values(entry, seqs[entry.account].pop()) for entry in new]
        connection.execute(insert(ledger_entry), rows)
        known |= _by_operation(connection, [entry.operation_id for entry in new])
    return [known[entry.operation_id] for entry in entries]


def _by_operation(connection: Connection, operations: Sequence[str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for start in range(0, len(operations), _CHUNK):
        chunk = operations[start : start + _CHUNK]
        rows = connection.execute(_entries().where(ledger_entry.c.operation_id.in_(chunk)))
        found |= {row.operation_id: entry_of(row) for row in rows}
    return found


def _take_seqs(connection: Connection, accounts: Sequence[str]) -> dict[str, list[int]]:
    """The next numbers of each account, as many as it is named, the lowest last.

    Rows are locked in order of the ids, as the sums' trigger does. Raises AccountUnknown.
    """
    wanted = Counter(accounts)
    names = sorted(wanted)
    before: dict[str, int] = {}
    for start in range(0, len(names), _CHUNK):
        query = select(account.c.id, account.c.seq).where(
            account.c.id.in_(names[start : start + _CHUNK])
        )
        for name, seq in connection.execute(
            query.order_by(account.c.id).with_for_update(key_share=True)
        ):
            before[name] = seq
    if missing := [name for name in names if name not in before]:
        raise AccountUnknown(missing[0])
    moved = update(account).where(account.c.id == bindparam("name"))
    rows = [{"name": name, "last": before[name] + wanted[name]} for name in names]
    connection.execute(moved.values(seq=bindparam("last")), rows)
    return {name: list(range(before[name] + wanted[name], before[name], -1)) for name in names}


def post_covered(connection: Connection, entry: Entry, floor_micros: int = 0) -> Entry:
    """Append a debit (amount < 0) if the account's settled money covers it down to −floor_micros.

    The same operation id: the first entry, whatever the balance is now. Raises NotCovered,
    AccountUnknown, and OperationReused where the first entry says something else. For accounts
    that no live call holds money of (providers'); a customer's holds are in Redis.
    """
    first = first_entry(connection, entry.operation_id)
    if first is not None:
        told = (first.account, first.kind, first.amount_micros)
        if told != (entry.account, entry.kind, entry.amount_micros):
            raise OperationReused(entry.operation_id)
        return first
    settled = connection.execute(
        select(account.c.settled_micros).where(account.c.id == entry.account)
    ).scalar_one_or_none()
    if settled is None:
        raise AccountUnknown(entry.account)
    if settled + entry.amount_micros < -floor_micros:
        raise NotCovered(entry.account, settled + floor_micros)
    return post(connection, entry)


def add_accounts(connection: Connection, accounts: Iterable[str]) -> None:
    """Open accounts that are not there yet."""
    rows = [{"id": name, "seq": 0, "settled_micros": 0} for name in sorted(set(accounts))]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    if rows:
        connection.execute(dialect.insert(account).on_conflict_do_nothing(), rows)


def account_sums(connection: Connection, wanted: Sequence[str] | None) -> dict[str, AccountSum]:
    """Sums, floors and sequence numbers; accounts that do not exist are left out."""
    if wanted is None:
        return _sums(connection, _sum_query())
    found: dict[str, AccountSum] = {}
    rest = iter(wanted)
    while chunk := list(islice(rest, _CHUNK)):
        found |= _sums(connection, _sum_query().where(account.c.id.in_(chunk)))
    return found


def entries_after(connection: Connection, name: str, seq: int) -> list[Entry]:
    """The account's numbered entries above `seq`, in order."""
    query = (
        _entries()
        .where(ledger_entry.c.account == name, ledger_entry.c.seq > seq)
        .order_by(ledger_entry.c.seq)
    )
    return [entry_of(row) for row in connection.execute(query)]


def changed_accounts(connection: Connection, after_id: int) -> tuple[int, dict[str, int]]:
    """Accounts with numbered entries above this id, each with the highest number among them; and
    the highest id there is.
    """
    query = (
        select(ledger_entry.c.id, ledger_entry.c.account, ledger_entry.c.seq)
        .where(ledger_entry.c.id > after_id, ledger_entry.c.seq.is_not(None))
        .order_by(ledger_entry.c.id)
    )
    rows = connection.execute(query).all()
    # An account's numbers rise with the ids.
    return (rows[-1].id if rows else after_id), {row.account: row.seq for row in rows}


def _entries() -> AnySelect:
    return select(*ledger_entry.c)


def entry_of(row: AnyRow) -> Entry:
    """A row of ledger_entry."""
    return Entry(**{**row._mapping, "kind": EntryKind(row.kind), "forced": bool(row.forced)})


def drift(connection: Connection) -> dict[str, Drift]:
    """Accounts whose kept sums are not those of their entries. Should be empty."""
    entry = ledger_entry.c
    summed = (
        select(
            entry.account,
            func.sum(entry.amount_micros).label("micros"),
            func.sum(entry.minutes).label("minutes"),
        )
        .group_by(entry.account)
        .subquery()
    )
    micros = cast(func.coalesce(summed.c.micros, 0), BigInteger)
    minutes = cast(func.coalesce(summed.c.minutes, 0), BigInteger)
    kept = account.c
    query = (
        select(kept.id, kept.settled_micros, micros, kept.settled_minutes, minutes)
        .select_from(account.outerjoin(summed, summed.c.account == kept.id))
        .where(or_(kept.settled_micros != micros, kept.settled_minutes != minutes))
        .order_by(kept.id)
    )
    return {row[0]: Drift(*row[1:]) for row in map(tuple, connection.execute(query))}


def _sum_query() -> AnySelect:
    postpaid = customer.c.billing == Billing.POSTPAID.value
    floor = case((postpaid, customer.c.credit_limit_micros), else_=0)
    kept = account.c
    return select(
        kept.id, kept.settled_micros, floor.label("floor_micros"), kept.seq, kept.settled_minutes
    ).select_from(account.outerjoin(customer, customer.c.id == account.c.id))


def _sums(connection: Connection, query: AnySelect) -> dict[str, AccountSum]:
    return {row[0]: AccountSum(*row) for row in map(tuple, connection.execute(query))}
