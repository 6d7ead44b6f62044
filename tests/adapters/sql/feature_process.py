"""A process of its own that activates a feature ten times at once; prints how each ended.

`python -m tests.adapters.sql.feature_process URL NUMBER DID FEATURE COUNT`
"""

import asyncio
import sys

from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.features import SqlFeatures
from callserver.domain.declined import Declined
from callserver.service.clocks import SystemClock


async def main(url: str, process: str, did: str, feature: str, count: int) -> None:
    """Begin together with the others: when a line comes on standard input."""
    database = open_database(url)
    features = SqlFeatures(database, SystemClock())
    await features.versions()  # connected before the start
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

    async def once(number: int) -> str:
        try:
            found = await features.activate(did, feature, f"{process}-{number}", "race")
        except Declined as declined:
            return declined.reason.value
        return f"activated {found.id}"

    for outcome in await asyncio.gather(*(once(number) for number in range(count))):
        print(outcome)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])))
