"""Included minutes put into accounts of the test's books, as a plan does it."""

from collections.abc import Mapping

from callserver.adapters.sql import ledger
from callserver.adapters.sql.database import Database, open_database
from callserver.domain.ledger import Entry, EntryKind


async def grant(
    database: Database, account: str, minutes: int, *, micros: int = 0, operation: str = "plan"
) -> Entry:
    """One entry of minutes, and perhaps of money."""
    entry = Entry(
        id=0,
        account=account,
        kind=EntryKind.PLAN_CREDIT,
        amount_micros=micros,
        seq=None,
        operation_id=f"{operation}:{account}",
        call_id=None,
        actor="test",
        reason="included minutes",
        created_ms=1,
        minutes=minutes,
    )
    return await database.write(lambda connection: ledger.post(connection, entry))


async def grant_all(url: str, minutes: Mapping[str, int]) -> None:
    """Each account its own."""
    database = open_database(url)
    for account, count in minutes.items():
        await grant(database, account, count)
    await database.close()
