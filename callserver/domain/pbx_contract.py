"""What passes between the dialplan and the server, in both directions: names, places, forms.

The single source: the AGI and AMI adapters, the simulated PBX and the test that holds
`dialplan/*.conf` and its README to the code all take it from here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from callserver.domain.attempts import parse_tried
from callserver.domain.call import Attempt, HungUpBy
from callserver.domain.identity import is_slug, is_token
from callserver.domain.pbx_cdr import instant_us
from callserver.domain.refusal import Refusal

DIALPLAN_VERSION = 1  # global CS_DIALPLAN_VERSION; raised whenever the contract changes
LINES_MAX = 20
HELD_S_MAX = 999_999
RING_S_MAX = 999

# Globals an operator sets before the include. CS_VIA_<trunk> holds NUMBER where the digits go.
GLOBAL_VERSION = "CS_DIALPLAN_VERSION"
GLOBALS_REQUIRED = ("CS_SERVER", "CS_PBX")
GLOBALS_OPTIONAL = ("CS_FALLBACK_MAX_S", "CS_DECIDE_MAX_S", "CS_PROMPTS")
GLOBAL_TRUNK_PREFIX = "CS_VIA_"

# Sent back by Asterisk in every AMI event and channel list row (`channelvars`).
CHANNEL_VARIABLES = (
    *("CS_TOKEN", "CS_DID", "CS_LINE", "CS_HELD", "CS_OK", "CS_PBX", "CS_RANG"),
    "CS_ANSWERED",
)

# Set by the server on the caller's channel. *_OK is always the last of its reply.
ROUTE_OK = "CS_OK"
ROUTE_VARIABLES = ("CS_LINES", "CS_LINE", "CS_HELD", ROUTE_OK)
ROUTE_LINE_PREFIXES = ("CS_DEST_", "CS_TRUNK_", "CS_RING_")  # + 1 … CS_LINES
REFUSAL_VARIABLES = ("CS_REFUSED", "CS_CAUSE", "CS_PROMPT", ROUTE_OK)
NEXT_OK = "CS_NEXT_OK"
NEXT_VARIABLES = ("CS_LINE", NEXT_OK)

# Positional arguments, in order: the dialplan expression that fills each.
ROUTE_ARGS = ("${CS_TOKEN}", "${CHANNEL(linkedid)}", "${CDR(start,u)}", "${CS_PBX}")
NEXT_ARGS = ("${CS_TOKEN}", "${CS_PBX}", "${CS_LINE}", "${DIALSTATUS}", "${HANGUPCAUSE}")
HANGUP_ARGS = (
    *("${CS_TOKEN}", "${CS_PBX}", "${CHANNEL(linkedid)}"),
    *("${CDR(start,u)}", "${CDR(answer,u)}", "${CDR(end,u)}", "${ANSWEREDTIME_MS}"),
    *("${DIALSTATUS}", "${HANGUPCAUSE}", "${CS_TRIED}", "${CS_LINE}", "${CS_WHO}", "${CS_OK}"),
    *("${CS_TO}", "${CS_RANG}", "${CS_REFUSED}"),
)

_DID = re.compile(r"400[0-9]{7}", re.ASCII)
_UNIQUEID = re.compile(r"[A-Za-z0-9_.-]{1,149}", re.ASCII)
_INSTANT = re.compile(r"[0-9]{1,12}\.[0-9]{6}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_STATUS = re.compile(r"[A-Z]{0,16}", re.ASCII)
_DESTINATION = re.compile(r"\+?[0-9]{3,20}", re.ASCII)


_ENDERS = frozenset(HungUpBy)
_REFUSALS = frozenset(Refusal)


class BadPbxRequest(ValueError):
    """A request of the PBX that is not of the contract's form; nothing in it may be used."""


class Script(StrEnum):
    """AGI scripts: the first part of the URL's path."""

    ROUTE = "route"
    NEXT = "next"
    HANGUP = "hangup"


_SCRIPTS = frozenset(Script)


@dataclass(frozen=True, slots=True)
class AgiPath:
    """`agi_network_script`: script/did/uniqueid."""

    script: Script
    did: str
    uniqueid: str

    @classmethod
    def parse(cls, path: str) -> "AgiPath":
        """Read `route/4001234567/1700000000.1`. Raises BadPbxRequest."""
        parts = path.split("/")
        if len(parts) != 3 or parts[0] not in _SCRIPTS:
            raise BadPbxRequest("the path is not script/did/uniqueid")
        return cls(
            Script(parts[0]),
            _matching(_DID, parts[1], "did"),
            _matching(_UNIQUEID, parts[2], "uniqueid"),
        )


@dataclass(frozen=True, slots=True)
class RouteArgs:
    """Arguments of /route. `arrived_us`: epoch microseconds of the PBX's clock."""

    token: str
    linkedid: str
    arrived_us: int
    pbx: str

    @classmethod
    def parse(cls, args: Sequence[str]) -> "RouteArgs":
        """Read them strictly, in the contract's order. Raises BadPbxRequest."""
        token, linkedid, start, pbx = _exactly(args, ROUTE_ARGS)
        return cls(_token(token), _linkedid(linkedid), _required_us(start, "start"), _pbx(pbx))


@dataclass(frozen=True, slots=True)
class NextArgs:
    """Arguments of /next: which line (1-based) failed, and how."""

    token: str
    pbx: str
    line: int
    dial_status: str
    hangup_cause: int

    @classmethod
    def parse(cls, args: Sequence[str]) -> "NextArgs":
        """Read them strictly, in the contract's order. Raises BadPbxRequest."""
        token, pbx, line, status, cause = _exactly(args, NEXT_ARGS)
        failed = _number(line, "line")
        if not 1 <= failed <= LINES_MAX:
            raise BadPbxRequest(f"line {failed} is not within 1 … {LINES_MAX}")
        return cls(_token(token), _pbx(pbx), failed, _status(status), _number(cause, "cause"))


@dataclass(frozen=True, slots=True)
class HangupArgs:
    """Arguments of /hangup. Instants: epoch microseconds of the PBX's clock, 0 where none.

    `start_us` is the last attempt's, not the arrival's. `routed`: True routed, False refused,
    None where the server was away and the dialplan fell back. `line` 0: none, or the fallback.
    `refusal`: why it was not routed, None unless it was refused.
    """

    token: str
    pbx: str
    linkedid: str
    start_us: int
    answer_us: int
    end_us: int
    answered_ms: int
    dial_status: str
    hangup_cause: int
    tried: tuple[Attempt, ...]
    line: int
    who: HungUpBy
    routed: bool | None
    destination: str
    rang_us: int
    refusal: Refusal | None

    @classmethod
    def parse(cls, args: Sequence[str]) -> "HangupArgs":
        """Read them strictly, in the contract's order. Raises BadPbxRequest."""
        token, pbx, linkedid, *rest = _exactly(args, HANGUP_ARGS)
        start, answer, end, answered_ms, status, cause, tried, line, who, *last = rest
        ok, dialled, rang, refused = last
        if who not in _ENDERS:
            raise BadPbxRequest("who is none of those who can hang up")
        if ok not in _ROUTED:
            raise BadPbxRequest("the outcome is neither 1, 0 nor empty")
        return cls(
            token=_token(token),
            pbx=_pbx(pbx),
            linkedid=_linkedid(linkedid),
            start_us=_optional_us(start, "start"),
            answer_us=_optional_us(answer, "answer"),
            end_us=_required_us(end, "end"),
            answered_ms=_number(answered_ms, "answered time"),
            dial_status=_status(status),
            hangup_cause=_number(cause, "cause"),
            tried=parse_tried(tried),
            line=_number(line, "line"),
            who=HungUpBy(who),
            routed=_ROUTED[ok],
            destination=_matching(_DESTINATION, dialled, "destination") if dialled else "",
            rang_us=_number(rang, "ring start") * 1000,
            refusal=_refusal(refused) if _ROUTED[ok] is False else None,
        )


_ROUTED = {"1": True, "0": False, "": None}


@dataclass(frozen=True, slots=True)
class DialLine:
    """One line of a decision: digits to dial, trunk name, seconds to ring."""

    destination: str
    trunk: str
    ring_s: int


def route_reply(lines: Sequence[DialLine], line: int, held_s: int) -> dict[str, str]:
    """Variables of a decision, in the order to set them. line: 1-based, the slot that is taken.

    Raises ValueError for what the dialplan would refuse to dial.
    """
    if not 1 <= len(lines) <= LINES_MAX or not 1 <= line <= len(lines):
        raise ValueError(f"line {line} of {len(lines)}: 1 … {LINES_MAX} lines can be dialled")
    if not 0 < held_s <= HELD_S_MAX:
        raise ValueError(f"held for {held_s} s: not within 1 … {HELD_S_MAX}")
    reply = {"CS_LINES": str(len(lines))}
    for index, each in enumerate(lines, start=1):
        if not _DESTINATION.fullmatch(each.destination) or not is_slug(each.trunk):
            raise ValueError(f"line {index} has no destination or trunk that can be dialled")
        if not 1 <= each.ring_s <= RING_S_MAX:
            raise ValueError(f"line {index} rings {each.ring_s} s: not within 1 … {RING_S_MAX}")
        reply[f"CS_DEST_{index}"] = each.destination
        reply[f"CS_TRUNK_{index}"] = each.trunk
        reply[f"CS_RING_{index}"] = str(each.ring_s)
    return {**reply, "CS_LINE": str(line), "CS_HELD": str(held_s), ROUTE_OK: "1"}


def refusal_reply(reason: Refusal, cause: int, prompt: str = "") -> dict[str, str]:
    """Variables of a refusal, in the order to set them. prompt: a sound file's name, or empty."""
    if not re.fullmatch(r"[A-Za-z0-9/_-]{0,100}", prompt, re.ASCII):
        raise ValueError("a prompt's name has letters, digits, / _ and - alone")
    return {"CS_REFUSED": reason, "CS_CAUSE": str(cause), "CS_PROMPT": prompt, ROUTE_OK: "0"}


def next_reply(line: int) -> dict[str, str]:
    """Variables that answer /next, in the order to set them. line 0: none is left."""
    if not 0 <= line <= LINES_MAX:
        raise ValueError(f"line {line} is not within 0 … {LINES_MAX}")
    return {"CS_LINE": str(line), NEXT_OK: "1"}


def _exactly(args: Sequence[str], names: Sequence[str]) -> Sequence[str]:
    if len(args) != len(names):
        raise BadPbxRequest(f"{len(args)} arguments instead of {len(names)}")
    return args


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise BadPbxRequest(f"{what} is not of its form")  # never the text: it may be secret
    return text


def _token(text: str) -> str:
    if not is_token(text):
        raise BadPbxRequest("token is not of its form")
    return text


def _pbx(text: str) -> str:
    if not is_slug(text):
        raise BadPbxRequest("pbx is not of its form")
    return text


def _linkedid(text: str) -> str:
    return _matching(_UNIQUEID, text, "linkedid")


def _status(text: str) -> str:
    return _matching(_STATUS, text, "dial status")


def _refusal(text: str) -> Refusal:
    if text not in _REFUSALS:
        raise BadPbxRequest("the refusal is none of ours")
    return Refusal(text)


def _number(text: str, what: str) -> int:
    return int(_matching(_NUMBER, text, what)) if text else 0


def _optional_us(text: str, what: str) -> int:
    return instant_us(_matching(_INSTANT, text, what)) if text else 0


def _required_us(text: str, what: str) -> int:
    instant = _optional_us(text, what)
    if instant == 0:
        raise BadPbxRequest(f"{what} is missing")
    return instant
