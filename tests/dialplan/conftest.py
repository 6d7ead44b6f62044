"""A real Asterisk with our dialplan, and a scripted server in callserver's place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from callserver.demo.asterisk.folder import AsteriskFolder
from callserver.domain.pbx_contract import (
    DialLine,
    HangupArgs,
    next_reply,
    route_reply,
)
from tests.dialplan.scripted_agi import AgiRequest, ScriptedAgi
from tests.e2e.bed import Bed, CallResult, CdrLine, Destination
from tests.e2e.bed.fixtures import asterisk_folder

__all__ = ["asterisk_folder"]

DID = "4001234567"


@dataclass
class Stage:
    """One bed with its scripted server, and what the server is to decide next."""

    bed: Bed
    agi: ScriptedAgi
    trunks: list[str] = field(default_factory=list)
    held_s: int = 30
    ring_s: int = 2

    def reset(self) -> None:
        """Back to a server that routes to `answers`, and to no calls seen."""
        self.agi.requests.clear()
        self.agi.answers = {"route": self.route, "next": self.next_line}
        self.trunks, self.held_s, self.ring_s = ["answers"], 30, 2

    def route(self, request: AgiRequest) -> Mapping[str, str]:
        """Decide for the trunks of this test, in order."""
        lines = [
            DialLine(f"0211234567{index}", trunk, self.ring_s)
            for index, trunk in enumerate(self.trunks)
        ]
        return route_reply(lines, 1, self.held_s)

    def next_line(self, request: AgiRequest) -> Mapping[str, str]:
        """The line after the failed one."""
        failed = int(request.args[2])
        return next_reply(failed + 1 if failed < len(self.trunks) else 0)

    def call(self, did: str = DID, **options: Any) -> tuple[CallResult, HangupArgs]:
        """Make one call and return what the carrier saw and what the hangup handler said."""
        before = len(self.agi.of("hangup"))
        result = self.bed.call(did, **options)
        report = self.agi.wait_for("hangup", before + 1)[-1]
        return result, HangupArgs.parse(report.args)

    def cdr_lines(self, token: str, count: int) -> list[CdrLine]:
        """Asterisk's own lines for a token, once there are count."""
        found: list[CdrLine] = []
        for _ in range(200):
            found = [line for line in self.bed.asterisk.cdr_lines() if line.token == token]
            if len(found) >= count:
                break
            self.bed.wait_idle()
        assert len(found) == count
        return found


@pytest.fixture(scope="module")
def bed_and_agi(
    asterisk_folder: AsteriskFolder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """One Asterisk a module; its destinations are trunks named after what they do."""
    destinations = {
        "answers": Destination.answers(ring_ms=150),
        "hangs-up": Destination.answers(ring_ms=150, talk_ms=1300),
        "busy": Destination.rejects(486),
        "congested": Destination.rejects(503),
        "unallocated": Destination.rejects(404),
        "moved": Destination.rejects(302, headers="Contact: <sip:4001234567@127.0.0.1>"),
        "rings_on": Destination.never_answers(),
    }
    options = {
        "globals_extra": {"CS_DECIDE_MAX_S": "1", "CS_FALLBACK_MAX_S": "2"},
    }
    with (
        ScriptedAgi() as agi,
        Bed(asterisk_folder, tmp_path_factory.mktemp("bed"), agi.address, destinations, **options)
        as bed,
    ):  # fmt: skip
        yield Stage(bed, agi)


@pytest.fixture
def stage(bed_and_agi: Stage) -> Stage:
    """The module's Asterisk, with a server that routes to `answers`."""
    bed_and_agi.reset()
    return bed_and_agi
