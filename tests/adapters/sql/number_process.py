"""A process of its own that reserves a number ten times at once; prints how each ended.

`python -m tests.adapters.sql.number_process URL PROVIDER NUMBER COUNT KEY_FOLDER`
"""

import asyncio
import sys
from pathlib import Path

from callserver import log
from callserver.adapters.sealing import KeyFileSealer
from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.numbers import SqlNumbers
from callserver.domain.declined import Declined
from callserver.domain.lifecycle import NumberEvent, Periods
from callserver.domain.number_change import Command
from callserver.service.clocks import SystemClock
from callserver.service.numbers import NumberPolicy, Numbers
from tests.adapters.sql.number_bed import FORM


async def main(url: str, provider: str, number: str, count: int, folder: Path) -> None:
    """Begin together with the others: when a line comes on standard input."""
    log.configure("error", "console")  # standard output is for the outcomes
    database = open_database(url)
    sealer = KeyFileSealer(folder / "form.keys")
    numbers = Numbers(SqlNumbers(database, Periods()), sealer, SystemClock(), NumberPolicy((), 0))
    await numbers.number(number)  # connected before the start
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

    async def once(attempt: int) -> str:
        operation = f"{provider}-{attempt}"
        command = Command(NumberEvent.RESERVE, number, operation, "race", provider=provider)
        try:
            change = await numbers.reserve(command, FORM)
        except Declined as declined:
            return declined.reason.value
        return f"reserved {change.provider}"

    for outcome in await asyncio.gather(*(once(attempt) for attempt in range(count))):
        print(outcome)
    await database.close()


if __name__ == "__main__":
    given = sys.argv
    asyncio.run(main(given[1], given[2], given[3], int(given[4]), Path(given[5])))
