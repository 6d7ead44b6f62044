"""NumberBook in SQL: every method is one transaction."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError

from callserver.adapters.sql import number_reading, number_upkeep, number_writing
from callserver.adapters.sql.database import Database
from callserver.domain.lifecycle import NumberRecord, Periods
from callserver.domain.number_application import Application
from callserver.domain.number_change import (
    ApplicationQuery,
    Command,
    NewNumber,
    NumberChange,
    NumberQuery,
)


class SqlNumbers:
    """The inventory on SQLite or PostgreSQL. Raises StoreUnavailable and OutcomeUnknown."""

    def __init__(self, database: Database, periods: Periods) -> None:
        self._database = database
        self._periods = periods

    async def carry_out(self, command: Command, now_ms: int) -> NumberChange:
        """Carry out a command once; its operation id again gives the first outcome."""
        try:
            return await self._carry_out(command, now_ms)
        except IntegrityError:
            # The same operation id came for two numbers at once; the other was first.
            return await self._carry_out(command, now_ms)

    async def _carry_out(self, command: Command, now_ms: int) -> NumberChange:
        return await self._database.write(
            lambda connection: number_writing.carry_out(connection, command, now_ms, self._periods)
        )

    async def add(self, numbers: Sequence[NewNumber], now_ms: int) -> int:
        """Put numbers in; known ones take class and price. How many were new."""
        return await self._database.write(
            lambda connection: number_upkeep.add(connection, numbers, now_ms)
        )

    async def record(self, number: str, now_ms: int) -> NumberRecord | None:
        """The number as it stands."""
        return await self._database.read(
            lambda connection: number_reading.record(connection, number, now_ms, self._periods)
        )

    async def search(self, query: NumberQuery, now_ms: int) -> list[NumberRecord]:
        """Numbers in order, as they stand."""
        return await self._database.read(
            lambda connection: number_reading.search(connection, query, now_ms, self._periods)
        )

    async def history(self, number: str) -> list[NumberChange]:
        """What has happened to a number, the oldest first."""
        return await self._database.read(
            lambda connection: number_reading.history(connection, number)
        )

    async def application(self, application: int, now_ms: int) -> Application | None:
        """One application with its material."""
        return await self._database.read(
            lambda connection: number_reading.application(
                connection, application, now_ms, self._periods
            )
        )

    async def applications(self, query: ApplicationQuery, now_ms: int) -> list[Application]:
        """Applications, the newest first."""
        return await self._database.read(
            lambda connection: number_reading.find_applications(
                connection, query, now_ms, self._periods
            )
        )

    async def sealed_form(self, application: int) -> str | None:
        """The sealed intent form; None once it is deleted."""
        return await self._database.read(
            lambda connection: number_reading.sealed_form(connection, application)
        )

    async def write_due(self, now_ms: int, most: int) -> int:
        """Write down what the clock has done; how many numbers."""
        return await self._database.write(
            lambda connection: number_upkeep.write_due(connection, now_ms, self._periods, most)
        )

    async def purge(self, before_ms: int, most: int) -> int:
        """Delete personal data that is no longer needed; how many items."""
        return await self._database.write(
            lambda connection: number_upkeep.purge(connection, before_ms, most)
        )

    async def violations(self) -> dict[str, int]:
        """Numbers suspended for a violation, with the line of history that did it."""
        return await self._database.read(number_reading.violations)
