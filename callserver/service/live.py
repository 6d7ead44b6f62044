"""The calls that are up now, with what they cost so far."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog

from callserver.domain.call import Plan
from callserver.domain.caller import Caller
from callserver.domain.meter import MeterState, OpenMeter
from callserver.ports import Clock, MeterStore

log = structlog.get_logger()

SHOWN_US = 250_000
"""One reading of all calls serves everybody who asks within this time."""
DECODED_AT_ONCE = 200


class LiveState(StrEnum):
    """Where a live call is."""

    RINGING = "ringing"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call in progress. Instants are UTC microseconds of our clock; `answered_us` 0: not yet.

    `caller` is in full: mask it for everybody but the customer. `duration_s` is whole seconds
    since the answer, `running_micros` the fee if the call ended now.
    """

    call_id: str
    pbx: str
    did: str
    customer: str | None
    provider: str | None
    caller: Caller
    destination: str
    line: int
    state: LiveState
    started_us: int
    answered_us: int
    duration_s: int
    running_micros: int
    held_s: int
    held_micros: int
    held_minutes: int = 0


class LiveCalls:
    """Reads open meters. `offsets` gives what to add to an instant of a PBX to get ours."""

    def __init__(
        self,
        meters: MeterStore,
        clock: Clock,
        offsets: Callable[[str], int],
        pbxs: Sequence[str],
    ) -> None:
        self._meters = meters
        self._clock = clock
        self._offsets = offsets
        self._pbxs = tuple(pbxs)
        self._all: tuple[LiveCall, ...] = ()
        self._read_us: int | None = None
        self._one_reader = asyncio.Lock()

    async def of_customer(self, customer: str) -> tuple[LiveCall, ...]:
        """A customer's live calls, the newest first. Raises StoreUnavailable, ShardLost …"""
        return await self._shown(await self._meters.account_meters(customer))

    async def all(self) -> tuple[LiveCall, ...]:
        """Everybody's, the newest first, at most SHOWN_US old. Raises StoreUnavailable …"""
        async with self._one_reader:
            now_us = self._clock.now_us()
            if self._read_us is None or not 0 <= now_us - self._read_us < SHOWN_US:
                meters: list[OpenMeter] = []
                for pbx in self._pbxs:
                    meters += await self._meters.open_meters(pbx)
                self._all = await self._shown(meters)
                self._read_us = now_us
            return self._all

    async def find(self, call_id: str, customer: str | None = None) -> LiveCall | None:
        """One live call; the customer, where known, spares reading everybody's."""
        calls = await (self.all() if customer is None else self.of_customer(customer))
        return next((call for call in calls if call.call_id == call_id), None)

    async def _shown(self, meters: Sequence[OpenMeter]) -> tuple[LiveCall, ...]:
        now_us = self._clock.now_us()
        calls: list[LiveCall] = []
        for number, meter in enumerate(meters, 1):
            if meter.state is MeterState.CLOSED:
                continue
            try:
                calls.append(self._call(meter, now_us))
            except (ValueError, KeyError, TypeError) as error:
                log.warning("live.unreadable_plan", shard=meter.shard, reason=type(error).__name__)
            if number % DECODED_AT_ONCE == 0:
                await asyncio.sleep(0)  # thousands of plans must not hold up a call's decision
        calls.sort(key=lambda call: (call.started_us, call.call_id), reverse=True)
        return tuple(calls)

    def _call(self, meter: OpenMeter, now_us: int) -> LiveCall:
        plan = Plan.decode(meter.plan)
        offset_us = self._offsets(meter.pbx)
        answered_us = meter.answered_us + offset_us if meter.answered_us else 0
        elapsed_s = max(0, now_us - answered_us) // 1_000_000 if answered_us else 0
        running = meter.table.price_micros(max(1, elapsed_s), meter.minutes) if answered_us else 0
        return LiveCall(
            call_id=plan.call_id,
            pbx=meter.pbx,
            did=meter.did,
            customer=plan.customer,
            provider=plan.provider,
            caller=plan.caller,
            destination=_destination(plan, meter.line),
            line=meter.line,
            state=LiveState.ANSWERED if answered_us else LiveState.RINGING,
            started_us=plan.arrival.arrived_us + offset_us,
            answered_us=answered_us,
            duration_s=elapsed_s,
            running_micros=running,
            held_s=meter.held_s,
            held_micros=meter.held_micros,
            held_minutes=meter.minutes,
        )


def _destination(plan: Plan, line: int) -> str:
    return plan.lines[line - 1].number if 1 <= line <= len(plan.lines) else ""
