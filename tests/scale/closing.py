"""Closes a month in a process of its own, undisturbed or killed, and compares what is left."""

import asyncio
import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from callserver.adapters.sql.database import open_database
from tests.scale.filling import MONTH


@dataclass(frozen=True)
class Run:
    """A process that ended: seconds, and its exit status (< 0: a signal)."""

    seconds: float
    status: int


async def run(url: str, *args: object, until: Callable[[], Awaitable[None]] | None = None) -> Run:
    """One command on the database; killed (SIGKILL) when `until` returns before it ended."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callserver", "months", *map(str, args)),
        env=os.environ | {"CALLSERVER_DATABASE__URL": url},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    ended = asyncio.create_task(process.communicate())
    if until is not None:
        killing = asyncio.create_task(until())
        await asyncio.wait((ended, killing), return_when=asyncio.FIRST_COMPLETED)
        killing.cancel()
        if not ended.done():
            process.send_signal(signal.SIGKILL)
    _, said = await ended
    assert process.returncode in {0, -signal.SIGKILL}, said.decode()
    return Run(time.monotonic() - began, process.returncode or 0)


async def close(url: str, batch: int) -> Run:
    """Undisturbed."""
    return await run(url, "close", MONTH, "--batch", batch)


async def close_killed(
    url: str, batch: int, kills: int, steps: int, seed: int, together: int = 1
) -> list[Run]:
    """Kill the close so many times at random, then let it end; every process in order. The last
    are `together` at once.

    `steps` is what an undisturbed close writes: each life gets a random part of it, at most so
    large that the last one has something left to do, and is killed somewhere in the batch after.
    """
    chance = random.Random(seed)
    database = open_database(url)
    runs: list[Run] = []

    async def has_come_far() -> None:
        wanted = await database.read(_progress) + chance.randrange(1 + steps // (2 * kills))
        while await database.read(_progress) < wanted:
            await asyncio.sleep(0.005 if steps < 2_000 else 0.1)
        await asyncio.sleep(chance.uniform(0, 0.05))

    async def at_once() -> None:
        await asyncio.sleep(chance.uniform(0, 1.5))

    for number in range(kills):
        until = at_once if number % 5 == 4 else has_come_far
        runs.append(await run(url, "close", MONTH, "--batch", batch, until=until))
        assert runs[-1].status != 0, "it ended before it was killed"
    await database.close()
    return [*runs, *await asyncio.gather(*(close(url, batch) for _ in range(together)))]


def _progress(connection: Connection) -> int:
    """Rows that a close has written."""
    return sum(
        connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        for table in ("month_close", "month_line", "bill")
    )


async def steps_of(url: str) -> int:
    """What a close has written."""
    database = open_database(url)
    found = await database.read(_progress)
    await database.close()
    return found


_KEPT = {  # what must be equal: all but instants
    "ledger_entry": "id, account, kind, amount_micros, seq, operation_id, call_id, actor, reason,"
    " minutes",
    "account": "id, seq, settled_micros, settled_minutes",
    "month_close": "month, phase, cursor",
    "month_line": "month, customer, did, provider, calls, answered, talk_s, billed_s, fee_micros,"
    " charged_micros, minutes, minimum_micros, standing, shortfall_micros",
    "bill": "month, customer, provider, calls_micros, document",
}


async def left(url: str) -> dict[str, tuple[int, str]]:
    """Rows and digest of everything that a close writes, instants aside."""
    database = open_database(url)

    def read(connection: Connection) -> dict[str, tuple[int, str]]:
        return {table: _digest(connection, table, columns) for table, columns in _KEPT.items()}

    found = await database.read(read)
    await database.close()
    return found


def _digest(connection: Connection, table: str, columns: str) -> tuple[int, str]:
    sum_, count = hashlib.sha256(), 0
    options = {"yield_per": 10_000}
    query = text(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3")
    for row in connection.execution_options(**options).execute(query):
        values: list[Any] = list(row)
        if table == "bill":
            values[-1] = json.loads(values[-1]) | {"as_of_ms": 0}
        sum_.update(json.dumps(values).encode() + b"\n")
        count += 1
    return count, sum_.hexdigest()


async def shortfalls(url: str) -> tuple[int, int, int]:
    """How many shortfalls there are, of how many operations, and their sum."""
    database = open_database(url)
    query = text(
        "SELECT count(*), count(DISTINCT operation_id), coalesce(sum(amount_micros), 0)"
        " FROM ledger_entry WHERE kind = 'shortfall'"
    )
    count, operations, micros = await database.read(
        lambda connection: tuple(connection.execute(query).one())
    )
    await database.close()
    return count, operations, int(micros)
