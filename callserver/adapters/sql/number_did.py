"""What calls go by: `did.state` follows the inventory, in the same transaction."""

from sqlalchemy import Connection, delete, insert, select, update

from callserver.adapters.sql.schema import blacklist, catalogue_version, destination, did
from callserver.domain.business import NumberState
from callserver.domain.lifecycle import NumberEvent, NumberRecord


def raise_version(connection: Connection) -> None:
    """Servers read the business data anew: within a second calls go by it."""
    moved = catalogue_version.c.version + 1
    connection.execute(update(catalogue_version).values(version=moved))


def lock_version(connection: Connection) -> None:
    """Take the row that changes of business data take first, lest two wait for each other."""
    connection.execute(select(catalogue_version.c.version).with_for_update())


def follow(
    connection: Connection, event: NumberEvent, record: NumberRecord, new: NumberRecord
) -> None:
    """Change the DID as its number has changed."""
    if event is NumberEvent.ACTIVATE and new.customer is not None:
        _open(connection, new.number, new.customer)
    elif event in {NumberEvent.SUSPEND, NumberEvent.RESUME}:
        set_state(connection, new.number, new.state)
    elif event is NumberEvent.CLOSE:
        _leave(connection, record.number)
        set_state(connection, new.number, new.state)


def set_state(connection: Connection, number: str, state: NumberState) -> None:
    """The state that calls go by."""
    connection.execute(update(did).where(did.c.number == number).values(state=state.value))


def _open(connection: Connection, number: str, customer: str) -> None:
    """Active for its customer; another one's settings and lines are left behind."""
    known = connection.execute(select(did.c.customer).where(did.c.number == number)).scalar()
    if known is None:
        values = {"number": number, "customer": customer, "state": "active", "calls_max": 0}
        connection.execute(insert(did), values)
        return
    if known != customer:
        _leave(connection, number)
        connection.execute(update(did).where(did.c.number == number).values(customer=customer))
    set_state(connection, number, NumberState.ACTIVE)


def _leave(connection: Connection, number: str) -> None:
    """A number that changes hands leaves its lines and blocks: they are the former customer's."""
    connection.execute(delete(destination).where(destination.c.did == number))
    connection.execute(delete(blacklist).where(blacklist.c.did == number))
    settings = {"calls_max": 0, "tariff": None}
    connection.execute(update(did).where(did.c.number == number).values(settings))
