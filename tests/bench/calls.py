"""Calls as the load plays them: arrive, answer, talk for a moment, hang up."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from callserver.domain.identity import call_id, shard_of, token_hash
from tests.bench.agi import AgiSession
from tests.bench.ami import Ami, instant
from tests.bench.asterisk_bytes import ANSWERED, HANGUP, HUNG_UP, ROUTE
from tests.bench.books import customer_of, did_of, fee_micros

CS_OK = b',CS_OK=1"'


@dataclass(slots=True)
class Tally:
    """What became of the calls of one run."""

    begun: int = 0
    routed: int = 0
    ended: int = 0
    faults: int = 0
    fees_micros: int = 0
    decision_s: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Call:
    """One call. `talk_s` is what the PBX says it lasted; it is played in `played_s`."""

    fields: dict[str, str]
    talk_us: int
    answer_us: int = 0
    reported: float = 0.0


class Pbx:
    """Plays calls to the AGI port at `agi` and tells the server of them on its AMI link."""

    def __init__(self, agi: tuple[str, int], dids: int, key: bytes, played_s: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.ami = Ami()
        self.tally = Tally()
        self.on_report: Callable[[Call, str], None] | None = None
        self._agi, self._dids, self._key, self._played_s = agi, dids, key, played_s
        self._count = 0
        self._customer: dict[str, str] = {}

    def call_id(self, call: Call) -> str:
        """What the API knows the call by."""
        customer = customer_of(int(call.fields["did"][3:]))
        return call_id(shard_of(customer), token_hash(call.fields["token"], self._key))

    def arrive(self, then: Callable[[Call], None], *, answered_before_s: float = -1.0) -> None:
        """Bring a call in; `then(call)` when it has been answered.

        Its times are of the past, so that a call of minutes is played in milliseconds: it was
        answered `answered_before_s` ago, or (less than 0) so long ago that it ends now.
        """
        self._count += 1
        self.tally.begun += 1
        count, now_us = self._count, time.time_ns() // 1000
        talk_us = (20 + count % 100) * 1_000_000 + 500_000
        before_us = talk_us if answered_before_s < 0 else int(answered_before_s * 1e6)
        answer_us = now_us - before_us + int(self._played_s * 1e6)
        bits = os.urandom(16).hex()
        fields = {
            "token": f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}",
            "did": did_of(count * 7919 % self._dids),
            "caller": f"138{count % 100_000_000:08d}",
            "channel": f"PJSIP/carrier-{count:08x}",
            "uniqueid": f"{now_us // 1_000_000}.{count}",
            "arrived": instant(answer_us - 2_000_000),
            "answered": str(answer_us // 1000),
            "rang": str((answer_us - 1_500_000) // 1000),
            "held": "300",
        }
        call = Call(fields, talk_us, answer_us)
        self.ami.calls[fields["token"]] = fields

        def decided(said: bytes, began: float, first: float) -> None:
            if CS_OK not in said:
                self._fault(call)
                return
            self.tally.routed += 1
            self.tally.decision_s.append(first - began)
            self.ami.publish(ANSWERED % {**fields, "at": instant(answer_us)})
            then(call)

        AgiSession(self.loop, self._agi, (ROUTE % fields).encode(), decided)

    def hang_up(self, call: Call, then: Callable[[], None]) -> None:
        """End an answered call now."""
        end_us = time.time_ns() // 1000
        talked_us = end_us - call.answer_us
        self.tally.fees_micros += fee_micros(talked_us // 1_000_000)
        call.reported = time.perf_counter()
        report = HANGUP % {
            **call.fields,
            "answer": instant(call.answer_us),
            "end": instant(end_us),
            "talk": str(talked_us // 1000),
        }

        def reported(said: bytes, _began: float, _first: float) -> None:
            self.tally.faults += bool(said)
            self.ami.publish(HUNG_UP % {**call.fields, "at": instant(end_us + 1500)})
            del self.ami.calls[call.fields["token"]]
            self.tally.ended += 1
            then()

        AgiSession(self.loop, self._agi, report.encode(), reported)

    def _fault(self, call: Call) -> None:
        self.tally.faults += 1
        del self.ami.calls[call.fields["token"]]


def read_key(data: Path) -> bytes:
    """The server's key for call_ids."""
    return (data / "call_id.key").read_bytes()
