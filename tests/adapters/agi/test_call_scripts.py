"""The AGI scripts: what Asterisk asks becomes a question to the services, and back."""

import io
from dataclasses import dataclass, field, replace
from typing import Any, cast

import orjson
import pytest

from callserver.adapters.agi.call_scripts import CallScripts
from callserver.domain.call import Arrival, Attempt, EndSource, HungUpBy, Line, Plan
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.refusal import Refusal
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.service.admit import Admit, Refused, Routed
from callserver.service.hangups import HangupReport, Hangups
from tests.adapters.agi.asterisk import connected, header
from tests.adapters.agi.conftest import Serve

TOKEN = "51c854e2-999d-4859-b861-e5ce634639f4"
UNIQUEID = "1795364153.3"
ROUTE = (TOKEN, UNIQUEID, "1795364153.528860", "pbx1")
NEXT = (TOKEN, "pbx1", "1", "BUSY", "17")
HANGUP = (
    *(TOKEN, "pbx1", UNIQUEID, "1795364162.176400", "1795364164.577902", "1795364165.085728"),
    *("507", "ANSWER", "16", "1:BUSY:17:312;2:ANSWER:16:1503", "2", "caller", "1"),
    *("02112345670", "1795364162180", ""),
)
ARRIVAL = Arrival(
    token=TOKEN,
    pbx="pbx1",
    uniqueid=UNIQUEID,
    linkedid=UNIQUEID,
    channel="PJSIP/carrier-00000001",
    did="4001234567",
    caller_raw="02100000000",
    arrived_us=1_795_364_153_528_860,
)
PLAN = Plan(
    call_id="07-" + "0" * 32,
    token_hash="0" * 32,
    arrival=ARRIVAL,
    caller=Caller("02100000000", CallerKind.LANDLINE),
    lines=(Line("l1", "02112345670", "carrier", 25, 0), Line("l2", "13900000000", "mobile", 30, 0)),
)


@dataclass
class Services:
    """Admit and Hangups in one: answers as told, and notes what it was asked."""

    answer: Routed | Refused | Exception = field(default_factory=lambda: Routed(PLAN, 2, 300))
    next_answer: int | Exception = 2
    loaded: bool = True
    asked: list[Any] = field(default_factory=list)
    decided: list[Refusal | None] = field(default_factory=list)

    @property
    def catalogue(self) -> "Services":
        return self

    async def route(self, arrival: Arrival) -> Routed | Refused:
        self.asked.append(arrival)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def next_line(self, token: str, line: int) -> int:
        self.asked.append((token, line))
        if isinstance(self.next_answer, Exception):
            raise self.next_answer
        return self.next_answer

    async def reported(self, report: HangupReport) -> None:
        self.asked.append(report)

    def note(self, seconds: float, refusal: Refusal | None) -> None:
        assert seconds >= 0
        self.decided.append(refusal)


async def ask(
    serve: Serve, services: Services, script: str, args: tuple[str, ...], **headers: str
) -> list[str]:
    """Run one script; the commands Asterisk got."""
    scripts = CallScripts(
        cast(Admit, services),
        cast(Hangups, services),
        frozenset({"pbx1"}),
        services.note,
        {Refusal.NO_CREDIT: "prompts/no_credit"},
    )
    server = await serve(scripts)
    path = f"{script}/4001234567/{UNIQUEID}"
    async with connected(server.port, header(path, args, **headers)) as asterisk:
        await asterisk.answer(b"200 result=0\n")
        await asterisk.ended()
        return asterisk.commands


async def test_route_tells_lines_and_hold(serve: Serve) -> None:
    """The decision in one command, CS_OK last, and the arrival as the PBX knows it."""
    services = Services()
    (command,) = await ask(serve, services, "route", ROUTE)
    assert command == (
        'EXEC MSet "CS_LINES=2,CS_DEST_1=02112345670,CS_TRUNK_1=carrier,CS_RING_1=25,'
        "CS_DEST_2=13900000000,CS_TRUNK_2=mobile,CS_RING_2=30,"
        'CS_LINE=2,CS_HELD=300,CS_OK=1"'
    )
    assert services.asked == [ARRIVAL]
    assert services.decided == [None]


async def test_withheld_caller_is_empty(serve: Serve) -> None:
    """Asterisk's `unknown` is no number."""
    services = Services()
    await ask(serve, services, "route", ROUTE, callerid="unknown")
    assert services.asked == [replace(ARRIVAL, caller_raw="")]


async def test_refusal_tells_reason_cause_and_prompt(serve: Serve) -> None:
    """The dialplan learns why, what to hang up with and what to play."""
    services = Services(answer=Refused(PLAN, Refusal.NO_CREDIT))
    (command,) = await ask(serve, services, "route", ROUTE)
    assert command == (
        'EXEC MSet "CS_REFUSED=no_credit,CS_CAUSE=21,CS_PROMPT=prompts/no_credit,CS_OK=0"'
    )
    assert services.decided == [Refusal.NO_CREDIT]


async def test_without_a_catalogue_the_dialplan_decides(serve: Serve) -> None:
    """A server that knows no numbers yet must not refuse them."""
    services = Services(loaded=False)
    assert await ask(serve, services, "route", ROUTE) == []
    assert services.asked == []


async def test_fault_leaves_the_call_to_the_dialplan(serve: Serve) -> None:
    """Nothing is set, so the last good route is dialled."""
    services = Services(answer=RuntimeError("a bug"))
    assert await ask(serve, services, "route", ROUTE) == []


async def test_next_tells_the_next_line(serve: Serve) -> None:
    """The slot was moved; 0 when none is left."""
    services = Services(next_answer=0)
    assert await ask(serve, services, "next", NEXT) == ['EXEC MSet "CS_LINE=0,CS_NEXT_OK=1"']
    assert services.asked == [(TOKEN, 1)]


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), OutcomeUnknown("late")])
async def test_next_without_redis_says_nothing(serve: Serve, fault: Exception) -> None:
    """The dialplan then dials on by itself."""
    assert await ask(serve, Services(next_answer=fault), "next", NEXT) == []


async def test_hangup_is_reported_whole(serve: Serve) -> None:
    """Times, who, cause and every attempt reach the service; nothing is set."""
    services = Services()
    assert await ask(serve, services, "hangup", HANGUP) == []
    (report,) = services.asked
    end = report.end
    assert (report.routed, report.refusal) == (True, None)
    assert (report.arrival.token, report.arrival.uniqueid) == (TOKEN, UNIQUEID)
    assert (end.answered_us, end.ended_us) == (1_795_364_164_577_902, 1_795_364_165_085_728)
    assert (end.hung_up_by, end.hangup_cause, end.source) == (HungUpBy.CALLER, 16, EndSource.REPORT)
    assert (end.line, end.destination, end.rang_us) == (2, "02112345670", 1_795_364_162_180_000)
    assert [type(attempt) for attempt in end.attempts] == [Attempt, Attempt]


async def test_refused_call_is_reported_with_its_refusal(serve: Serve) -> None:
    """The reason comes back from the channel, so that a restarted server knows it."""
    services = Services()
    refused = (*HANGUP[:9], "", "0", "caller", "0", "", "", "blocked")
    await ask(serve, services, "hangup", refused)
    (report,) = services.asked
    assert (report.routed, report.refusal) == (False, Refusal.BLOCKED)


@pytest.mark.parametrize(
    ("script", "args"),
    [
        ("route", ROUTE[:3]),
        ("route", ("no-token", *ROUTE[1:])),
        ("route", (*ROUTE[:3], "pbx9")),
        ("next", (*NEXT[:2], "99", *NEXT[3:])),
        ("hangup", HANGUP[:-1]),
        ("delete", ROUTE),
    ],
    ids=["too few", "no token", "unknown PBX", "line", "hangup", "unknown script"],
)
async def test_request_of_another_form_is_not_used(
    serve: Serve, log_text: io.StringIO, script: str, args: tuple[str, ...]
) -> None:
    """It is named in the log, without its values; nothing is asked, nothing is set."""
    services = Services()
    assert await ask(serve, services, script, args) == []
    assert services.asked == []
    events = [orjson.loads(line)["event"] for line in log_text.getvalue().splitlines()]
    assert events.count("agi.bad_request") == 1
    assert TOKEN not in log_text.getvalue()
