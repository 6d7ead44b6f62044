"""Brings changed credit limits to Redis: an import writes them to SQL without a ledger entry."""

import asyncio
from collections.abc import Callable, Iterator

import structlog

from callserver.domain.business import Catalogue, Customer
from callserver.domain.meter import AccountMissing, ShardLost
from callserver.ports import Clock, MeterStore, OutcomeUnknown, StoreUnavailable
from callserver.service.accounts import Accounts

log = structlog.get_logger()

POLL_S = 1.0
LOOKED_AT_ONCE = 16


class CreditLimits:
    """Compares the limits of every new catalogue with Redis, once."""

    def __init__(
        self,
        accounts: Accounts,
        meters: MeterStore,
        clock: Clock,
        catalogue: Callable[[], Catalogue],
        poll_s: float = POLL_S,
    ) -> None:
        self._accounts = accounts
        self._meters = meters
        self._clock = clock
        self._catalogue = catalogue
        self._poll_s = poll_s
        self._version: int | None = None
        self._known: dict[str, int] = {}
        """Floors that Redis has, by customer."""

    async def follow(self) -> None:
        """Keep up with the catalogue; for ever. What fails is tried again."""
        while True:
            try:
                await self.catch_up()
            except* (StoreUnavailable, OutcomeUnknown, ShardLost) as errors:
                reason = str(errors.exceptions[0]) or type(errors.exceptions[0]).__name__
                log.warning("credit_limits.follow_failed", reason=reason)
            await asyncio.sleep(self._poll_s)

    async def catch_up(self) -> int:
        """One turn: how many limits were brought to Redis."""
        catalogue = self._catalogue()
        if catalogue.version == self._version:
            return 0
        customers = catalogue.customers.values()
        differing = [c for c in customers if self._known.get(c.id) != c.floor_micros]
        waiting, brought = iter(differing), [0]
        async with asyncio.TaskGroup() as workers:
            for number in range(min(LOOKED_AT_ONCE, len(differing))):
                workers.create_task(self._bring_all(waiting, brought), name=f"limits-{number}")
        if all(self._known.get(c.id) == c.floor_micros for c in differing):
            self._version = catalogue.version
        return brought[0]

    async def _bring_all(self, customers: Iterator[Customer], brought: list[int]) -> None:
        for customer in customers:
            floor_micros = await self._floor_in_redis(customer)
            if floor_micros != customer.floor_micros:
                await self._accounts.load(customer.id)
                floor_micros = await self._floor_in_redis(customer)
                brought[0] += 1
                log.info("credit_limits.brought", account=customer.id, floor_micros=floor_micros)
            self._known[customer.id] = floor_micros

    async def _floor_in_redis(self, customer: Customer) -> int:
        """The floor that Redis goes by; that of the catalogue where it has no such account."""
        try:
            balance = await self._meters.balance(customer.id, self._clock.now_us())
        except AccountMissing:
            return customer.floor_micros  # it will be loaded from SQL, with its limit
        return balance.floor_micros
