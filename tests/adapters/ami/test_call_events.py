"""What AMI events make of calls."""

import asyncio
import io
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from callserver.adapters.ami.call_events import CallEvents, of_a_call
from callserver.adapters.ami.message import AmiEvent
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.service.hangups import Hangups
from callserver.service.metering import Metering
from tests.adapters.ami.scripted_asterisk import until

TOKEN = "5f3e6a1c-0b7d-4e55-9f3a-1c2d3e4f5a6b"
AT_US = 1_790_000_000_123_456
OURS = {"CS_TOKEN": TOKEN, "CS_PBX": "a", "CS_DID": "4001234567", "CS_LINE": "2"}


@dataclass
class InHand:
    """A call in hand, as far as it concerns events."""

    answered_us: int = 0


@dataclass
class Services:
    """Notes what metering and hangups are told."""

    in_hand: dict[str, InHand] = field(default_factory=dict)
    answers: list[tuple[Any, ...]] = field(default_factory=list)
    ends: list[tuple[Any, ...]] = field(default_factory=list)
    fault: Exception | None = None
    settled: set[str] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def answered(self, *said: Any) -> None:
        await self.gate.wait()
        self.answers.append(said)
        if self.fault:
            raise self.fault

    def expects(self, token: str) -> bool:
        return token not in self.settled

    def hung_up(self, *said: Any) -> None:
        self.ends.append(said)


@pytest.fixture
def services() -> Services:
    """They answer at once."""
    made = Services()
    made.gate.set()
    return made


def events_of(services: Services) -> CallEvents:
    """The PBX `a`."""
    return CallEvents("a", cast(Metering, services), cast(Hangups, services))


def event(name: str, chan_vars: dict[str, str] | None = None, **fields: str) -> AmiEvent:
    """An event of a caller's channel of ours, unless given otherwise."""
    given = {"Event": name, "Timestamp": "1790000000.123456", "Uniqueid": "1790000000.1", **fields}
    return AmiEvent(name, given, OURS if chan_vars is None else chan_vars, {})


@pytest.mark.parametrize(
    "answer", [event("DialEnd", DialStatus="ANSWER"), event("BridgeEnter")], ids=lambda e: e.name
)
async def test_answer_starts_the_meter(services: Services, answer: AmiEvent) -> None:
    """With PBX, token, DID, Uniqueid, line and the PBX's instant."""
    events_of(services).take(answer)
    await until(lambda: services.answers)
    assert services.answers == [("a", TOKEN, "4001234567", "1790000000.1", 2, AT_US)]


async def test_hangup_is_told(services: Services) -> None:
    """With PBX, token, Uniqueid, line, the PBX's instants of answer and end, and the cause."""
    events_of(services).take(event("Hangup", Cause="16"))
    answered = OURS | {"CS_ANSWERED": "1789999990123"}
    events_of(services).take(event("Hangup", answered, Cause="16"))
    assert services.ends == [
        ("a", TOKEN, "1790000000.1", 2, 0, AT_US, 16),
        ("a", TOKEN, "1790000000.1", 2, 1_789_999_990_123_000, AT_US, 16),
    ]


@pytest.mark.parametrize(
    "nothing",
    [
        event("DialEnd", DialStatus="BUSY"),
        event("DialEnd"),
        event("DialBegin"),
        event("BridgeEnter", {}),
        event("BridgeEnter", OURS | {"CS_TOKEN": ""}),
        event("BridgeEnter", OURS | {"CS_TOKEN": "forged"}),
        event("BridgeEnter", OURS | {"CS_PBX": "b"}),
        event("BridgeEnter", Timestamp="soon"),
        event("Hangup", {}),
        event("Hangup", OURS | {"CS_PBX": ""}),
        event("Hangup", Uniqueid=""),
        event("Hangup", Timestamp=""),
    ],
)
async def test_other_events_do_nothing(services: Services, nothing: AmiEvent) -> None:
    """No answer, no caller's channel, no token, another PBX, no instant: no effect."""
    events = events_of(services)
    events.take(nothing)
    await events.stop()
    assert (services.answers, services.ends) == ([], [])


async def test_destination_variables_do_not_speak_for_the_caller(services: Services) -> None:
    """The token counts on the event's own channel alone."""
    forged = AmiEvent("BridgeEnter", event("BridgeEnter").fields, {}, OURS)
    events = events_of(services)
    events.take(forged)
    await events.stop()
    assert services.answers == []


async def test_one_answer_at_a_time_per_call(services: Services) -> None:
    """While one is being noted the next is not begun; a call already answered begins none."""
    services.gate.clear()
    events = events_of(services)
    events.take(event("DialEnd", DialStatus="ANSWER"))
    events.take(event("BridgeEnter"))
    services.gate.set()
    await events.stop()
    services.in_hand[TOKEN] = InHand(answered_us=AT_US)
    events.take(event("BridgeEnter"))
    await events.stop()
    assert len(services.answers) == 1


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), OutcomeUnknown("late"), KeyError("x")])
async def test_fault_is_logged_and_the_next_answer_tries_again(
    services: Services, fault: Exception, log_text: io.StringIO
) -> None:
    """A store that is away costs neither the link nor the call: the next event is as good."""
    services.fault = fault
    events = events_of(services)
    events.take(event("DialEnd", DialStatus="ANSWER"))
    await events.stop()
    events.take(event("BridgeEnter"))
    await events.stop()
    assert len(services.answers) == 2
    assert log_text.getvalue().count("ami.answer_") == 2


async def test_answers_in_hand_are_bounded(
    services: Services, log_text: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound none is begun; it is logged once and left to the reconciler."""
    monkeypatch.setattr("callserver.adapters.ami.call_events.ANSWERS_AT_ONCE_MAX", 3)
    services.gate.clear()
    events = events_of(services)
    for number in range(6):
        token = f"{number}{TOKEN[1:]}"
        events.take(event("BridgeEnter", OURS | {"CS_TOKEN": token}))
    services.gate.set()
    await events.stop()
    assert len(services.answers) == 3
    assert log_text.getvalue().count("ami.overflow") == 1


def raw(name: str, token: str | None) -> bytes:
    """Bytes of an event."""
    lines = [f"Event: {name}", "DestChanVariable: CS_TOKEN=x"]
    if token is not None:
        lines.append(f"ChanVariable: CS_TOKEN={token}")
    return "\r\n".join([*lines, "ChanVariable: CS_OK="]).encode()


@pytest.mark.parametrize(
    ("name", "token", "expected"),
    [
        ("Hangup", TOKEN, True),
        ("DialEnd", TOKEN, True),
        ("BridgeEnter", TOKEN, True),
        ("Newchannel", TOKEN, False),
        ("Hangup", "", False),
        ("Hangup", None, False),
    ],
)
def test_only_events_of_callers_are_parsed(name: str, token: str | None, expected: bool) -> None:
    """A look at the bytes tells what is not worth reading."""
    assert of_a_call(name.encode(), raw(name, token)) is expected


async def test_answer_of_an_answered_call_is_moot(services: Services) -> None:
    """Before the answer is noted each event counts; after it, none needs parsing."""
    events = events_of(services)
    services.in_hand[TOKEN] = InHand()
    assert not events.is_moot(raw("BridgeEnter", TOKEN))
    services.in_hand[TOKEN].answered_us = AT_US
    assert events.is_moot(raw("BridgeEnter", TOKEN))
    assert events.is_moot(raw("DialEnd", TOKEN))


async def test_hangup_of_a_settled_call_is_moot(services: Services) -> None:
    """One that has not been settled counts, answered or not; so does one with no token."""
    events = events_of(services)
    services.in_hand[TOKEN] = InHand(AT_US)
    assert not events.is_moot(raw("Hangup", TOKEN))
    services.settled.add(TOKEN)
    assert events.is_moot(raw("Hangup", TOKEN))
    assert not events.is_moot(b"Event: Shutdown\r\nShutdown: Cleanly")
