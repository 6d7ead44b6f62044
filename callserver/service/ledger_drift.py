"""Compares the live copy of the money with the books: a balance is the sum of its entries."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from callserver.domain.cdr import Cdr
from callserver.domain.identity import shard_of
from callserver.domain.ledger import PROVIDER_PREFIX, AccountSum
from callserver.domain.meter import AccountMissing, Balance, OutboxEntry, ShardLost
from callserver.ports import Books, Clock, MeterStore, OutcomeUnknown, StoreUnavailable
from callserver.ports.ledger import LedgerBook
from callserver.service.cdr_writer import cdr_of

log = structlog.get_logger()

SLICE = 50
PAUSE_S = 1.0
ROUND_S = 30.0
OUTBOX_MOST = 10_000
LOOKS_BEHIND = 10
"""Looks after which Redis should have been given an entry: the follower needs about one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What Redis has more (or less) than the books and what still waits for them."""

    account: str
    micros: int
    minutes: int


@dataclass(frozen=True, slots=True)
class _Look:
    """Both sides of an account."""

    live: Balance
    total: AccountSum

    @property
    def standing(self) -> tuple[int, ...]:
        """What must stand still from one look to the next."""
        live, total = self.live, self.total
        return (
            *(live.settled_micros, live.minutes, live.seq),
            *(total.settled_micros, total.minutes, total.seq),
        )

    @property
    def agrees(self) -> bool:
        """The live copy has exactly what the books have."""
        live, total = self.live, self.total
        return (live.settled_micros, live.minutes) == (total.settled_micros, total.minutes)

    @property
    def looks_needed(self) -> int:
        """How often it must be seen so: entries that are on their way take their time."""
        return 2 if self.live.seq == self.total.seq else LOOKS_BEHIND


class LedgerDrift:
    """Goes round the accounts, a slice at a time.

    A call is settled in Redis first and in the books a moment later, so a difference is looked at
    again, and counts where both sides stood still meanwhile and no call that waits in the outbox
    explains it. Of an account that is never still for a second nothing is said.
    """

    def __init__(self, books: Books, ledger: LedgerBook, meters: MeterStore, clock: Clock) -> None:
        self._books = books
        self._ledger = ledger
        self._meters = meters
        self._clock = clock
        self._suspect: dict[str, tuple[_Look, int]] = {}
        self._found: dict[str, Difference] = {}

    @property
    def differing(self) -> int:
        """Accounts whose balance in Redis is not that of the books."""
        return len(self._found)

    async def watch(self, pause_s: float = PAUSE_S, round_s: float = ROUND_S) -> None:
        """Go round, for ever."""
        while True:
            try:
                await self.go_round(pause_s)
            except (StoreUnavailable, OutcomeUnknown, ShardLost) as error:
                log.warning("ledger.not_compared", reason=str(error) or type(error).__name__)
            await asyncio.sleep(round_s)

    async def go_round(self, pause_s: float, again_s: float = PAUSE_S) -> list[Difference]:
        """Look at every account, and again at those that differ; the differences that stay.

        Raises StoreUnavailable, OutcomeUnknown, ShardLost.
        """
        last = ""
        while accounts := await self._ledger.accounts_after(last, SLICE):
            await self.look([*accounts, *self._suspect])
            last = accounts[-1]
            await asyncio.sleep(pause_s)
        if self._suspect:
            await asyncio.sleep(again_s)
            await self.look(list(self._suspect))
        return [self._found[name] for name in sorted(self._found)]

    async def look(self, accounts: Iterable[str]) -> None:
        """Compare these. Raises StoreUnavailable, OutcomeUnknown, ShardLost."""
        wanted = sorted({name for name in accounts if not name.startswith(PROVIDER_PREFIX)})
        live = [balance for name in wanted if (balance := await self._balance(name))]
        sums = await self._books.account_sums([balance.account for balance in live])
        looks = {b.account: _Look(b, sums[b.account]) for b in live if b.account in sums}
        for name in wanted:
            look = looks.get(name)
            if look is None or look.agrees:
                self._forget(name)
            elif self._seen(name, look) >= look.looks_needed:
                await self._judge(look)

    def _seen(self, name: str, look: _Look) -> int:
        """How often the account was seen just like this."""
        before, times = self._suspect.get(name, (look, 0))
        times = times + 1 if before.standing == look.standing else 1
        self._suspect[name] = (look, times)
        return times

    async def _judge(self, look: _Look) -> None:
        """Both sides stood still, and differ: by calls that wait, or by a fault."""
        live, total = look.live, look.total
        micros = live.settled_micros - total.settled_micros
        minutes = live.minutes - total.minutes
        entries = await self._meters.outbox(shard_of(live.account), OUTBOX_MOST)
        calls = {cdr.token_hash: cdr for cdr in _readable(entries)}
        known = await self._books.known_tokens(list(calls))
        for token, cdr in calls.items():
            if cdr.account == live.account and token not in known:
                micros += cdr.charged_micros
                minutes += cdr.included_minutes
        if not micros and not minutes:
            return  # it stays suspect until the calls are written
        found = Difference(live.account, micros, minutes)
        if self._found.get(live.account) != found:
            log.error("ledger.drift", account=live.account, micros=micros, minutes=minutes)
        self._found[live.account] = found

    def _forget(self, name: str) -> None:
        self._suspect.pop(name, None)
        if self._found.pop(name, None) is not None:
            log.info("ledger.drift_gone", account=name)

    async def _balance(self, name: str) -> Balance | None:
        try:
            return await self._meters.balance(name, self._clock.now_us())
        except AccountMissing:
            return None  # it is brought in from the books when it is needed


def _readable(entries: Sequence[OutboxEntry]) -> Iterator[Cdr]:
    """Their CDRs; what cannot be read is the CDR writer's to report, and shows as a difference."""
    for entry in entries:
        with suppress(ValueError, KeyError, TypeError):
            yield cdr_of(entry)


def told(differences: Sequence[Difference]) -> str:
    """For people: the accounts and by how much each differs."""
    return "; ".join(
        f"{each.account} by {each.micros} micro-yuan, {each.minutes} minutes"
        for each in differences
    )
