"""A process of its own that opens a number; it may kill itself after so many steps.

`python -m tests.adapters.sql.opening_process URL NUMBER OPERATION COUNT KEY_FOLDER DIES_AFTER`
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from callserver import log
from callserver.adapters.sealing import KeyFileSealer
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.numbers import SqlNumbers
from callserver.adapters.sql.openings import SqlOpenings
from callserver.domain.declined import Declined
from callserver.domain.lifecycle import NumberEvent, Periods
from callserver.domain.number_change import Command
from callserver.service.clocks import SystemClock
from callserver.service.features import Features
from callserver.service.numbers import NumberPolicy, Numbers
from callserver.service.openings import Openings
from callserver.service.plans import Plans
from tests.adapters.sql.opening_bed import openings_of

WRITES = (
    (Numbers, "act"),
    (Features, "activate"),
    (Plans, "subscribe"),
    (SqlOpenings, "note"),
)


def die_after(steps: int) -> None:
    """SIGKILL to this process once so many steps of the opening are in the books."""
    left = [steps]

    def dying(method: Any) -> Any:
        async def step(*args: Any, **more: Any) -> Any:
            answer = await method(*args, **more)
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return step

    for kind, name in WRITES:
        setattr(kind, name, dying(getattr(kind, name)))


async def main(url: str, number: str, operation: str, count: int, folder: Path) -> None:
    """Begin together with the others: when a line comes on standard input."""
    log.configure("error", "console")  # standard output is for the outcomes
    database, clock = open_database(url), SystemClock()
    sealer = KeyFileSealer(folder / "form.keys")
    numbers = Numbers(SqlNumbers(database, Periods()), sealer, clock, NumberPolicy((), 0))
    openings: Openings = openings_of(SqlBooks(database, clock), clock, numbers)
    await numbers.number(number)  # connected before the start
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

    async def once(attempt: int) -> str:
        command = Command(NumberEvent.ACTIVATE, number, f"{operation}-{attempt}", "race")
        try:
            opened = await openings.activate(command)
        except Declined as declined:
            return declined.reason.value
        return "complete" if opened.complete else "incomplete"

    for outcome in await asyncio.gather(*(once(attempt) for attempt in range(count))):
        print(outcome)
    await database.close()


if __name__ == "__main__":
    given = sys.argv
    if steps := int(given[6]):
        die_after(steps)
    asyncio.run(main(given[1], given[2], given[3], int(given[4]), Path(given[5])))
