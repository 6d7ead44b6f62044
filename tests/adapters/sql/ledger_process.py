"""A process of its own that does the same money moves ten times at once; prints their entries.

`python -m tests.adapters.sql.ledger_process URL COUNT ENTRY`
"""

import asyncio
import sys

from callserver import log
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.domain.declined import Declined
from callserver.domain.ledger import EntryKind
from callserver.domain.ledger_moves import Adjustment, Reversal, Transfer
from callserver.service.clocks import SystemClock


async def main(url: str, count: int, entry: int) -> None:
    """Begin together with the others: when a line comes on standard input."""
    log.configure("error", "console")  # standard output is for the outcomes
    clock = SystemClock()
    database = open_database(url)
    books, ledger = SqlBooks(database, clock), SqlLedger(database, clock)
    await ledger.entry("acme", entry)  # connected before the start
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

    async def top_up() -> str:
        posted = await books.post("acme", EntryKind.TOP_UP, 1_000_000, "same-1", "race", "x")
        return f"top_up {posted.id}"

    async def adjust() -> str:
        posted = await ledger.adjust(Adjustment("acme", -1_000_000, "same-2", "race", "x"))
        return f"adjust {posted.id}"

    async def transfer() -> str:
        moved = await ledger.transfer(Transfer("north", "acme", 60_000_000, "same-3", "race", "x"))
        return f"transfer {moved.debit.id}"

    async def reverse() -> str:
        (posted,) = await ledger.reverse(Reversal("acme", entry, "same-4", "race", "x"))
        return f"reverse {posted.id}"

    async def reverse_anew(attempt: int) -> str:
        try:
            await ledger.reverse(Reversal("acme", entry, f"{id(books)}-{attempt}", "race", "x"))
        except Declined as declined:
            return f"anew {declined.reason.value}"
        return "anew done"

    moves = [move() for _ in range(count) for move in (top_up, adjust, transfer, reverse)]
    for outcome in await asyncio.gather(*moves):
        print(outcome)
    for outcome in await asyncio.gather(*(reverse_anew(attempt) for attempt in range(count))):
        print(outcome)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
