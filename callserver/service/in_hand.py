"""The calls this process has in hand: what it would take a read of Redis to know otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from callserver.domain.call import Plan
from callserver.domain.hold import hold_table
from callserver.domain.meter import MeterState, OpenMeter
from callserver.domain.price_table import PriceTable


class PlanUnreadable(ValueError):
    """The plan in a meter is not one that this version can read."""


def plan_of(meter: OpenMeter) -> Plan:
    """The plan that stands in a meter. Raises PlanUnreadable."""
    try:
        return Plan.decode(meter.plan, meter.token)
    except (ValueError, KeyError, TypeError) as error:
        raise PlanUnreadable(f"the plan of an open meter cannot be read: {error!r}") from error


@dataclass(slots=True)
class CallInHand:
    """A routed call from admission to settlement.

    `metered` is False where it was let through without a hold because Redis was away. `meter` is
    the last that Redis said of it; None until it was answered. `timeout_due` is True while
    Asterisk has not yet confirmed the latest absolute time-out. `line` is the line dialled last
    (1-based), `noted_answer_us` when AMI said that it answered (PBX's clock), also where Redis
    could not be told; `seen_ms` the last proof of life that Redis could not be told (our clock).
    `minutes` are the included ones that its first hold took; `shortened` is True while Asterisk
    does not know that the answer left fewer seconds than it was told.
    """

    token: str
    shard: int
    plan: Plan
    table: PriceTable
    held_s: int
    held_micros: int
    channel: str
    minutes: int = 0
    metered: bool = True
    meter: OpenMeter | None = None
    timeout_due: bool = False
    line: int = 1
    noted_answer_us: int = 0
    seen_ms: int = 0
    shortened: bool = False

    @property
    def answered_us(self) -> int:
        """When the meter started, on the PBX's clock; 0 if it has not."""
        return self.meter.answered_us if self.meter else 0

    @property
    def billed_from_us(self) -> int:
        """When the destination answered, whether or not Redis knows; 0 if it has not."""
        return self.answered_us or self.noted_answer_us

    def is_of(self, pbx: str, uniqueid: str) -> bool:
        """Whether this is the call of that channel: the token alone is not enough."""
        arrival = self.plan.arrival
        return (arrival.pbx, arrival.uniqueid) == (pbx, uniqueid)

    def as_meter(self) -> OpenMeter:
        """The meter as Redis should have it, for a Redis that lost it."""
        if self.meter is not None and self.answered_us:
            return self.meter
        meter = self.meter or self._first_meter()
        if not self.noted_answer_us:
            return meter
        return replace(
            meter,
            state=MeterState.ANSWERED,
            line=self.line,
            answered_us=self.noted_answer_us,
        )

    def table_of(self, line: int, answered_us: int) -> PriceTable:
        """The price of the line that answers at this instant (PBX's clock); line 0: not known."""
        tariff, lines = self.plan.tariff, self.plan.lines
        if tariff is None or not tariff.bands:
            return self.table
        answered = lines[line - 1 : line] if line else lines
        now_ringing = [replace(each, ring_s=0) for each in answered]
        return hold_table(tariff, now_ringing, answered_us // 1000, max(1, self.held_s))

    def _first_meter(self) -> OpenMeter:
        """The meter as the admission made it."""
        return OpenMeter(
            token=self.token,
            shard=self.shard,
            account=self.plan.account or "",
            did=self.plan.arrival.did,
            pbx=self.plan.arrival.pbx,
            state=MeterState.HELD,
            line=self.line,
            held_s=self.held_s,
            held_micros=self.held_micros,
            slices=1,
            final=False,
            answered_us=0,
            seen_ms=self.seen_ms or self.plan.arrival.arrived_us // 1000,
            table=self.table,
            plan=self.plan.encode(),
            minutes=self.minutes,
        )

    @classmethod
    def adopted(cls, meter: OpenMeter) -> "CallInHand":
        """A call another process (or our former self) admitted, taken over from its meter.

        Raises PlanUnreadable.
        """
        plan = plan_of(meter)
        return cls(
            token=meter.token,
            shard=meter.shard,
            plan=plan,
            table=meter.table,
            held_s=meter.held_s,
            held_micros=meter.held_micros,
            channel=plan.arrival.channel,
            minutes=meter.minutes,
            meter=meter,
            line=meter.line,
        )


ENDED_MOST = 20_000
"""So many ended calls are remembered: a late word of one comes within seconds."""


class CallsInHand:
    """By token. Entries go when a call is settled, so there are never more than live calls.

    Calls that ended while Redis was away are set aside until they are settled: a Redis that lost
    them must hold their money until then. A call that ended is not taken in hand again, by a
    decision that came after its caller gave up, or by a meter that was read while it was open.
    """

    def __init__(self) -> None:
        self._calls: dict[str, CallInHand] = {}
        self._aside: dict[str, CallInHand | None] = {}
        self._ended: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[CallInHand]:
        return iter(tuple(self._calls.values()))

    def put(self, call: CallInHand) -> None:
        """Take a call in hand, unless it has ended."""
        if call.token not in self._ended:
            self._calls[call.token] = call

    def get(self, token: str) -> CallInHand | None:
        """The call, if this process has it."""
        return self._calls.get(token)

    def drop(self, token: str) -> None:
        """Let go of a call that is settled."""
        self._calls.pop(token, None)
        self._aside.pop(token, None)
        self._note_end(token)

    def set_aside(self, token: str) -> None:
        """The call ended, but it is not settled yet."""
        self._aside[token] = self._calls.pop(token, None) or self._aside.get(token)
        self._note_end(token)

    def is_aside(self, token: str) -> bool:
        """Whether the call's end is known and waits for Redis: nobody needs to look for it."""
        return token in self._aside

    def unsettled(self) -> list[CallInHand]:
        """All calls that have not been settled, those set aside too."""
        return [*self._calls.values(), *filter(None, self._aside.values())]

    def _note_end(self, token: str) -> None:
        self._ended[token] = None
        if len(self._ended) > ENDED_MOST:
            del self._ended[next(iter(self._ended))]
