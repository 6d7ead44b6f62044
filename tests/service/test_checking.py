"""Checks run side by side, each fault a finding; what is expected of a PBX."""

import asyncio
from dataclasses import dataclass, field

import pytest

from callserver.domain.pbx_contract import DIALPLAN_VERSION
from callserver.service.checking import (
    FORBIDDEN_ACTIONS,
    CheckFailed,
    Finding,
    Outcome,
    PbxExpected,
    check_pbx,
    failed,
    run_checks,
)

GOOD = {
    "CS_DIALPLAN_VERSION": str(DIALPLAN_VERSION),
    "CS_SERVER": "127.0.0.1:4573",
    "CS_PBX": "main",
    "CS_FALLBACK_MAX_S": "3600",
    "CS_VIA_carrier": "PJSIP/NUMBER@carrier",
}
FAULTS = [  # what is different, point, how bad, part of the detail
    ({"variables": {}}, "dialplan", Outcome.FAILED, "not loaded"),
    ({"variables": GOOD | {"CS_DIALPLAN_VERSION": "0"}}, "dialplan", Outcome.FAILED, "version 0"),
    ({"variables": GOOD | {"CS_SERVER": ""}}, "dialplan", Outcome.FAILED, "CS_SERVER is not set"),
    ({"variables": GOOD | {"CS_SERVER": "h:1"}}, "dialplan", Outcome.FAILED, "on port 4573"),
    ({"variables": GOOD | {"CS_PBX": "x"}}, "dialplan", Outcome.FAILED, "CS_PBX is 'x'"),
    ({"variables": GOOD | {"CS_VIA_carrier": ""}}, "dialplan", Outcome.FAILED, "name trunk"),
    ({"variables": GOOD | {"CS_VIA_carrier": "PJSIP/1"}}, "dialplan", Outcome.FAILED, "no NUMBER"),
    ({"variables": GOOD | {"CS_FALLBACK_MAX_S": "9"}}, "dialplan", Outcome.WARNING, "is 9"),
    (
        {"denied": {"CoreStatus", *FORBIDDEN_ACTIONS}},
        "rights",
        Outcome.FAILED,
        "may not CoreStatus",
    ),
    ({"denied": set()}, "rights", Outcome.WARNING, "may Command, Originate"),
    ({"booted": False}, "rights", Outcome.FAILED, "FullyBooted"),
    ({"offset_ms": -1500}, "clock", Outcome.WARNING, "-1500 ms"),
]


@dataclass
class _Probe:
    """A PBX as told."""

    variables: dict[str, str] = field(default_factory=lambda: dict(GOOD))
    denied: set[str] = field(default_factory=lambda: set(FORBIDDEN_ACTIONS))
    booted: bool = True
    offset_ms: int = 3

    async def variable(self, name: str) -> str:
        return self.variables.get(name, "")

    async def permitted(self, action: str) -> bool:
        return action not in self.denied

    async def fully_booted(self) -> bool:
        return self.booted

    async def clock_offset_ms(self) -> int:
        return self.offset_ms


EXPECTED = PbxExpected("main", 4573, 3600, frozenset({"carrier"}))


async def test_a_pbx_set_up_as_the_manual_says_passes() -> None:
    """Rights, dialplan and clock are each found in order."""
    findings = await check_pbx(_Probe(), EXPECTED)
    assert [(found.name, found.outcome) for found in findings] == [
        ("asterisk:main:rights", Outcome.OK),
        ("asterisk:main:dialplan", Outcome.OK),
        ("asterisk:main:clock", Outcome.OK),
    ]


async def test_the_usual_port_need_not_be_written() -> None:
    """CS_SERVER without a port means 4573, as for agi://."""
    probe = _Probe(variables=GOOD | {"CS_SERVER": "127.0.0.1"})
    assert not failed(await check_pbx(probe, EXPECTED))


@pytest.mark.parametrize(("changed", "point", "outcome", "detail"), FAULTS)
async def test_each_fault_of_a_pbx_is_found(
    changed: dict[str, object], point: str, outcome: Outcome, detail: str
) -> None:
    """A wrong right, global or clock is one finding with a hint."""
    findings = await check_pbx(_Probe(**changed), EXPECTED)  # type: ignore[arg-type]  # by field name
    wrong = [found for found in findings if found.outcome is not Outcome.OK]
    assert [(found.name, found.outcome) for found in wrong] == [(f"asterisk:main:{point}", outcome)]
    assert (detail in wrong[0].detail, wrong[0].hint != "") == (True, True)
    assert failed(findings) == (outcome is Outcome.FAILED)


async def test_checks_run_at_once_and_none_stops_the_others() -> None:
    """A failure, a fault of the check itself and an endless one become findings, in order."""
    started = asyncio.Event()

    async def good() -> list[Finding]:
        await started.wait()  # would wait for ever if checks ran one after the other
        return [Finding("good", Outcome.OK, "fine")]

    async def bad() -> list[Finding]:
        started.set()
        raise CheckFailed("no", "do this")

    async def broken() -> list[Finding]:
        raise KeyError("x")

    async def endless() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    checks = {"good": good, "bad": bad, "broken": broken, "endless": endless}
    assert await run_checks(checks, 0.2) == [
        Finding("good", Outcome.OK, "fine"),
        Finding("bad", Outcome.FAILED, "no", "do this"),
        Finding("broken", Outcome.FAILED, "KeyError: 'x'"),
        Finding("endless", Outcome.FAILED, "no answer within 0.2 s"),
    ]
