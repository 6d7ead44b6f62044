"""Idempotency keys of requests, each claimed once by the table's primary key."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.database import Database
from callserver.adapters.sql.schema_ledger import idempotency_key
from callserver.ports import Clock


class SqlKeys:
    """The KeyBook port in SQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def claim_key(self, bearer: str, key: str, digest: str) -> bool:
        """True if the key is new or stood for the same before."""
        row: dict[str, str | int] = {
            "bearer": bearer,
            "key": key,
            "digest": digest,
            "created_ms": self._clock.now_us() // 1000,
        }
        return await self._database.write(lambda connection: _claim(connection, row))


def _claim(connection: Connection, row: dict[str, str | int]) -> bool:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # Where another process writes the same key just now, this waits for its commit.
    connection.execute(dialect.insert(idempotency_key).values(row).on_conflict_do_nothing())
    kept = connection.execute(
        select(idempotency_key.c.digest).where(
            idempotency_key.c.bearer == row["bearer"], idempotency_key.c.key == row["key"]
        )
    ).scalar_one()
    return bool(kept == row["digest"])
