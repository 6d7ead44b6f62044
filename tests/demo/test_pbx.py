"""The simulated PBX, with this test as its server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callserver.demo.pbx.exchange import SimulatedPbx
from callserver.demo.pbx.script import CallScript, LineBehaviour, Reaction
from callserver.domain.identity import is_token
from callserver.domain.pbx_contract import HangupArgs, NextArgs, RouteArgs

from .peers import agi_peer, ami_peer, routed, variables

DID = "4001234567"
CALLER = "13800138000"
ANSWERS = LineBehaviour(Reaction.ANSWERS, 0.05)
BUSY = LineBehaviour(Reaction.BUSY, 0.02)
RINGS_ON = LineBehaviour(Reaction.RINGS_ON)


@pytest.fixture
async def pbx() -> AsyncIterator[SimulatedPbx]:
    """A PBX whose AMI listens on a free port."""
    async with SimulatedPbx("pbx-1", secret="s3cret", trunks=frozenset({"carrier"})) as started:
        yield started


def next_line(line: int) -> str:
    """The server's answer to /next."""
    return f'EXEC MSet "CS_LINE={line},CS_NEXT_OK=1"'


async def test_an_answered_call_asks_and_reports(pbx: SimulatedPbx) -> None:
    """Route, then hangup with the PBX's own instants, of the contract's exact form."""
    async with agi_peer({"route": [routed("13900139000")]}) as (agi, port):
        pbx.agi = ("127.0.0.1", port)
        record = await pbx.call(CallScript(DID, CALLER, (ANSWERS,), talk_s=0.3))
    assert agi.scripts() == ["route", "hangup"]
    asked = RouteArgs.parse(agi.args("route"))
    told = HangupArgs.parse(agi.args("hangup"))
    assert is_token(asked.token)
    assert (told.token, told.pbx, told.line, told.routed) == (asked.token, "pbx-1", 1, True)
    assert (told.answer_us, told.end_us) == (record.answered_us, record.ended_us)
    assert (told.dial_status, told.who, told.destination) == ("ANSWER", "caller", "13900139000")
    assert 250_000 < record.ended_us - record.answered_us < 2_000_000
    assert record.billsec >= 1
    assert agi.requests[0]["agi_callerid"] == CALLER
    assert agi.replies == ["200 result=0"]


async def test_a_busy_line_overflows_to_the_next(pbx: SimulatedPbx) -> None:
    """Each attempt is in CS_TRIED; /next says which line failed and how."""
    replies = {"route": [routed("13900139000", "13900139001")], "next": [next_line(2)]}
    async with agi_peer(replies) as (agi, port):
        pbx.agi = ("127.0.0.1", port)
        record = await pbx.call(CallScript(DID, CALLER, (BUSY, ANSWERS), talk_s=0.1))
    failed = NextArgs.parse(agi.args("next"))
    assert (failed.line, failed.dial_status, failed.hangup_cause) == (1, "BUSY", 17)
    told = HangupArgs.parse(agi.args("hangup"))
    assert [(a.line, a.result) for a in told.tried] == [(1, "BUSY"), (2, "ANSWER")]
    assert (told.line, told.destination) == (2, "13900139001")
    assert record.destination == "13900139001"


async def test_dialling_goes_on_when_next_fails(pbx: SimulatedPbx) -> None:
    """The caller matters more than the slot."""
    async with agi_peer({"route": [routed("13900139000", "13900139001")]}) as (agi, port):
        pbx.agi = ("127.0.0.1", port)
        record = await pbx.call(CallScript(DID, CALLER, (BUSY, BUSY)))
    assert agi.scripts() == ["route", "next", "next", "hangup"]
    assert (record.dial_status, record.cause, record.answered_us) == ("BUSY", 17, 0)


async def test_a_line_rings_no_longer_than_it_may(pbx: SimulatedPbx) -> None:
    """Then nobody answered, with the cause that says so."""
    async with agi_peer({"route": [routed("13900139000")], "next": [next_line(0)]}) as (_, port):
        pbx.agi = ("127.0.0.1", port)
        record = await pbx.call(CallScript(DID, CALLER, (RINGS_ON,)))
    assert (record.dial_status, record.cause, record.billsec) == ("NOANSWER", 19, 0)
    assert record.ended_us - record.rang_us >= 1_000_000


async def test_a_caller_gives_up_while_it_rings(pbx: SimulatedPbx) -> None:
    """The report says CANCEL, and by whom."""
    async with agi_peer({"route": [routed("13900139000")]}) as (agi, port):
        pbx.agi = ("127.0.0.1", port)
        record = await pbx.call(CallScript(DID, CALLER, (RINGS_ON,), gives_up_s=0.1))
    told = HangupArgs.parse(agi.args("hangup"))
    assert (told.dial_status, told.who, told.answer_us) == ("CANCEL", "caller", 0)
    assert record.dial_status == "CANCEL"


async def test_a_refusal_hangs_up_with_its_cause(pbx: SimulatedPbx) -> None:
    """Nothing is dialled; the report says it was refused."""
    refusal = 'EXEC MSet "CS_REFUSED=no_credit,CS_CAUSE=21,CS_PROMPT=,CS_OK=0"'
    async with agi_peer({"route": [refusal]}) as (agi, port):
        pbx.agi = ("127.0.0.1", port)
        record = await pbx.call(CallScript(DID, CALLER))
    told = HangupArgs.parse(agi.args("hangup"))
    assert (told.routed, told.tried, told.rang_us) == (False, (), 0)
    assert (record.refused, record.cause, record.tried) == ("no_credit", 21, "")


async def test_without_a_server_the_last_good_route_is_dialled(pbx: SimulatedPbx) -> None:
    """And a number that never had one is hung up."""
    async with agi_peer({"route": [routed("13900139000")]}) as (_, port):
        pbx.agi = ("127.0.0.1", port)
        await pbx.call(CallScript(DID, CALLER, (ANSWERS,), talk_s=0.05))
    record = await pbx.call(CallScript(DID, CALLER, (ANSWERS,), talk_s=0.05))
    assert (record.dial_status, record.destination) == ("ANSWER", "13900139000")
    assert record.tried.startswith("0:ANSWER:")
    unknown = await pbx.call(CallScript("4007654321", CALLER))
    assert (unknown.dial_status, unknown.cause) == ("", 38)


async def test_the_call_ends_when_the_held_seconds_end(pbx: SimulatedPbx) -> None:
    """By the PBX itself, half a second after what is held."""
    async with agi_peer({"route": [routed("13900139000", held_s=1)]}) as (_, port):
        pbx.agi = ("127.0.0.1", port)
        record = await pbx.call(CallScript(DID, CALLER, (ANSWERS,), talk_s=30))
    assert (record.hung_up_by, record.billsec) == ("timeout", 1)
    assert record.ended_us - record.answered_us >= 1_500_000


async def test_absolute_timeout_moves_the_end(pbx: SimulatedPbx) -> None:
    """Forward and back, while the call lives; a channel that is gone is an error."""
    async with (
        agi_peer({"route": [routed("13900139000", held_s=1)]}) as (_, port),
        ami_peer(pbx.ami_port) as ami,
    ):
        pbx.agi = ("127.0.0.1", port)
        call = asyncio.create_task(pbx.call(CallScript(DID, CALLER, (ANSWERS,), talk_s=30)))
        channel = dict(await ami.event("DialEnd"))["Channel"]
        later = await ami.act("AbsoluteTimeout", Channel=channel, Timeout="20")
        while later.get("Response") is None:
            later = dict(await ami.read())
        assert later["Message"] == "Timeout Set"
        await asyncio.sleep(1.8)
        assert not call.done()
        await ami.act("AbsoluteTimeout", Channel=channel, Timeout="0.1")
        record = await call
        gone = await ami.act("AbsoluteTimeout", Channel=channel, Timeout="1")
        while gone.get("Response") != "Error":
            gone = dict(await ami.read())
    assert record.hung_up_by == "timeout"
    assert record.billsec < 20
    assert gone["Message"] == "No such channel"


async def test_events_carry_the_calls_variables(pbx: SimulatedPbx) -> None:
    """The caller's channel its token, the far end none; each event the PBX's instant."""
    async with (
        agi_peer({"route": [routed("13900139000")]}) as (agi, port),
        ami_peer(pbx.ami_port) as ami,
    ):
        pbx.agi = ("127.0.0.1", port)
        await pbx.call(CallScript(DID, CALLER, (ANSWERS,), talk_s=0.05))
        seen = [await ami.read() for _ in range(5)]
    token = agi.args("route")[0]
    assert [dict(message)["Event"] for message in seen] == [
        *("DialEnd", "BridgeEnter", "BridgeEnter", "Hangup", "Hangup")
    ]
    assert [variables(message)["CS_TOKEN"] for message in seen] == [token, "", token, "", token]
    assert variables(seen[0])["CS_LINE"] == "1"
    assert all(float(dict(message)["Timestamp"]) > 1e9 for message in seen)


async def test_the_channel_list_is_complete(pbx: SimulatedPbx) -> None:
    """Both channels of a bridged call, between a start and an end that counts them."""
    async with (
        agi_peer({"route": [routed("13900139000")]}) as (_, port),
        ami_peer(pbx.ami_port) as ami,
    ):
        pbx.agi = ("127.0.0.1", port)
        call = asyncio.create_task(pbx.call(CallScript(DID, CALLER, (ANSWERS,), talk_s=0.6)))
        for _ in range(3):
            await ami.read()
        assert (await ami.act("CoreShowChannels"))["EventList"] == "start"
        rows = [await ami.event("CoreShowChannel") for _ in range(2)]
        end = dict(await ami.event("CoreShowChannelsComplete"))
        await call
        assert (end["ListItems"], end["ActionID"]) == ("2", "7")
    assert sorted(bool(variables(row)["CS_TOKEN"]) for row in rows) == [False, True]


async def test_least_rights(pbx: SimulatedPbx) -> None:
    """A wrong secret ends the link; before login nothing works, after it only what we may use."""
    async with ami_peer(pbx.ami_port, secret=None) as ami:
        assert (await ami.act("Ping"))["Response"] == "Error"
        refused = await ami.act("Login", Username="callserver", Secret="wrong")
        assert refused["Message"] == "Authentication failed"
        assert await ami.at_end()
    async with ami_peer(pbx.ami_port) as ami:
        assert (await ami.act("Originate"))["Message"] == "Permission denied"
        assert (await ami.act("Ping"))["Ping"] == "Pong"
        assert (await ami.act("CoreStatus"))["CoreCurrentCalls"] == "0"
        version = await ami.act("Getvar", Variable="CS_DIALPLAN_VERSION")
        assert version["Value"] == "1"


async def test_a_hostile_caller_is_withheld(pbx: SimulatedPbx) -> None:
    """What is not a number never leaves the dialplan."""
    async with agi_peer({}) as (agi, port):
        pbx.agi = ("127.0.0.1", port)
        record = await pbx.call(CallScript(DID, "138\r\nEvent: Hangup"))
    assert agi.requests[0]["agi_callerid"] == "unknown"
    assert record.cause == 38


async def test_ami_hangup_ends_the_call(pbx: SimulatedPbx) -> None:
    """At once, by the system."""
    async with (
        agi_peer({"route": [routed("13900139000")]}) as (_, port),
        ami_peer(pbx.ami_port) as ami,
    ):
        pbx.agi = ("127.0.0.1", port)
        call = asyncio.create_task(pbx.call(CallScript(DID, CALLER, (ANSWERS,), talk_s=30)))
        channel = dict(await ami.event("BridgeEnter"))["Channel"].replace("far-end", "carrier")
        await ami.act("Hangup", Channel=channel, Cause="16")
        record = await call
    assert record.hung_up_by == "system"
