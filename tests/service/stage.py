"""A stage for the services: real Valkey and SQLite behind switches, a virtual PBX and clock."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from callserver.adapters.redis import keys
from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.call import Arrival, CallEnd, EndSource, HungUpBy
from callserver.domain.cdr import Cdr
from callserver.domain.identity import shard_of
from callserver.domain.meter import Balance, OpenMeter
from callserver.domain.refusal import Refusal
from callserver.ports import CdrQuery, LiveChannel
from callserver.service.admit import Refused, Routed
from callserver.service.billing_policy import BillingPolicy
from callserver.service.hangups import HangupReport
from tests.adapters.redis.meter_store_samples import left_over
from tests.fakes.clock import VirtualClock
from tests.fakes.pbx import FakePbx
from tests.fakes.stores import SwitchedBooks, SwitchedMeters
from tests.service import business
from tests.service.process import Process, build

RUN = "run-1"
POLICY = BillingPolicy(slice_s=60, end_report_wait_ms=100)


@dataclass
class Stage:
    """The stores, the PBX and one process; `restart` is a SIGKILL and a new start."""

    folder: Path
    link: RedisLink
    database: Database
    policy: BillingPolicy = POLICY
    clock: VirtualClock = field(default_factory=VirtualClock)
    pbx: FakePbx = field(default_factory=FakePbx)

    def __post_init__(self) -> None:
        self.store = RedisMeterStore(self.link)
        self.real_books = SqlBooks(self.database, self.clock)
        self.books = SwitchedBooks(self.real_books)
        self.meters = SwitchedMeters(self.store)
        self.process: Process = self._build()
        self._calls = 0

    def _build(self) -> Process:
        return build(
            books=self.books.port,
            meters=self.meters.port,
            clock=self.clock,
            pbx=self.pbx,
            folder=self.folder,
            policy=self.policy,
        )

    def restart(self) -> Process:
        """The process is killed and another started over the same stores."""
        self.process.close()
        self.process = self._build()
        return self.process

    def forget_unwritten(self) -> None:
        """The writer was told of ended calls, and then of nothing more: only Redis has them."""
        self.process.writer._waiting.clear()

    def close(self) -> None:
        """End the process."""
        self.process.close()

    async def trust(self) -> None:
        """What a fresh connection to Redis brings about."""
        await self.process.rebuilder.check(RUN)

    def arrival(self, did: str = business.ACME, **changed: Any) -> Arrival:
        """A call that comes in now."""
        self._calls += 1
        uniqueid = f"{self.clock.us // 1_000_000}.{self._calls}"
        given: dict[str, Any] = {
            "token": str(uuid.uuid4()),
            "pbx": self.pbx.name,
            "uniqueid": uniqueid,
            "linkedid": uniqueid,
            "channel": f"PJSIP/carrier-{self._calls:08x}",
            "did": did,
            "caller_raw": "13800571234",
            "arrived_us": self.clock.us - self.pbx.offset_us,
        }
        return Arrival(**(given | changed))

    async def route(self, did: str = business.ACME, **changed: Any) -> tuple[Arrival, Any]:
        """A call comes in and asks where to; the PBX has its channel from now on."""
        arrival = self.arrival(did, **changed)
        answer = await self.process.admit.route(arrival)
        if isinstance(answer, Routed):
            self.live(arrival)
        return arrival, answer

    async def routed(self, did: str = business.ACME, **changed: Any) -> tuple[Arrival, Routed]:
        """The same for a call that must be let through."""
        arrival, answer = await self.route(did, **changed)
        assert isinstance(answer, Routed), answer
        return arrival, answer

    async def refused(self, did: str = business.ACME, **changed: Any) -> Refusal:
        """The same for a call that must be refused; why."""
        _, answer = await self.route(did, **changed)
        assert isinstance(answer, Refused), answer
        return answer.refusal

    def live(self, arrival: Arrival, *, line: int = 1, answered_us: int = 0) -> None:
        """The PBX's channel list has the call so."""
        self.pbx.channels[arrival.token] = LiveChannel(
            arrival.token, arrival.channel, arrival.uniqueid, arrival.did, line, answered_us
        )

    async def answer(self, arrival: Arrival, *, line: int = 1) -> int:
        """The destination answers now, and AMI says so; the instant on the PBX's clock."""
        answered_us = self.clock.us - self.pbx.offset_us
        self.live(arrival, line=line, answered_us=answered_us)
        await self.process.metering.answered(
            self.pbx.name, arrival.token, arrival.did, arrival.uniqueid, line, answered_us
        )
        return answered_us

    def end(self, answered_us: int = 0, **changed: Any) -> CallEnd:
        """A call ends now."""
        given: dict[str, Any] = {
            "ended_us": self.clock.us - self.pbx.offset_us,
            "answered_us": answered_us,
            "rang_us": 0,
            "dial_status": "ANSWER" if answered_us else "CANCEL",
            "hangup_cause": 16,
            "hung_up_by": HungUpBy.CALLER,
            "source": EndSource.REPORT,
            "line": 1,
        }
        return CallEnd(**(given | changed))

    async def hang_up(
        self,
        arrival: Arrival,
        answered_us: int = 0,
        *,
        routed: bool = True,
        refusal: Refusal | None = None,
        **changed: Any,
    ) -> None:
        """The call ends now, and its hangup handler reports it."""
        self.pbx.channels.pop(arrival.token, None)
        end = self.end(answered_us, **changed)
        await self.process.hangups.reported(HangupReport(arrival, end, routed, refusal))

    def ami_hangup(
        self,
        arrival: Arrival,
        cause: int = 16,
        *,
        line: int = 1,
        answered_us: int = 0,
        **changed: Any,
    ) -> None:
        """The call's channel goes now, and AMI says so; by itself it says of no answer."""
        self.pbx.channels.pop(arrival.token, None)
        seen = replace(arrival, **changed)
        self.process.hangups.hung_up(
            *(seen.pbx, seen.token, seen.uniqueid, line, answered_us), self.clock.us, cause
        )

    def write_cdr_line(
        self, arrival: Arrival, answered_us: int = 0, *, start_us: int = 0, **columns: str
    ) -> None:
        """The PBX notes an attempt that ends now in its own file."""
        started_us, ended_us = start_us or arrival.arrived_us, self.clock.us - self.pbx.offset_us
        billsec = (ended_us - answered_us) // 1_000_000 if answered_us else 0
        row = {
            "token": arrival.token,
            "uniqueid": arrival.uniqueid,
            "linkedid": arrival.linkedid,
            "did": arrival.did,
            "caller": arrival.caller_raw,
            "start": epoch(started_us),
            "answer": epoch(answered_us) if answered_us else "",
            "end": epoch(ended_us),
            "billsec": str(billsec),
            "duration": str((ended_us - started_us) // 1_000_000),
            "disposition": "ANSWERED" if answered_us else "NO ANSWER",
            "cause": "16",
            "channel": arrival.channel,
            "dstchannel": "PJSIP/carrier-ffffffff",
            "lastapp": "Dial",
            "lastdata": "PJSIP/02188880100@carrier,20,U(cs-answered)",
        }
        line = ",".join(f'"{value}"' for value in (row | columns).values())
        with (self.folder / "callserver.csv").open("a") as file:
            file.write(f"{line}\n")

    async def meter(self, arrival: Arrival) -> OpenMeter | None:
        """The call's open meter, straight from Redis."""
        account = business.catalogue().dids[arrival.did].customer
        return await self.store.meter(shard_of(account), arrival.token)

    async def balance(self, account: str = "acme") -> Balance:
        """The account, straight from Redis."""
        return await self.store.balance(account, self.clock.us)

    async def sql_sum(self, account: str = "acme") -> int:
        """The account's settled micros, straight from SQL."""
        return (await self.real_books.account_sums([account]))[account].settled_micros

    async def cdrs(self) -> Sequence[Cdr]:
        """All CDRs in SQL, newest first."""
        return (await self.real_books.cdrs(CdrQuery(customers=None, limit=500))).cdrs

    async def written(self) -> Sequence[Cdr]:
        """All CDRs, after the writer had its turn."""
        await self.process.write_cdrs()
        return await self.cdrs()

    async def outbox(self, account: str = "acme") -> int:
        """How many settled calls wait for SQL in Redis."""
        return int(await self.link.query("HLEN", keys.outbox(shard_of(account))))

    async def lose_redis(self) -> None:
        """FLUSHALL."""
        await self.link.query("FLUSHALL")

    async def timers_ran_out(self) -> None:
        """Wait until no end of a call waits for its report."""
        hangups = self.process.hangups
        async with asyncio.timeout(20):
            while hangups._waiting or hangups._late:
                await asyncio.sleep(0.01)

    async def assert_nothing_held(self) -> None:
        """No hold, slot, due time or open call is left in Redis, no call in hand."""
        assert not await left_over(self.link)
        assert len(self.process.in_hand) == 0

    async def assert_books_agree(self) -> None:
        """Redis and SQL have the same balances."""
        for account, total in (await self.real_books.account_sums()).items():
            if account in {*business.TOP_UPS, "post"}:
                balance = await self.balance(account)
                assert balance.settled_micros == total.settled_micros
                assert balance.minutes == total.minutes


def epoch(us: int) -> str:
    """`CDR(…,u)`'s text for an instant."""
    return f"{us // 1_000_000}.{us % 1_000_000:06d}"
