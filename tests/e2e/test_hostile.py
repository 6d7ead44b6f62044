"""Hostile caller data and dialled numbers, through SIPp, Asterisk and the server.

What the dialplan alone makes of them is tested beside it; here: no CDR too many or too few, no
other call touched, and nothing hostile kept or shown anywhere.
"""

import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e import verify
from tests.e2e.bed.bed import eventually
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Terms
from tests.e2e.world import Row, World

pytestmark = pytest.mark.e2e

SECOND = Terms("0.60", 1, 1)
ACME = Party("acme", "4001000001", ("answers",), SECOND)
VICTIM = Party("victim", "4001000002", ("answers",), SECOND)
VICTIM_TALK_MS = 15_000
MARK = "evilmark"  # in every payload, and afterwards nowhere
PLAIN = "<sip:13800138000@127.0.0.1>"
BREAK = "%0d%0a%0d%0a"

# From header, more headers, the caller in the CDR. {…} are the victim's; to SIPp \x5b is [.
CALLERS = [
    (f"<sip:138{BREAK}Event%3a%20Hangup%0d%0aUniqueid%3a%20{{uniqueid}}{BREAK}@127.0.0.1>", "", ""),
    (f'"{BREAK}Event: Hangup{BREAK}" <sip:138%0aagi_arg_1%3a%20{{token}}@127.0.0.1>', "", ""),
    (PLAIN, f"Diversion: <sip:9{BREAK}ChanVariable%3a%20CS_TOKEN={{token}}@x.test>", "13800138000"),
    (PLAIN, f"P-Asserted-Identity: <sip:9%0a200%20result=1%20({MARK})@x.test>", "13800138000"),
    (PLAIN, "CS_TOKEN: {token}\nCS_OK: 1", "13800138000"),
    (f"<sip:%24%7bSHELL(echo%20{MARK})%7d@127.0.0.1>", "", ""),
    (f"<sip:%24%5b1+1%5d{MARK}@127.0.0.1>", "", ""),
    (f"<sip:138,{MARK};{MARK}@127.0.0.1>", "", ""),
    (f"<sip:138%22{MARK}@127.0.0.1>", "", ""),
    (f"<sip:%E4%B8%AD%E6%96%87{MARK}@127.0.0.1>", "", ""),
    (f"<sip:{'9' * 200}@127.0.0.1>", "", ""),
    ("<sip:1+1@127.0.0.1>", "", ""),
    (f'"中文，‘{MARK}’" {PLAIN}', "", "13800138000"),
    (f'"a,b,${{SHELL(echo {MARK})}},$\\x5b1+1]" {PLAIN}', "", "13800138000"),
    (f'"<script>{MARK}</script>\' OR 1=1 --" {PLAIN}', "", "13800138000"),
]

DIALLED = [  # a second destination, arguments, an expression, special extensions, other lengths
    "4001000001%26PJSIP%2f9",
    "4001000001%2c20%2cg",
    "4001000001%5e9",
    f"%24%7bSHELL(echo%20{MARK})%7d",
    "40010000011",
    "400100000",
    "T",
    "s",
    "h",
]


def test_hostile_callers_get_a_right_cdr_and_touch_no_other_call(make_world: MakeWorld) -> None:
    """Forged events and AGI lines, also ones that know another call's token, do nothing."""
    world = make_world(ACME, VICTIM)
    lasting = world.bed.begin(VICTIM.did, talk_ms=VICTIM_TALK_MS)
    world.wait_answered()
    (before,) = world.live()
    known = {"uniqueid": _only_uniqueid(world), "token": _only_token(world)}
    attacks = [
        world.bed.begin(
            ACME.did,
            from_header=_filled(from_header, known),
            headers=_filled(headers, known),
            talk_ms=300,
        )
        for from_header, headers, _ in CALLERS
    ]
    outcomes = [attack.wait(60)[0].outcome for attack in attacks]
    for (from_header, headers, _), outcome in zip(CALLERS, outcomes, strict=True):
        print(f"{from_header} {headers}: expected answered, got {outcome}")
    assert set(outcomes) == {"answered"}
    eventually(lambda: len(world.cdrs()) == len(CALLERS), "a CDR for each of them")
    (after,) = world.live()
    assert (after["call_id"], after["state"]) == (before["call_id"], "answered")
    (result,) = lasting.wait(60)
    print(f"the other call: expected {VICTIM_TALK_MS} ms, got {result.talk_ms} {result.ended_by}")
    assert result.ended_by == "caller"
    assert result.talk_ms >= VICTIM_TALK_MS - 100
    rows = world.settled(len(CALLERS) + 1)
    _callers_are_clean(world, rows)
    verify.everything(world, rows)
    _nothing_hostile_is_left(world)


def test_hostile_numbers_reach_no_destination(make_world: MakeWorld) -> None:
    """What is not exactly a 400 number is refused, dials nothing, leaves no CDR and no trace."""
    world = make_world(ACME)
    for dialled in DIALLED:
        result = world.bed.call(dialled, give_up_ms=5000)
        print(f"{dialled}: expected refused, got {result.outcome} {result.code}")
        assert result.outcome == "refused"
    assert world.bed.call(ACME.did, talk_ms=300).outcome == "answered"
    world.settled(1)
    time.sleep(8)  # by now lines of Asterisk's file that nobody reported have been looked at
    rows = world.settled(1)
    (destination,) = [
        each for name, each in world.bed.destinations.items() if name == ACME.trunks[0]
    ]
    assert destination.counts()["answered"] == 1
    assert sum(len(each.lines()) for each in world.bed.destinations.values()) == len(
        destination.lines()
    )
    assert world.server.events("cdr_file.line_skipped") == []  # or callers could fill the log
    verify.everything(world, rows)
    _nothing_hostile_is_left(world)


def _filled(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _only_uniqueid(world: World) -> str:
    """The Uniqueid of the one call in the PBX, which is that of the caller's channel."""
    rows = [row.split("!") for row in world.asterisk.cli("core show channels concise").splitlines()]
    (uniqueid,) = [row[-1] for row in rows if "carrier-in" in row[0]]
    return uniqueid


def _only_token(world: World) -> str:
    """The token of the one open meter, read where no caller could."""
    (key,) = world.server.redis("KEYS", "*:meter:*")
    return str(key.decode().rpartition(":")[2])


def _callers_are_clean(world: World, rows: list[Row]) -> None:
    """As the number's owner sees them: digits where the caller showed some, else nothing."""
    token = world.customer_token(ACME.customer)
    shown = world.get("/v1/cdrs?limit=500", token)["cdrs"]
    got = Counter(cdr["caller"]["number"] for cdr in shown)
    expected = Counter(caller for _, _, caller in CALLERS)
    print(f"callers: expected {expected}, got {got}")
    assert got == expected
    assert {row.cdr["uniqueid"] for row in rows if row.cdr["did"] == ACME.did} == {
        cdr["uniqueid"] for cdr in shown
    }


def _nothing_hostile_is_left(world: World) -> None:
    """Not in the API's answers, not in the log, not in SQL, Redis or any other file of ours."""
    paths = ("/v1/cdrs?limit=500", "/v1/calls?state=live", "/v1/accounts/acme/balance", "/metrics")
    for path in paths:
        request = urllib.request.Request(world.server.url + path)
        request.add_header("Authorization", f"Bearer {world.token}")
        with urllib.request.urlopen(request, timeout=5) as response:
            assert MARK.encode() not in response.read(), path
    files = [world.server.log_file, *filter(Path.is_file, world.server.data.rglob("*"))]
    assert len(files) > 3
    assert [path for path in files if MARK.encode() in path.read_bytes()] == []
