"""Accounts: their balance now, money put in, and entries of other processes brought to Redis."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog

from callserver.domain.identity import shard_of
from callserver.domain.ledger import AccountSum, Entry, EntryKind, OperationReused
from callserver.domain.meter import AccountMissing, Balance, ShardLost
from callserver.ports import (
    AccountUnknown,
    Books,
    Clock,
    MeterStore,
    OutcomeUnknown,
    StoreUnavailable,
)
from callserver.service.shards import ShardGuard

log = structlog.get_logger()

FOLLOW_S = 1.0
OVERLAP_US = 30_000_000
"""Entries this young are looked at again: a rebuild of a shard may have started before them."""
REPLAYS_AT_ONCE = 16
SUMS_AT_ONCE = 4
GAP_TRIES = 3

RedisAway = (StoreUnavailable, OutcomeUnknown, ShardLost)


@dataclass(frozen=True, slots=True)
class BalanceReading:
    """A balance at `as_of_us`. `live` False: Redis was away, and it is SQL's settled sum alone,
    so that holds, running calls and calls not yet written are missing from it."""

    balance: Balance
    as_of_us: int
    live: bool


class Accounts:
    """SQL is the truth and has an entry first; Redis applies entries by their sequence."""

    def __init__(
        self,
        books: Books,
        meters: MeterStore,
        clock: Clock,
        *,
        shards: ShardGuard | None = None,
        follow_s: float = FOLLOW_S,
    ) -> None:
        self._books = books
        self._meters = meters
        self._clock = clock
        self._shards = shards
        self._follow_s = follow_s
        self._sums = asyncio.Semaphore(SUMS_AT_ONCE)
        self._marks: deque[tuple[int, int]] = deque([(0, 0)])

    async def balance(self, account: str) -> BalanceReading:
        """The account now; from SQL alone (`live` False) while Redis cannot be asked.

        Raises AccountUnknown, and StoreUnavailable when SQL is needed and away too.
        """
        now_us = self._clock.now_us()
        try:
            return BalanceReading(await self._live(account, now_us), now_us, live=True)
        except RedisAway as error:
            log.warning("accounts.balance_without_redis", account=account, reason=str(error))
        total = await self._sum(account)
        settled = Balance(
            account, total.settled_micros, 0, total.floor_micros, total.seq, 0, 0, total.minutes
        )
        return BalanceReading(settled, now_us, live=False)

    async def _live(self, account: str, now_us: int) -> Balance:
        if self._shards is not None:
            self._shards.check(shard_of(account))
        try:
            return await self._meters.balance(account, now_us)
        except AccountMissing:
            if not await self.load(account):
                raise AccountUnknown(account) from None
        return await self._meters.balance(account, now_us)

    async def _sum(self, account: str) -> AccountSum:
        """The account as SQL has it; few at once, a sum reads many rows. Raises AccountUnknown."""
        async with self._sums:
            found = await self._books.account_sums([account])
        if account not in found:
            raise AccountUnknown(account)
        return found[account]

    async def load(self, account: str) -> bool:
        """Bring the account from SQL into Redis; False if SQL does not know it."""
        try:
            total = await self._sum(account)
        except AccountUnknown:
            return False
        if await self._meters.load_account(total):
            log.info("accounts.loaded", account=account, seq=total.seq)
        return True

    async def top_up(
        self, account: str, amount_micros: int, operation_id: str, actor: str, reason: str
    ) -> Entry:
        """Put money (> 0 micros) into an account; the entry is in SQL when this returns.

        The same operation again returns the first entry. Raises OperationReused when the id was
        used for another amount, account or reason; AccountUnknown; StoreUnavailable and
        OutcomeUnknown of SQL. Redis being away is no error: the entry is applied later.
        """
        if amount_micros <= 0:
            raise ValueError("a top-up is more than zero")
        entry = await self._books.post(
            account, EntryKind.TOP_UP, amount_micros, operation_id, actor, reason
        )
        told = (entry.account, entry.kind, entry.amount_micros, entry.reason)
        if told != (account, EntryKind.TOP_UP, amount_micros, reason):
            raise OperationReused(operation_id)
        log.info("accounts.topped_up", account=account, amount_micros=amount_micros, seq=entry.seq)
        await self.bring(account)
        return entry

    async def bring(self, account: str) -> None:
        """Apply to Redis what was just posted. Redis being away is no error: it follows later."""
        try:
            await self.replay(account)
        except RedisAway as error:
            log.warning("accounts.entry_waits", account=account, reason=str(error))

    async def replay(self, account: str, upto_seq: int | None = None) -> int:
        """Apply to Redis the entries it lacks, in order; how many.

        `upto_seq`, where known, is the highest there is: a Redis that has it is not compared.

        Nothing where the account is not in Redis: loading it brings them all. Raises
        StoreUnavailable, OutcomeUnknown, ShardLost.
        """
        applied = 0
        for _ in range(GAP_TRIES):
            try:
                known = await self._meters.balance(account, self._clock.now_us())
            except AccountMissing:
                return applied
            if upto_seq is not None and known.seq >= upto_seq:
                return applied
            entries = await self._books.entries_after(account, known.seq)
            if not entries:
                return applied
            floor_micros = (await self._sum(account)).floor_micros
            taken = await self._apply(account, entries, floor_micros)
            applied += taken
            if taken == len(entries):
                log.info("accounts.replayed", account=account, entries=taken, seq=entries[-1].seq)
                return applied
        log.error("accounts.gap", account=account)  # the next turn of `follow` tries again
        return applied

    async def _apply(self, account: str, entries: Sequence[Entry], floor_micros: int) -> int:
        for done, entry in enumerate(entries):
            try:
                fits = await self._meters.apply_entry(
                    account, entry.seq or 0, entry.amount_micros, floor_micros, entry.minutes
                )
            except AccountMissing:
                return len(entries)
            if not fits:
                return done
        return len(entries)

    async def follow(self) -> None:
        """Apply entries that other processes post, within about a second; for ever."""
        while True:
            try:
                await self.catch_up()
            except* (*RedisAway, AccountUnknown) as errors:
                first = errors.exceptions[0]
                log.warning("accounts.follow_failed", reason=str(first) or type(first).__name__)
            await asyncio.sleep(self._follow_s)

    async def catch_up(self) -> int:
        """One turn of `follow`: how many accounts had entries to look at.

        The mark moves only when all of them were applied, so what fails is tried again.
        """
        now_us = self._clock.now_us()
        after_id = self._marks[0][1]
        last_id, accounts = await self._books.changed_accounts(after_id)
        waiting = iter(accounts.items())
        async with asyncio.TaskGroup() as workers:
            for number in range(min(REPLAYS_AT_ONCE, len(accounts))):
                workers.create_task(self._replay_all(waiting), name=f"replay-{number}")
        self._mark(now_us, last_id)
        return len(accounts)

    async def _replay_all(self, accounts: Iterator[tuple[str, int]]) -> None:
        for account, upto_seq in accounts:
            await self.replay(account, upto_seq)

    def _mark(self, now_us: int, last_id: int) -> None:
        if self._marks[-1][1] != last_id:
            self._marks.append((now_us, last_id))
        while len(self._marks) > 1 and self._marks[1][0] <= now_us - OVERLAP_US:
            self._marks.popleft()
