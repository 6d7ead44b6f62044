"""What calls go by: `did.state` follows the inventory, in the same transaction."""

from sqlalchemy import Connection, delete, insert, select, update

from callserver.adapters.sql.schema import blacklist, catalogue_version, destination, did
from callserver.domain.business import NumberState
from callserver.domain.lifecycle import NumberEvent, NumberRecord

_BEGINS = frozenset({NumberEvent.LOCK, NumberEvent.ACTIVATE})
_MOVES = frozenset(
    {NumberEvent.SUBMIT, NumberEvent.REJECT, NumberEvent.SUSPEND, NumberEvent.RESUME}
)
_ENDS = frozenset({NumberEvent.DROP, NumberEvent.CLOSE})
_IN_HAND = (NumberState.LOCKED.value, NumberState.REVIEW.value)


def lock_version(connection: Connection) -> None:
    """Take the row that every change of business data takes first, lest two wait for each other."""
    connection.execute(select(catalogue_version.c.version).with_for_update())


def raise_version(connection: Connection) -> None:
    """Servers read the business data anew: within a second calls go by it."""
    moved = catalogue_version.c.version + 1
    connection.execute(update(catalogue_version).values(version=moved))


def follow(
    connection: Connection, event: NumberEvent, record: NumberRecord, new: NumberRecord
) -> None:
    """Change the DID as its number has changed; from the lock on it is the customer's."""
    if event in _BEGINS and new.customer is not None:
        _take(connection, new.number, new.customer, new.state)
    elif event in _ENDS:
        _leave(connection, record.number)
        _set_state(connection, new.number, new.state)
    elif event in _MOVES and new.state is not record.state:
        _set_state(connection, new.number, new.state)


def release(connection: Connection, number: str) -> None:
    """A lock has run out: the DID leaves everything behind, as after a drop."""
    mine = did.c.number == number
    known = connection.execute(select(did.c.number).where(mine, did.c.state.in_(_IN_HAND)))
    if known.first() is not None:
        _leave(connection, number)
        _set_state(connection, number, NumberState.FROZEN)


def _set_state(connection: Connection, number: str, state: NumberState) -> None:
    moved = connection.execute(update(did).where(did.c.number == number).values(state=state.value))
    if moved.rowcount:
        raise_version(connection)


def _take(connection: Connection, number: str, customer: str, state: NumberState) -> None:
    """The customer's; another one's settings and lines are left behind."""
    known = connection.execute(select(did.c.customer).where(did.c.number == number)).scalar()
    if known is None:
        values = {"number": number, "customer": customer, "state": state.value, "calls_max": 0}
        connection.execute(insert(did), values)
        raise_version(connection)
        return
    if known != customer:
        _leave(connection, number)
        connection.execute(update(did).where(did.c.number == number).values(customer=customer))
    _set_state(connection, number, state)


def _leave(connection: Connection, number: str) -> None:
    """A number that changes hands leaves its lines and blocks: they are the former customer's."""
    connection.execute(delete(destination).where(destination.c.did == number))
    connection.execute(delete(blacklist).where(blacklist.c.did == number))
    settings = {"calls_max": 0, "tariff": None}
    connection.execute(update(did).where(did.c.number == number).values(settings))
