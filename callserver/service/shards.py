"""Which shards of Redis may be trusted, and building the others anew from SQL."""

import asyncio
import secrets
from collections.abc import Sequence

import structlog

from callserver.domain.identity import shard_of
from callserver.domain.ledger import AccountSum
from callserver.domain.meter import OpenMeter, ShardLost
from callserver.ports import Books, Clock, MeterStore
from callserver.service.cdr_writer import CdrWriter
from callserver.service.in_hand import CallsInHand, PlanUnreadable, plan_of

log = structlog.get_logger()


class ShardGuard:
    """Denies money on shards that Redis may have lost until they are rebuilt."""

    def __init__(self) -> None:
        self._suspect: set[int] = set()

    def check(self, shard: int) -> None:
        """Raise ShardLost while the shard is suspect."""
        if shard in self._suspect:
            raise ShardLost(f"shard {shard} is being rebuilt from SQL")

    def suspect(self, shards: set[int]) -> None:
        """Deny these from now on."""
        self._suspect |= shards

    def trust(self, shard: int) -> None:
        """The shard is good again."""
        self._suspect.discard(shard)

    @property
    def suspects(self) -> frozenset[int]:
        """Shards that are denied now."""
        return frozenset(self._suspect)


class ShardRebuilder:
    """available = SQL's sum + what is settled but not yet in SQL − holds of open calls."""

    def __init__(
        self,
        books: Books,
        meters: MeterStore,
        writer: CdrWriter,
        in_hand: CallsInHand,
        guard: ShardGuard,
        clock: Clock,
        pbxs: Sequence[str],
    ) -> None:
        self._clock = clock
        self._pbxs = tuple(pbxs)
        self._books = books
        self._meters = meters
        self._writer = writer
        self._in_hand = in_hand
        self._guard = guard
        self._one_at_a_time = asyncio.Lock()

    async def check(self, run_id: str) -> None:
        """After every connect: rebuild the shards that this run of Redis has no epoch for."""
        # One rebuild at a time: a second one would read sums the first is about to publish.
        async with self._one_at_a_time:
            lost_now = set(await self._meters.lost_shards(run_id))
            for shard in self._guard.suspects - lost_now:
                self._guard.trust(shard)
            self._guard.suspect(lost_now)
            lost = set(self._guard.suspects)
            if not lost:
                return
            log.warning("shards.rebuilding", shards=len(lost))
            # The writer rests, or a CDR that reaches SQL between our sum and our publishing
            # would be counted twice: once in the sum, once in the outbox.
            async with self._writer.resting():
                await self._writer.flush()
                await self._writer.drain(lost)
                await self._close_known(lost)
                sums = await self._books.account_sums()
                for shard in sorted(lost):
                    await self._rebuild(shard, run_id, sums)
            log.info("shards.rebuilt", shards=len(lost))

    async def _close_known(self, lost: set[int]) -> None:
        """Close meters that Redis has open again because it lost its last second: SQL has them.

        Likewise let go of calls in hand that SQL has: nobody heard that they were settled.
        """
        meters = [
            meter
            for pbx in self._pbxs
            for meter in await self._meters.open_meters(pbx)
            if meter.shard in lost
        ]
        hashes = {meter.token: hashed for meter in meters if (hashed := _hash_of(meter))}
        unsettled = [call for call in self._in_hand.unsettled() if call.shard in lost]
        hashes |= {call.token: call.plan.token_hash for call in unsettled}
        known = await self._books.known_tokens(list(hashes.values())) if hashes else set()
        now_ms = self._clock.now_us() // 1000
        for meter in meters:
            if hashes.get(meter.token) in known:
                await self._meters.acknowledge(meter.shard, [meter.token], now_ms)
                self._in_hand.drop(meter.token)
        for call in unsettled:
            if hashes[call.token] in known:
                self._in_hand.drop(call.token)

    async def _rebuild(self, shard: int, run_id: str, sums: dict[str, AccountSum]) -> None:
        accounts = [total for account, total in sums.items() if shard_of(account) == shard]
        await self._meters.rebuild_shard(
            shard, f"{run_id}:{secrets.token_hex(8)}", accounts, self._meters_in_hand(shard)
        )
        self._guard.trust(shard)

    def _meters_in_hand(self, shard: int) -> list[OpenMeter]:
        return [
            call.as_meter()
            for call in self._in_hand.unsettled()
            if call.shard == shard and call.metered
        ]


def _hash_of(meter: OpenMeter) -> str:
    """What SQL knows the call by; empty where its plan cannot be read: then the meter stays."""
    try:
        return plan_of(meter).token_hash
    except PlanUnreadable as error:
        log.error("meter.unreadable", shard=meter.shard, reason=str(error))  # noqa: TRY400  # the reason says it all
        return ""
