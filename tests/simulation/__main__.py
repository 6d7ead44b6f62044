"""`python -m tests.simulation`: live many days, or one again. Ends with 1 after a bad one."""

import argparse
import asyncio
import sys

from callserver import log
from tests.simulation.days import lived, own_valkey, place
from tests.simulation.simulation import Plan


async def main(seeds: range, plan: Plan, *, diary: bool) -> int:
    """How many days went wrong."""
    bad = 0
    async with place() as folder, own_valkey(folder) as link:
        for seed in seeds:
            day, wrong = await lived(seed, folder, link, plan)
            if diary:
                print("\n".join(day.diary))
            print(f"seed {seed}: {len(day.calls)} calls, {'; '.join(wrong) or 'well'}", flush=True)
            bad += bool(wrong)
    print(f"{len(seeds)} days, {bad} bad")
    return bad


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--days", type=int, default=100, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="live this day alone, and print its diary")
    parser.add_argument("--calls", type=int, default=Plan.calls)
    parser.add_argument("--faults", type=int, default=Plan.faults)
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    log.configure("error", "json", sys.stderr)
    first = given.first if given.seed is None else given.seed
    count = given.days if given.seed is None else 1
    day_plan = Plan(calls=given.calls, faults=given.faults)
    failed = asyncio.run(main(range(first, first + count), day_plan, diary=given.seed is not None))
    sys.exit(1 if failed else 0)
