"""Calls of the simulation, and the virtual PBX that lives them."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from callserver.domain.call import Arrival
from callserver.ports import LiveChannel
from tests.fakes.clock import VirtualClock
from tests.fakes.pbx import FakePbx

SECOND_US = 1_000_000
FALLBACK_MAX_S = 3_600
FALLBACK_NUMBER = "02188880100"


@dataclass
class SimCall:
    """One call: what will happen in it, and what has. Instants in µs, 0: not (yet)."""

    arrival: Arrival
    answers_us: int
    """When the destination will answer; 0: never, and the caller gives up at `talks_until_us`."""
    talks_until_us: int
    routed: bool | None = None
    """As CS_OK: True routed, False refused, None decided by the dialplan alone."""
    refusal: str = ""
    line: int = 0
    deadline_us: int = 0
    answered_us: int = 0
    ended_us: int = 0
    timed_out: bool = False
    lost: bool = False
    """The PBX died under it: nobody saw its end."""

    @property
    def next_us(self) -> int:
        """When something happens in it next."""
        if not self.answered_us and self.answers_us:
            return self.answers_us
        if self.answered_us and self.deadline_us:
            return min(self.talks_until_us, self.deadline_us)
        return self.talks_until_us

    @property
    def billsec(self) -> int:
        """As Asterisk would have it."""
        if not self.answered_us:
            return 0
        return max(1, (self.ended_us - self.answered_us) // SECOND_US)


@dataclass
class SimPbx(FakePbx):
    """A PBX whose channels are the live calls, and whose time-outs end them."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    live: dict[str, SimCall] = field(default_factory=dict)
    """By token."""
    last_routes: set[str] = field(default_factory=set)
    """DIDs that the dialplan could dial without us."""

    async def absolute_timeout(self, channel: str, after_ms: int) -> None:
        """The call of that channel ends then, unless it ends before."""
        await super().absolute_timeout(channel, after_ms)
        for call in self.live.values():
            if call.arrival.channel == channel:
                call.deadline_us = self.clock.us + after_ms * 1000

    def arrived(self, call: SimCall) -> None:
        """Its channel is there."""
        self.live[call.arrival.token] = call
        self.show(call)

    def show(self, call: SimCall) -> None:
        """The channel list has the call as it is now."""
        arrival = call.arrival
        self.channels[arrival.token] = LiveChannel(
            arrival.token,
            arrival.channel,
            arrival.uniqueid,
            arrival.did,
            call.line,
            call.answered_us,
        )

    def gone(self, call: SimCall) -> None:
        """Its channel is no more."""
        self.live.pop(call.arrival.token, None)
        self.channels.pop(call.arrival.token, None)

    def dies(self, boot: str) -> list[SimCall]:
        """SIGKILL and a new start: no event, no report, no line. The calls it had."""
        lost = list(self.live.values())
        self.live.clear()
        self.channels.clear()
        self.boot = boot
        return [_lost(call, self.clock.us) for call in lost]


def _lost(call: SimCall, at_us: int) -> SimCall:
    call.ended_us, call.lost = at_us, True
    return call


def cdr_line(call: SimCall) -> str:
    """What cdr_custom writes of it: one attempt, or none where nothing was dialled."""
    arrival, dialled = call.arrival, call.routed is not False and call.line >= 0
    app, data = ("Dial", f"PJSIP/{FALLBACK_NUMBER}@carrier,20") if dialled else ("Hangup", "21")
    disposition = "ANSWERED" if call.answered_us else "NO ANSWER"
    values = (
        *(arrival.token, arrival.uniqueid, arrival.linkedid, arrival.did, arrival.caller_raw),
        *(epoch(arrival.arrived_us), epoch(call.answered_us), epoch(call.ended_us)),
        *(str(call.billsec), "0", disposition, "16", arrival.channel, "", app, data),
    )
    return ",".join(f'"{value}"' for value in values) + "\n"


def epoch(us: int) -> str:
    """`CDR(…,u)`'s text for an instant; empty for never."""
    return f"{us // SECOND_US}.{us % SECOND_US:06d}" if us else ""


def write_line(folder: Path, call: SimCall) -> None:
    """The PBX notes a call that ended."""
    with (folder / "callserver.csv").open("a") as file:
        file.write(cdr_line(call))


def renamed(arrival: Arrival, number: int) -> Arrival:
    """With a Uniqueid and channel of its own."""
    unique = f"{arrival.arrived_us // SECOND_US}.{number}"
    return replace(arrival, uniqueid=unique, linkedid=unique, channel=f"PJSIP/carrier-{number:08x}")
