"""Steps 5 and 6: the meter starts at the answer, and one scheduler holds slice after slice."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from callserver.domain.business import NumberState
from callserver.domain.identity import SHARDS, shard_of
from callserver.domain.meter import MeterState, OpenMeter
from callserver.ports import (
    REDIS_AWAY,
    Clock,
    MeterStore,
    OutcomeUnknown,
    Pbx,
    StoreUnavailable,
)
from callserver.service.billing_policy import BillingPolicy
from callserver.service.catalogue import CurrentCatalogue
from callserver.service.clocks import PbxClocks
from callserver.service.in_hand import CallInHand, CallsInHand, PlanUnreadable

log = structlog.get_logger()

TIMEOUT_MARGIN_MS = 500  # keeps the floored billsec at the held seconds
DUE_MOST = 500


@dataclass(frozen=True, slots=True)
class Metering:
    """Runs the meters of live calls."""

    meters: MeterStore
    catalogue: CurrentCatalogue
    in_hand: CallsInHand
    pbxs: Mapping[str, Pbx]
    clock: Clock
    clocks: PbxClocks
    policy: BillingPolicy

    async def find(self, pbx: str, token: str, did: str, uniqueid: str) -> CallInHand | None:
        """The call a PBX speaks of, if token, PBX and Uniqueid all agree; adopted if need be."""
        call = await self.look_up(token, did)
        if call is not None and not call.is_of(pbx, uniqueid):
            log.warning("call.identity_mismatch", call_id=call.plan.call_id, pbx=pbx)
            return None
        return call

    async def look_up(self, token: str, did: str, *, everywhere: bool = False) -> CallInHand | None:
        """The call with this token, adopted from Redis if need be; whose it is was not checked.

        It is looked for where the number's customer has its account, or `everywhere`: a call goes
        on, and is that of its customer, while its number moves to another one, or is not known
        because SQL was away when we started.
        """
        call = self.in_hand.get(token)
        if call is not None:
            return call
        known = self.catalogue.now.dids.get(did)
        if known is not None:
            meter = await self.meters.meter(shard_of(known.customer), token)
            if meter is not None:
                return self.taken_in_hand(meter)
        if not everywhere:
            return None
        found = await asyncio.gather(*(self.meters.meter(shard, token) for shard in range(SHARDS)))
        meter = next(filter(None, found), None)
        return self.taken_in_hand(meter) if meter else None

    def taken_in_hand(self, meter: OpenMeter) -> CallInHand | None:
        """The call of an open meter, adopted if need be.

        None where its plan cannot be read, or its end waits for Redis.
        """
        if self.in_hand.is_aside(meter.token):
            return None
        call = self.in_hand.get(meter.token)
        if call is None:
            try:
                call = CallInHand.adopted(meter)
            except PlanUnreadable as error:
                log.error("meter.unreadable", shard=meter.shard, reason=str(error))  # noqa: TRY400  # the reason says it all
                return None
            self.in_hand.put(call)
        return call

    async def answered(
        self, pbx: str, token: str, did: str, uniqueid: str, line: int, answered_us: int
    ) -> None:
        """The destination answered at this instant of the PBX's clock: the meter runs."""
        call = await self.find(pbx, token, did, uniqueid)
        if call is None or call.answered_us:
            return
        # Noted first: whatever becomes of Redis, the call is not taken for an unanswered one.
        call.noted_answer_us = call.noted_answer_us or answered_us
        call.line = max(1, line)
        if not call.metered:
            return
        half_ms = call.held_s * 500
        due_ms = self.clocks.ours(pbx, call.noted_answer_us) // 1000 + half_ms
        call.table = call.table_of(line, call.noted_answer_us)
        asked = (call.shard, token, call.line, call.noted_answer_us, call.table, due_ms)
        try:
            call.meter = await self.meters.answer(*asked)
        except OutcomeUnknown:
            # Shortened perhaps, and then nobody would tell Asterisk: it is said again.
            call.meter = await self.meters.answer(*asked)
        log.info("call.answered", call_id=call.plan.call_id, line=line)
        if call.meter is not None:
            await self._hold_of_answer(call, call.meter, line)

    async def _hold_of_answer(self, call: CallInHand, meter: OpenMeter, line: int) -> None:
        """Take over what is held since the answer, and tell Asterisk where it does not know."""
        if meter.held_s < call.held_s:  # the line that answered is dearer than there is money for
            log.info("call.shortened", call_id=call.plan.call_id, held_s=meter.held_s)
            call.shortened = True
            await self._again(meter, meter.held_s * 500)
        call.held_s, call.held_micros = meter.held_s, meter.held_micros
        if line == 0 or call.shortened:
            # Line 0: the dialplan had given us up and dialled by itself, for as long as it may
            # without us.
            await self.move_timeout(call)

    async def run(self, poll_ms: int) -> None:
        """Look at what is due, for ever. A store that is away is met again at the next turn."""
        while True:
            await asyncio.sleep(poll_ms / 1000)
            try:
                await self.turn()
            except REDIS_AWAY as error:
                log.warning("metering.waits", reason=str(error))

    async def turn(self) -> None:
        """One look at every shard's due meters."""
        now_ms = self.clock.now_us() // 1000
        found = await asyncio.gather(
            *(
                self.meters.due(shard, pbx, now_ms, self.policy.claim_ms, DUE_MOST)
                for pbx in self.pbxs
                for shard in range(SHARDS)
            )
        )
        due = [meter for meters in found for meter in meters]
        await asyncio.gather(*(self._look(meter) for meter in due))

    async def _look(self, meter: OpenMeter) -> None:
        call = self.taken_in_hand(meter)
        if call is None:
            return
        if meter.held_s != call.held_s:  # moved before, but the answer was lost
            call.timeout_due = True
            call.shortened = call.shortened or meter.held_s < call.held_s
        call.meter = meter
        call.held_s, call.held_micros = meter.held_s, meter.held_micros
        if meter.state is not MeterState.ANSWERED:
            await self._again(meter, self.policy.ring_check_ms)
            return
        wanted_s = min(self.policy.slice_s, self.policy.call_max_s - meter.held_s)
        if self._stopped(call.plan.arrival.did) and not call.timeout_due:
            await self._again(meter, self.policy.retry_ms)
            return
        if not call.timeout_due and wanted_s > 0:
            await self._extend(call, meter, wanted_s)
        if call.timeout_due:
            await self.move_timeout(call)
        elif wanted_s <= 0:  # the longest call there is; Asterisk ends it
            await self._again(meter, self.policy.claim_ms)

    def _stopped(self, did: str) -> bool:
        """Whether the number was suspended or closed meanwhile: its calls finish what is held."""
        known = self.catalogue.now.dids.get(did)
        return known is not None and known.state is not NumberState.ACTIVE

    async def _extend(self, call: CallInHand, meter: OpenMeter, wanted_s: int) -> None:
        """Hold the next slice; a refusal is asked again, for a top-up lets the call go on."""
        half_ms = (meter.held_s * 1000) + wanted_s * 500
        due_ms = self.clocks.ours(meter.pbx, meter.answered_us) // 1000 + half_ms
        asked = (meter.shard, meter.token, meter.slices + 1, wanted_s, due_ms)
        try:
            extended = await self.meters.extend(*asked)
        except OutcomeUnknown:
            # Granted perhaps, and then nobody would move Asterisk's time-out: ask again, the
            # slice's number makes it the same question.
            extended = await self.meters.extend(*asked)
        if extended is None:  # settled meanwhile
            self.in_hand.drop(meter.token)
            return
        call.held_s, call.held_micros = extended.held_s, extended.held_micros
        call.meter = replace(
            meter,
            held_s=extended.held_s,
            held_micros=extended.held_micros,
            minutes=extended.minutes,
            slices=meter.slices + (extended.granted_s > 0),
            final=extended.final,
        )
        if extended.final:
            await self._again(meter, self.policy.retry_ms)
        if extended.granted_s > 0:
            call.timeout_due = True
            log.info(
                "call.extended",
                call_id=call.plan.call_id,
                held_s=extended.held_s,
                final=extended.final,
            )

    async def move_timeout(self, call: CallInHand) -> None:
        """Tell Asterisk the call's new end; while it cannot be told, try again at the next look."""
        arrival = call.plan.arrival
        now_us = self.clocks.theirs(arrival.pbx, self.clock.now_us())
        end_us = call.answered_us + call.held_s * 1_000_000
        after_ms = (end_us - now_us) // 1000 + TIMEOUT_MARGIN_MS
        call.timeout_due = True
        pbx = self.pbxs.get(arrival.pbx)
        if call.shortened:
            after_ms = max(1, after_ms)
        if pbx is None or after_ms <= 0:
            call.timeout_due = False
            return
        try:
            await pbx.absolute_timeout(call.channel, after_ms)
        except (StoreUnavailable, OutcomeUnknown) as error:
            log.warning("call.timeout_not_moved", call_id=call.plan.call_id, reason=str(error))
            await self.meters.set_due(
                call.shard, arrival.pbx, call.token, self._in(self.policy.retry_ms)
            )
            return
        call.timeout_due = call.shortened = False

    async def _again(self, meter: OpenMeter, after_ms: int) -> None:
        await self.meters.set_due(meter.shard, meter.pbx, meter.token, self._in(after_ms))

    def _in(self, after_ms: int) -> int:
        return self.clock.now_us() // 1000 + after_ms
