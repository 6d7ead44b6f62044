"""A process of its own that begins a plan of acme's; prints how that ended.

`python -m tests.adapters.sql.plan_process URL PLAN OPERATION`
"""

import asyncio
import sys

from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.plans import SqlPlans
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.ports.plans import PlanOrder
from callserver.service.clocks import SystemClock


async def main(url: str, plan: str, operation_id: str) -> None:
    """Begin when a line comes on standard input."""
    database = open_database(url)
    plans = SqlPlans(database, SystemClock())
    await plans.view("acme")  # connected before the start
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    try:
        found = await plans.subscribe(PlanOrder("acme", plan, 1), operation_id, "race", None)
    except (StoreUnavailable, OutcomeUnknown) as error:
        print(f"{type(error).__name__}: {error}")
    else:
        print(found.state.value)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3]))
