"""The calls this process has in hand: what it would take a read of Redis to know otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass

from callserver.domain.call import Plan
from callserver.domain.meter import MeterState, OpenMeter
from callserver.domain.price_table import PriceTable


@dataclass(slots=True)
class CallInHand:
    """A routed call from admission to settlement.

    `metered` is False where it was let through without a hold because Redis was away. `meter` is
    the last that Redis said of it; None until it was answered. `timeout_due` is True while
    Asterisk has not yet confirmed the latest absolute time-out.
    """

    token: str
    shard: int
    plan: Plan
    table: PriceTable
    held_s: int
    held_micros: int
    channel: str
    metered: bool = True
    meter: OpenMeter | None = None
    timeout_due: bool = False

    @property
    def answered_us(self) -> int:
        """When the meter started, on the PBX's clock; 0 if it has not."""
        return self.meter.answered_us if self.meter else 0

    def as_meter(self) -> OpenMeter:
        """The meter as Redis should have it, for a Redis that lost it."""
        if self.meter is not None:
            return self.meter
        return OpenMeter(
            token=self.token,
            shard=self.shard,
            account=self.plan.account or "",
            did=self.plan.arrival.did,
            pbx=self.plan.arrival.pbx,
            state=MeterState.HELD,
            line=1,
            held_s=self.held_s,
            held_micros=self.held_micros,
            slices=1,
            final=False,
            answered_us=0,
            seen_ms=self.plan.arrival.arrived_us // 1000,
            table=self.table,
            plan=self.plan.encode(),
        )

    @classmethod
    def adopted(cls, meter: OpenMeter) -> "CallInHand":
        """A call another process (or our former self) admitted, taken over from its meter."""
        plan = Plan.decode(meter.plan, meter.token)
        return cls(
            token=meter.token,
            shard=meter.shard,
            plan=plan,
            table=meter.table,
            held_s=meter.held_s,
            held_micros=meter.held_micros,
            channel=plan.arrival.channel,
            meter=meter,
        )


class CallsInHand:
    """By token. Entries go when a call is settled, so there are never more than live calls."""

    def __init__(self) -> None:
        self._calls: dict[str, CallInHand] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[CallInHand]:
        return iter(tuple(self._calls.values()))

    def put(self, call: CallInHand) -> None:
        """Take a call in hand."""
        self._calls[call.token] = call

    def get(self, token: str) -> CallInHand | None:
        """The call, if this process has it."""
        return self._calls.get(token)

    def drop(self, token: str) -> CallInHand | None:
        """Let go of a call, returning it."""
        return self._calls.pop(token, None)
