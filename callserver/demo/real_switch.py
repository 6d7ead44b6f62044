"""The same day on a real Asterisk: SIPp calls in, and SIPp answers as the lines."""

import asyncio
import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from callserver.config import AsteriskConfig
from callserver.demo import business
from callserver.demo.asterisk.calls import CarrierCalls
from callserver.demo.asterisk.destinations import Destination
from callserver.demo.asterisk.folder import ensure_asterisk_folder
from callserver.demo.asterisk.free_ports import free_tcp_port
from callserver.demo.asterisk.instance import AsteriskInstance, CdrLine
from callserver.demo.day import PlannedCall
from callserver.demo.proof import CallFacts
from callserver.demo.reckoning import due
from callserver.domain.business import Catalogue, Did

CALLS_AT_ONCE_MAX = 60  # each is a SIPp process of its own
CALL_MAX_S = 60.0
NEVER_MS = 120_000
# How each number's lines react: SIPp has one port per reaction, and Asterisk one trunk.
_TRUNKS = {
    business.CLINIC_DID: ("answers", "answers"),
    business.TEA_DID: ("busy", "answers", "answers"),
    business.FREIGHT_DID: ("rings", "answers"),
    business.FLORIST_DID: ("answers",),
    business.TAXI_DID: ("answers",),
    business.NIGHT_DID: ("rings", "rings"),
    business.CROWDED_DID: ("busy", "busy"),
    business.CLOSED_DID: ("answers",),
}
_DIDS = {
    "answered": business.CLINIC_DID,
    "withheld": business.CLINIC_DID,
    "overflow": business.TEA_DID,
    "next_answers": business.FREIGHT_DID,
}  # other kinds keep their number


class AsteriskSwitch:
    """A private Asterisk 22 in a folder. Needs root and sip-tester."""

    apart_ms = 20

    def __init__(self, name: str, work_dir: Path) -> None:
        self._name = name
        self._work_dir = work_dir
        self._lines = ExitStack()
        self._asterisk: AsteriskInstance | None = None
        self._callers = ThreadPoolExecutor(CALLS_AT_ONCE_MAX, "sipp")
        self.agi_port = free_tcp_port()
        self.business = on_trunks(business.business())

    async def __aenter__(self) -> "AsteriskSwitch":
        try:
            await asyncio.to_thread(self._start)
        except BaseException:
            self._stop()  # nothing else would: a context that was not entered is not left
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._stop)

    def _start(self) -> None:
        folder = ensure_asterisk_folder()
        lines = {
            "answers": Destination.answers(ring_ms=400),
            "busy": Destination.rejects(486, after_ms=150),
            "rings": Destination.never_answers(),
        }
        for line in lines.values():
            self._lines.callback(line.close)
            line.start()
        self._asterisk = AsteriskInstance(
            folder,
            self._work_dir,
            ("127.0.0.1", self.agi_port),
            pbx=self._name,
            trunks={name: line.port for name, line in lines.items()},
        )
        self._lines.callback(self._asterisk.stop)
        self._asterisk.start()

    def _stop(self) -> None:
        self._callers.shutdown()
        self._lines.close()

    @property
    def _running(self) -> AsteriskInstance:
        if self._asterisk is None:
            raise RuntimeError("enter the switch first")
        return self._asterisk

    @property
    def settings(self) -> AsteriskConfig:
        """Its AMI, with the user of dialplan/manager.conf."""
        asterisk = self._running
        return AsteriskConfig.model_validate(
            {
                "name": self._name,
                "port": asterisk.ami_port,
                "user": asterisk.ami_user,
                "secret": asterisk.ami_secret,
                "cdr_file": str(asterisk.cdr_file),
            }
        )

    def reach(self, agi_port: int) -> None:
        """Its dialplan names the port already."""
        if agi_port != self.agi_port:
            raise RuntimeError(f"FastAGI is at {agi_port}, Asterisk expects it at {self.agi_port}")

    async def call(self, planned: PlannedCall) -> None:
        """Bring one call in, now, and see it to its end."""
        await asyncio.get_running_loop().run_in_executor(self._callers, self._call, planned)

    def _call(self, planned: PlannedCall) -> None:
        script = planned.script
        with CarrierCalls(
            self._running.sip_port,
            _DIDS.get(planned.kind, script.did),
            callers=(script.caller,),
            talk_ms=round(script.talk_s * 1000),
            give_up_ms=NEVER_MS if script.gives_up_s is None else round(script.gives_up_s * 1000),
        ) as sipp:
            sipp.wait(CALL_MAX_S)

    def seen(self, day: Sequence[PlannedCall]) -> dict[str, CallFacts]:
        """The calls by Asterisk's own CDR file."""
        callers = {planned.script.caller: planned.caller for planned in day}
        calls: dict[str, list[CdrLine]] = {}
        for line in self._running.cdr_lines():
            calls.setdefault(line.uniqueid, []).append(line)
        return {
            uniqueid: seen_in_cdr_lines(lines, callers.get(lines[0].caller, ""))
            for uniqueid, lines in calls.items()
        }


def on_trunks(book: Catalogue) -> Catalogue:
    """The same business, each line on the trunk that reacts as it should."""
    dids = {number: _on_trunks(did, _TRUNKS[number]) for number, did in book.dids.items()}
    return dataclasses.replace(book, dids=dids)


def _on_trunks(did: Did, trunks: Sequence[str]) -> Did:
    lines = zip(did.destinations, trunks, strict=True)
    moved = tuple(dataclasses.replace(line, trunk=trunk, calls_max=0) for line, trunk in lines)
    return dataclasses.replace(did, destinations=moved)


def seen_in_cdr_lines(lines: Sequence[CdrLine], caller: str) -> CallFacts:
    """One call from the lines of its attempts. Why it failed they do not tell apart enough."""
    last = max(lines, key=lambda line: line.end_us)
    dialled = any(line.dstchannel for line in lines)
    disposition = "answered" if last.answer_us else None if dialled else "refused"
    billsec = max(1, last.billsec) if last.answer_us else 0
    return CallFacts(
        did=last.did,
        caller=caller,
        disposition=disposition,
        destination=None,
        billsec=billsec,
        answered_ms=last.answer_us // 1000,
        ended_ms=last.end_us // 1000,
        fee=due(last.did, billsec),
    )
