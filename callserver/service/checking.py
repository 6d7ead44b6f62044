"""Whether what the server depends on is there and set up as it must be; one finding per point."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from callserver.domain.pbx_contract import (
    DIALPLAN_VERSION,
    GLOBAL_VERSION,
    GLOBALS_REQUIRED,
)

FALLBACK_GLOBAL = "CS_FALLBACK_MAX_S"
FALLBACK_DEFAULT_S = 3600
CLOCK_OFFSET_MS_MAX = 1000
NEEDED_ACTIONS = ("CoreShowChannels", "CoreStatus", "AbsoluteTimeout")
FORBIDDEN_ACTIONS = ("Command", "Originate", "DBPut", "UpdateConfig")


class Outcome(StrEnum):
    """A warning does not fail the check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One point looked at; `hint` says what to do about it."""

    name: str
    outcome: Outcome
    detail: str
    hint: str = ""


class CheckFailed(Exception):
    """The rest of a check makes no sense; text and hint become its finding."""

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.hint = hint


Check = Callable[[], Awaitable[Sequence[Finding]]]


async def run_checks(checks: Mapping[str, Check], deadline_s: float) -> list[Finding]:
    """Run all at once, each for at most `deadline_s`; findings in the order of the checks."""
    outcomes = await asyncio.gather(
        *(_guarded(name, check, deadline_s) for name, check in checks.items())
    )
    return [finding for findings in outcomes for finding in findings]


async def _guarded(name: str, check: Check, deadline_s: float) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(deadline_s):
            return await check()
    except CheckFailed as fault:
        return [Finding(name, Outcome.FAILED, str(fault), fault.hint)]
    except TimeoutError:
        return [Finding(name, Outcome.FAILED, f"no answer within {deadline_s:g} s")]
    except (
        Exception
    ) as fault:  # the check itself broke: that is a finding too, and the rest goes on
        return [Finding(name, Outcome.FAILED, f"{type(fault).__name__}: {fault}")]


class PbxProbe(Protocol):
    """A logged-in AMI link, used for one check."""

    async def variable(self, name: str) -> str:
        """A global variable; empty if not set."""
        ...

    async def permitted(self, action: str) -> bool:
        """Whether the user may run an action; it is sent in a form that changes nothing."""
        ...

    async def fully_booted(self) -> bool:
        """Whether `FullyBooted` comes after the login, as it does with `read = system`."""
        ...

    async def clock_offset_ms(self) -> int:
        """This host's clock minus the PBX's."""
        ...


@dataclass(frozen=True, slots=True)
class PbxExpected:
    """What the configuration says of a PBX."""

    name: str
    fastagi_port: int
    fallback_max_s: int
    trunks: frozenset[str] = frozenset()  # that destinations name


async def check_pbx(probe: PbxProbe, expected: PbxExpected) -> list[Finding]:
    """Rights of the AMI user, the dialplan that is loaded, and the clock."""
    return [
        *await _rights(probe, expected.name),
        *await _dialplan(probe, expected),
        await _clock(probe, expected.name),
    ]


async def _rights(probe: PbxProbe, name: str) -> list[Finding]:
    point = f"asterisk:{name}:rights"
    found: list[Finding] = []
    missing = [action for action in NEEDED_ACTIONS if not await probe.permitted(action)]
    if missing:
        hint = "write = call,reporting in manager.conf"
        found.append(Finding(point, Outcome.FAILED, f"the user may not {', '.join(missing)}", hint))
    if not await probe.fully_booted():
        hint = "read = call,cdr,user,system in manager.conf"
        found.append(Finding(point, Outcome.FAILED, "FullyBooted does not come", hint))
    too_much = [action for action in FORBIDDEN_ACTIONS if await probe.permitted(action)]
    if too_much:
        hint = "take originate, system, command and config out of write"
        detail = f"the user may {', '.join(too_much)}, which the server never needs"
        found.append(Finding(point, Outcome.WARNING, detail, hint))
    return found or [Finding(point, Outcome.OK, "enough, and no more than needed")]


async def _dialplan(probe: PbxProbe, expected: PbxExpected) -> list[Finding]:
    point = f"asterisk:{expected.name}:dialplan"
    version = await probe.variable(GLOBAL_VERSION)
    if version != str(DIALPLAN_VERSION):
        detail = f"version {version} is loaded" if version else "it is not loaded"
        hint = f"include version {DIALPLAN_VERSION} of dialplan/callserver.conf and reload"
        return [Finding(point, Outcome.FAILED, detail, hint)]
    found = [Finding(point, Outcome.OK, f"version {version} is loaded")]
    for name in GLOBALS_REQUIRED:
        found += _global(point, name, await probe.variable(name), expected)
    for trunk in sorted(expected.trunks):
        via = f"CS_VIA_{trunk}"
        if not await probe.variable(via):
            hint = f"set {via}=PJSIP/NUMBER@… in [globals] of extensions.conf"
            detail = f"{via} is not set, and destinations name trunk {trunk}"
            found.append(Finding(point, Outcome.FAILED, detail, hint))
        elif "NUMBER" not in await probe.variable(via):
            hint = f"write NUMBER where the digits go: {via}=PJSIP/NUMBER@…"
            found.append(Finding(point, Outcome.FAILED, f"{via} has no NUMBER in it", hint))
    fallback = await probe.variable(FALLBACK_GLOBAL) or str(FALLBACK_DEFAULT_S)
    if fallback != str(expected.fallback_max_s):
        detail = f"{FALLBACK_GLOBAL} is {fallback}, fallback_max_s is {expected.fallback_max_s}"
        hint = "set both the same: calls without us are rated up to fallback_max_s"
        found.append(Finding(point, Outcome.WARNING, detail, hint))
    return found


def _global(point: str, name: str, value: str, expected: PbxExpected) -> list[Finding]:
    if not value:
        hint = f"set {name} in [globals] of extensions.conf"
        return [Finding(point, Outcome.FAILED, f"{name} is not set", hint)]
    if name == "CS_PBX" and value != expected.name:
        hint = f"set CS_PBX={expected.name}, or name the [[asterisk]] section {value}"
        return [Finding(point, Outcome.FAILED, f"CS_PBX is {value!r}", hint)]
    port = value.rpartition(":")[2] if ":" in value else "4573"
    if name == "CS_SERVER" and expected.fastagi_port and port != str(expected.fastagi_port):
        hint = "CS_SERVER must be where [server] fastagi listens, as the PBX reaches it"
        detail = f"CS_SERVER is {value}, we listen on port {expected.fastagi_port}"
        return [Finding(point, Outcome.FAILED, detail, hint)]
    return []


async def _clock(probe: PbxProbe, name: str) -> Finding:
    offset_ms = await probe.clock_offset_ms()
    point, detail = f"asterisk:{name}:clock", f"{offset_ms} ms from ours"
    if abs(offset_ms) > CLOCK_OFFSET_MS_MAX:
        return Finding(point, Outcome.WARNING, detail, "keep both clocks right with NTP")
    return Finding(point, Outcome.OK, detail)


def failed(findings: Sequence[Finding]) -> bool:
    """Whether anything failed; warnings do not count."""
    return any(finding.outcome is Outcome.FAILED for finding in findings)
