"""Holding what Redis says is open against what a PBX says is alive, and its CDR file.

A call is never ended because a query failed: an end needs a line in the PBX's own CDR file, two
complete channel lists at least `channel_lists_apart_ms` apart, or a new boot of the PBX.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from callserver.domain.call import CallEnd, EndSource, HungUpBy, Plan
from callserver.domain.meter import MeterState, OpenMeter
from callserver.domain.pbx_cdr import PbxCdrLine, arrival_of, end_of
from callserver.ports import (
    REDIS_AWAY,
    Books,
    Clock,
    LiveChannel,
    MeterStore,
    Pbx,
)
from callserver.service.admit import Admit
from callserver.service.billing_policy import BillingPolicy
from callserver.service.clocks import PbxClocks
from callserver.service.in_hand import CallInHand, CallsInHand
from callserver.service.metering import Metering
from callserver.service.settle import Settle

log = structlog.get_logger()

BEHIND_S = 0.1  # between two looks at a CDR file that is long: one reads a part of it
RATED_AGAIN_MS = 20_000  # a call settled from its line that SQL does not have by then is asked anew
SETTLING_MS = 5_000  # how long a finished call may take to be reported in the normal way


class PbxCdrFile(Protocol):
    """New lines of a PBX's CDR file, kept until they are done with."""

    @property
    def behind(self) -> bool:
        """Whether the last look left lines unread."""
        ...

    def pending(self) -> dict[str, list[PbxCdrLine]]:
        """All lines not done with, by token, oldest first."""
        ...

    def done(self, tokens: set[str]) -> None:
        """Never show these again, also after a restart."""
        ...


@dataclass(slots=True)
class Reconciler:
    """One PBX's. `file` is None where no `cdr_file` is configured."""

    pbx: Pbx
    file: PbxCdrFile | None
    books: Books
    meters: MeterStore
    admit: Admit
    metering: Metering
    settle: Settle
    in_hand: CallsInHand
    clock: Clock
    clocks: PbxClocks
    policy: BillingPolicy
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _boot_id: str = ""
    _missing_since_ms: dict[str, int] = field(default_factory=dict)
    _adopted: set[str] = field(default_factory=set)
    _rated: dict[str, int] = field(default_factory=dict)
    """When calls were settled from their lines, which are kept until SQL has the calls."""

    async def run(self, every_s: float) -> None:
        """Reconcile at once when woken (AMI is ready again), else every `every_s`; for ever."""
        while True:
            try:
                await self.once()
            except REDIS_AWAY as error:
                log.info("reconcile.waits", pbx=self.pbx.name, reason=str(error))
            try:
                async with asyncio.timeout(self._pause_s(every_s)):
                    await self.wake.wait()
                self.wake.clear()
                self._adopted.clear()  # the link was away: time-outs may not have arrived
            except TimeoutError:
                continue

    def _pause_s(self, every_s: float) -> float:
        """Soon again while a call is missing from one list, so that its end is known soon."""
        if self._behind:
            return min(every_s, BEHIND_S)
        apart_s = self.policy.channel_lists_apart_ms / 1000
        return min(every_s, apart_s) if self._missing_since_ms else every_s

    @property
    def _behind(self) -> bool:
        return self.file is not None and self.file.behind

    async def once(self) -> None:
        """One comparison. Raises while the PBX or a store is away: then nothing is concluded."""
        self.clocks.set_offset(self.pbx.name, await self.pbx.clock_offset_us())
        boot_id = await self.pbx.boot_id()
        rebooted = bool(self._boot_id) and boot_id != self._boot_id
        open_meters = await self._open_meters()
        # The list comes after the meters: a call in the first that is missing in the second ended.
        live = {channel.token: channel for channel in await self.pbx.live_channels()}
        lines = self.file.pending() if self.file else {}
        await self._note_alive(open_meters, live)
        for meter in open_meters:
            if meter.token in live:
                self._missing_since_ms.pop(meter.token, None)
                await self._adopt(meter, live[meter.token])
            else:
                await self._gone(meter, lines.get(meter.token), rebooted=rebooted)
        self._boot_id = boot_id
        open_tokens = {meter.token for meter in open_meters}
        for token in self._missing_since_ms.keys() - open_tokens:
            del self._missing_since_ms[token]
        self._adopted &= open_tokens
        await self._rate_unknown(lines, open_tokens | live.keys())

    async def _open_meters(self) -> list[OpenMeter]:
        """Those in Redis, and those of calls that were let through while it was away."""
        meters = await self.meters.open_meters(self.pbx.name)
        found = {meter.token for meter in meters}
        unmetered = (
            call.as_meter()
            for call in self.in_hand
            if not call.metered and call.plan.arrival.pbx == self.pbx.name
        )
        return meters + [meter for meter in unmetered if meter.token not in found]

    async def _note_alive(self, open_meters: list[OpenMeter], live: dict[str, LiveChannel]) -> None:
        now_ms = self.clock.now_us() // 1000
        by_shard: dict[int, list[str]] = {}
        for meter in open_meters:
            if meter.token not in live:
                continue
            by_shard.setdefault(meter.shard, []).append(meter.token)
            call = self.in_hand.get(meter.token)
            if call is not None:
                call.seen_ms = now_ms
        await asyncio.gather(
            *(self.meters.seen(shard, tokens, now_ms) for shard, tokens in by_shard.items())
        )

    async def _adopt(self, meter: OpenMeter, channel: LiveChannel) -> None:
        """Take a live call in hand, start a meter whose answer we missed, renew its time-out."""
        ringing = meter.state is MeterState.HELD
        if meter.token in self._adopted and not ringing:
            return
        call = self._in_hand(meter)
        if call is None:
            return
        call.channel = channel.channel
        if ringing and channel.answered_us:
            if call.metered:
                call.meter = meter  # Redis may have lost its last second, and the answer with it
            await self.metering.answered(
                meter.pbx,
                meter.token,
                meter.did,
                channel.uniqueid,
                channel.line,
                channel.answered_us,
            )
        elif ringing:
            return  # look again next time
        elif call.metered:
            call.meter, call.held_s = meter, max(call.held_s, meter.held_s)
            await self.metering.move_timeout(call)
        self._adopted.add(meter.token)

    def _in_hand(self, meter: OpenMeter) -> CallInHand | None:
        new = self.in_hand.get(meter.token) is None
        call = self.metering.taken_in_hand(meter)
        if new and call is not None:
            log.info("call.adopted", call_id=call.plan.call_id, state=meter.state.value)
        return call

    async def _gone(
        self, meter: OpenMeter, lines: list[PbxCdrLine] | None, *, rebooted: bool
    ) -> None:
        now_ms = self.clock.now_us() // 1000
        since_ms = self._missing_since_ms.setdefault(meter.token, now_ms)
        twice = now_ms - since_ms >= self.policy.channel_lists_apart_ms
        settled_by_line = lines and (twice or rebooted or self._is_old(lines))
        if not settled_by_line and not rebooted and now_ms - since_ms < self._patience_ms():
            return
        call = self.metering.taken_in_hand(meter)
        if call is None:
            return  # money is in it: a person has to look at it
        if not settled_by_line and self._behind:
            return  # its line may be among those that are still to be read
        if lines and settled_by_line:
            await self._settle(call, meter, end_of(lines))
            self._rated[meter.token] = self.clock.now_us() // 1000
        else:
            await self._settle(call, meter, self._estimated(call, meter))

    def _patience_ms(self) -> int:
        """Time for a report or a file line that is still on its way, after the second list."""
        return self.policy.channel_lists_apart_ms + self.policy.end_report_wait_ms

    def _is_old(self, lines: list[PbxCdrLine]) -> bool:
        ended_us = self.clocks.ours(self.pbx.name, max(line.end_us for line in lines))
        return self.clock.now_us() - ended_us > SETTLING_MS * 1000

    async def _settle(self, call: CallInHand, meter: OpenMeter, end: CallEnd) -> None:
        if end.line == 0:
            end = replace(end, line=meter.line)
        log.warning("call.end_found", call_id=call.plan.call_id, source=end.source.value)
        await self.settle.ended(meter.token, call.plan, end)
        self._missing_since_ms.pop(meter.token, None)

    def _estimated(self, call: CallInHand, meter: OpenMeter) -> CallEnd:
        """No one saw the end: bill to the last proof of life, in the customer's favour."""
        seen_us = self.clocks.theirs(self.pbx.name, meter.seen_ms * 1000)
        answered_us = meter.answered_us or call.billed_from_us
        return CallEnd(
            ended_us=max(answered_us, seen_us),
            answered_us=answered_us,
            rang_us=0,
            dial_status="ANSWER" if answered_us else "CANCEL",
            hangup_cause=0,
            hung_up_by=HungUpBy.SYSTEM,
            source=EndSource.ESTIMATED,
            line=meter.line,
        )

    async def _rate_unknown(self, lines: dict[str, list[PbxCdrLine]], known: set[str]) -> None:
        """Rate what the file has and nobody reported: calls connected while we were away.

        Lines are done with when SQL has their call: until then they are what is left of it should
        server and Redis die together, also after they were settled from here.
        """
        if self.file is None or not self.admit.catalogue.loaded:
            return
        old = {
            token: rows
            for token, rows in lines.items()
            if token not in known and self.in_hand.get(token) is None and self._is_old(rows)
        }
        if not old:
            return
        plans = {
            token: self.admit.plan_of_connected(arrival_of(rows, self.pbx.name))
            for token, rows in old.items()
        }
        have = await self.books.known_tokens([plan.token_hash for plan in plans.values()])
        written = {token for token, plan in plans.items() if plan.token_hash in have}
        now_ms = self.clock.now_us() // 1000
        for token in plans.keys() - written:
            if now_ms - self._rated.get(token, 0) >= RATED_AGAIN_MS:
                await self._rate(token, plans[token], end_of(old[token]))
                self._rated[token] = now_ms
        if written:
            await self._compare_estimates([(plans[token], old[token]) for token in written])
            self.file.done(written)
            for token in written & self._rated.keys():
                del self._rated[token]

    async def _compare_estimates(self, calls: list[tuple[Plan, list[PbxCdrLine]]]) -> None:
        """Tell of a line that came too late for its call: a CDR never changes, people mend it."""
        estimated_s = await self.books.estimated_s([plan.token_hash for plan, _ in calls])
        for plan, rows in calls:
            billed_s, line_s = estimated_s.get(plan.token_hash), end_of(rows).billsec
            if billed_s is not None and billed_s != line_s:
                log.warning(
                    "call.estimate_differs",
                    call_id=plan.call_id,
                    billsec=billed_s,
                    line_billsec=line_s,
                )

    async def _rate(self, token: str, plan: Plan, end: CallEnd) -> None:
        """Settling is idempotent by token, so a CDR still on its way to SQL does no harm."""
        log.warning("call.rated_from_file", call_id=plan.call_id, billsec=end.billsec)
        await self.settle.ended(token, plan, end)
