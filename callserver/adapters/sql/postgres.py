"""PostgreSQL through asyncpg: a pool, and CDRs partitioned by Shanghai month."""

from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import TypeVar

import asyncpg
import structlog
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from callserver.adapters.sql.partitions import create_month, month_of, partition_name
from callserver.domain.billing_month import BillingMonth
from callserver.ports import OutcomeUnknown, StoreUnavailable

T = TypeVar("T")

CONNECTIONS = 8
CONNECT_TIMEOUT_S = 5
COMMAND_TIMEOUT_S = 30
# Classes of SQLSTATE after which the same work may succeed later: connection, out of resources,
# operator intervention (shutdown), and of the transaction class deadlock and serialization.
_TRANSIENT = ("08", "53", "57", "40")

log = structlog.get_logger()


class _Phase(Enum):
    """How far a unit of work came: a fault while committing leaves its outcome unknown."""

    CONNECTING = auto()
    WORKING = auto()
    COMMITTING = auto()


class PostgresDatabase:
    """Units of work on a pool of asyncpg connections (run_sync: greenlets, no threads)."""

    def __init__(self, url: URL, connections: int = CONNECTIONS) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_use_lifo=True,
            hide_parameters=True,  # error texts must not carry callers' numbers
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "command_timeout": COMMAND_TIMEOUT_S,
                "server_settings": {"application_name": "callserver"},
            },
        )
        self._months: set[BillingMonth] = set()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent snapshot (REPEATABLE READ, READ ONLY)."""
        return await self._run(work, isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction (READ COMMITTED: every write is keyed or locked)."""
        return await self._run(work)

    async def prepare_month(self, ended_ms: int) -> None:
        """Create the month's partition, and the next one long before it is needed.

        Where that is refused (a long report holds the lock, or the default partition has calls of
        the month already) CDRs go to the default partition: they are never held up for want of
        one. Raises StoreUnavailable and OutcomeUnknown like `write`.
        """
        month = month_of(ended_ms)
        if month is None or month in self._months:
            return
        for wanted in (month, month.next()):
            try:
                await self.write(partial(create_month, month=wanted))
            except DBAPIError as error:
                log.warning(
                    "sql.partition_refused", partition=partition_name(wanted), reason=_reason(error)
                )
        self._months.add(month)

    async def reclaim(self, *, rewrite: bool) -> None:
        """Autovacuum's work."""

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def _run(self, work: Callable[[Connection], T], **options: object) -> T:
        phase = _Phase.CONNECTING
        try:
            async with self._engine.connect() as connection:
                phase = _Phase.WORKING
                if options:
                    await connection.execution_options(**options)
                result = await connection.run_sync(work)
                phase = _Phase.COMMITTING
                await connection.commit()
                return result
        except (OSError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _fault(error, phase) from error
        except DBAPIError as error:
            if phase is _Phase.WORKING and not _is_transient(error):
                raise
            raise _fault(error, phase) from error


def _is_transient(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or not state or state.startswith(_TRANSIENT)


def _reason(error: BaseException) -> str:
    """What went wrong without any row's contents: those may hold callers' numbers."""
    origin = getattr(error, "orig", None) or error
    return f"{type(origin).__name__} {getattr(origin, 'sqlstate', None) or ''}".strip()


def _fault(error: BaseException, phase: _Phase) -> StoreUnavailable | OutcomeUnknown:
    text = f"PostgreSQL: {_reason(error)}"
    return OutcomeUnknown(text) if phase is _Phase.COMMITTING else StoreUnavailable(text)
